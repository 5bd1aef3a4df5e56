// StoreLane: what belongs to one store's lane: its pages, and, while it is unlocked, its cipher and its
// connection.
//
// Within store only. Used by one thread at a time: recovery before the loop serves, then jobs of the store's
// lane. Nothing here knows of the loop or of LSNs.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seams/seams.h"
#include "store/connection.h"
#include "store/page_store.h"
#include "store/reseal.h"
#include "store/storage.h"
#include "store/store_restore.h"

namespace firedrill::store {

/// What one visit to the lane brought back to the loop.
struct LaneReport {
    Status status;
    std::optional<Commit> commit;
    StorePosition position;
    CommitSequence folded = 0;  ///< newest commit that the page file holds, durably
    std::uint64_t unfolded_bytes = 0;
    std::uint64_t damaged_pages = 0;
    std::uint64_t repaired_pages = 0;
    std::uint32_t rebuilt = 0;  ///< times that its files were made anew
    bool is_unlocked = false;
    std::uint64_t memory_bytes = 0;  ///< of pages, tree, connection and caches, roughly
    std::shared_ptr<Fold> fold;  ///< to be run, then given to end_fold(); owners: this, then the loop's item
    bool wants_fold = false;     ///< the files lack something that is not counted as unfolded
    std::string note;            ///< what somebody should read at once, empty mostly
    std::string damage;          ///< first sentence about damage, empty when none was met
    std::uint64_t scrub_found = 0;           ///< by scrub(): pages that were not what was written
    std::uint64_t scrub_not_repairable = 0;  ///< of those
    ResealProgress reseal;
    std::shared_ptr<StoreRestore> restore;     ///< of prepare_to_restore() when it is over
    std::optional<RestoreProgress> restoring;  ///< of prepare_to_restore() when it is to be called again
};

class StoreLane {
  public:
    using MakeCipher = std::function<std::unique_ptr<PageCipher>(StoreId, KeyRing)>;

    StoreLane(const Seams& seams, const NodeId& node, StoreId store, const StorageOptions& options)
        : node_(node),
          data_(seams.data),
          logs_(seams.logs),
          entropy_(seams.entropy),
          workers_(seams.workers),
          store_(store),
          source_(options.page_source),
          rebuild_bytes_(options.rebuild_bytes) {}
    StoreLane(const StoreLane&) = delete;
    StoreLane& operator=(const StoreLane&) = delete;

    /// Recovery hands over what it built; `damage` not empty: the store cannot be served. Yields where it
    /// stands. `is_rebuilt`: its files were not those that were written.
    LaneReport adopt(std::unique_ptr<PageStore> pages, std::string damage, bool is_rebuilt);

    LaneReport unlock(const MakeCipher& make_cipher, KeyRing ring, const std::vector<Migration>& migrations);
    LaneReport transact(Access access, const Storage::Job& job);
    /// Rewrites the database in as few pages as it needs.
    LaneReport vacuum();
    /// Freezes what is to be folded into `fold` of the report, null when there is nothing.
    LaneReport begin_fold(Lsn through);
    /// Takes over a fold that ran.
    LaneReport end_fold(Fold& fold);
    /// Gives memory back while nobody uses the store: connection and caches, the pages too when they are
    /// folded. It stays unlocked; the next job opens them again.
    LaneReport rest();
    /// Reads and compares these pages, repairing what can be.
    LaneReport scrub(PageNumber first, PageNumber count);
    /// One step of sealing pages of replaced keys anew; nothing when there are none or the store is locked.
    LaneReport reseal();
    /// What it takes to bring the locked store back to an earlier commit, one step of reading the log a call;
    /// changes nothing. After a commit on the way was taken back to, and folded, it goes on to the next one.
    /// Until it is over only that, folds, scrubs and rests may come between.
    LaneReport prepare_to_restore(const std::vector<Disk*>& disks, const RestorePoint& point,
                                  const RestoreLimits& limits, bool is_plan_only);
    /// Ends the preparation: the step that was made last cannot be folded.
    LaneReport give_up_restoring(const Error& failure);
    /// Does it. The parts are durable.
    LaneReport take_back(StoreRestore& restore);
    /// Drops connection, caches and keys.
    LaneReport lock();

  private:
    /// Checks that there is room for what `restore` writes.
    static Status find_room(const std::vector<Disk*>& disks, const StoreRestore& restore);
    Result<bool> step_preparation(const std::vector<Disk*>& disks, const RestorePoint& point,
                                  const RestoreLimits& limits, bool is_plan_only);
    Status load();
    Status build_anew(std::string why);
    void keep_files();
    Status reopen();
    /// Looks through the whole page file and brings back from the log what can be brought back.
    void repair();
    Result<std::optional<Commit>> migrate(const std::vector<Migration>& migrations);
    /// Fills in what every visit tells, and says what it cost.
    LaneReport report(Status status, std::optional<Commit> commit = std::nullopt);
    void unload_if_idle();
    void begin_reseal(KeyEpoch retired, const std::optional<Commit>& migrated);

    NodeId node_;
    Disk& data_;
    std::vector<Disk*> logs_;
    Entropy& entropy_;
    Workers& workers_;
    StoreId store_;
    PageSource source_;
    std::uint64_t rebuild_bytes_;
    std::uint32_t rebuilt_ = 0;
    std::unique_ptr<PageStore> pages_;   // null: not loaded, everything is in the page file
    std::uint64_t repaired_before_ = 0;  // pages repaired in what was unloaded since
    StorePosition position_;             // as it was when the pages were unloaded
    CommitSequence folded_ = 0;          // likewise
    std::unique_ptr<PageCipher> cipher_;
    std::unique_ptr<Connection> connection_;           // null or poisoned: opened again when needed
    std::unique_ptr<Resealer> resealer_;               // kept while locked: what it knows needs no key
    std::unique_ptr<RestorePreparation> preparation_;  // between two of its steps
    bool has_opened_ = false;
    std::string damage_;
    bool may_heal_ = false;   // `damage_` is of pages that a reader may find repaired
    std::string note_;        // for the next report
    bool is_broken_ = false;  // recovery could not bring it to the log's end
};

}  // namespace firedrill::store
