// PageStore: the keyless state of one store: its sealed pages, its page tree, and how far they are folded.
//
// Used by one thread at a time: the store's lane, or recovery, restore and inspection before the loop serves.
// Nothing here needs a key except that prepare() is handed a cipher. Blocking.
//
// Files on the data disk (docs/formats/page_file.md), written only by fold():
//   pages.<store: 32 hex>.<generation: 8 hex>   page N at offset (N - 1) * 4096
//   leaves.<store: 32 hex>                      the published position, and the leaf of every page there
//
// Invariants:
//  1. Every page handed out has the digest that the tree remembers, or its tag and opens under the store's
//  key:
//     a stale, lost, misdirected, swapped or rolled-back page is damaged, never data.
//  2. The page file is changed only by a fold, and only to versions that the log holds durably. The position
//  is
//     published after the page file's sync. A failed sync makes the next fold go into a file of the next
//     generation.
//  3. open(), apply(), prepare() and the readers never write.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "seams/disk.h"
#include "seams/entropy.h"
#include "store/page.h"
#include "store/page_nonces.h"
#include "store/page_tree.h"
#include "store/record.h"

namespace firedrill::store {

/// Where a store stands after one commit.
struct StorePosition {
    CommitSequence sequence = 0;  ///< 0: no commit yet
    Digest last_hash;             ///< commit_hash of that commit; zero for none
    PageNumber page_count = 0;
    Digest root;
    bool operator==(const StorePosition&) const = default;
};

/// One changed page as SQLite wrote it; `bytes` has kPageSize bytes, the last 64 zero.
struct PlainPage {
    PageNumber number = 0;
    ByteView bytes;
};

/// Names of a store's files, for tools and tests.
std::string page_file_name(StoreId store, std::uint32_t generation);
std::string leaves_file_name(StoreId store);
/// `building.<store>`: what is made beside the files of a store; begun anew whenever it is found.
inline constexpr std::string_view kBuildingPrefix = "building.";
/// One that no page file of the store has, for make_empty().
Result<std::uint32_t> unused_generation(Disk& data, StoreId store);
/// The stores of which `data` has a leaves file, sorted.
Result<std::vector<StoreId>> stores_on(Disk& data);

/// One fold on its way: what is to be written, frozen when it began. run() may stand beside every use of the
/// PageStore it came from except begin_fold() and fold(): a long fold stops nobody. Memory: 24 bytes for each
/// page that is not folded, and what FrozenLeaves takes; nothing for the others.
class Fold {
  public:
    /// Writes the pages a few megabytes at a time, syncs each of these, publishes the position. Blocking;
    /// once.
    void run();

  private:
    friend class PageStore;
    Fold(Disk& data, StoreId store) : data_(data), store_(store) {}
    Status write();
    Status write_in_place();
    Status write_into_next();
    Result<SealedPagePtr> next_page(PageNumber page, const Digest& leaf, std::size_t& at);
    Status publish();
    void remove_strays();
    [[nodiscard]] std::string name() const;

    Disk& data_;
    StoreId store_;
    StorePosition position_;
    Lsn through_ = 0;
    std::uint32_t generation_ = 0;  // written to
    std::uint32_t source_ = 0;      // another one: everything is copied from there; 0: there is nothing
    bool is_in_place_ = false;
    bool must_cut_ = false;
    bool is_beside_ = false;                // to the file that is being built, which is not published
    bool must_tidy_ = false;                // page files that nobody names are removed
    std::shared_ptr<FrozenLeaves> leaves_;  // until it ran
    std::vector<std::pair<PageNumber, SealedPagePtr>> pages_;  // ascending; null: became a hole

    Status outcome_;
    bool is_file_in_doubt_ = false;  // a write or a sync of the page file failed
    bool is_cut_ = false;
    PageNumber unreadable_ = 0;
    std::unique_ptr<File> source_file_;
    std::unique_ptr<File> file_;
};

class PageStore {
  public:
    /// Reads the published position and leaves; a store without a leaves file is empty (position zero). When
    /// the leaves do not give the recorded root they are computed again from the page file; damaged when that
    /// does not give it either, or the file's shape is wrong: the caller may replay the log from its start
    /// into make_empty().
    static Result<std::unique_ptr<PageStore>> open(Disk& data, StoreId store);
    /// As if nothing had ever been folded; the first fold uses `generation` (one that no present file has).
    static std::unique_ptr<PageStore> make_empty(Disk& data, StoreId store, std::uint32_t generation);

    /// The same, built beside the files that there are: until end_building() its folds go to a file of its
    /// own and publish nothing.
    static std::unique_ptr<PageStore> make_beside(Disk& data, StoreId store, std::uint32_t generation);
    /// Now it is all there: what was written takes its place among the page files, and the next fold
    /// publishes it. Until then the files from before stand as they were.
    Status end_building();
    /// It will not be used: the file that was being built goes.
    void abandon();

    /// Follows a durable commit of the log. Commits at or below the position are skipped (damaged if the
    /// newest of them differs from what was folded). damaged: a gap, another history, or a root that the
    /// pages do not give.
    Status apply(const Commit& commit);

    /// Whether the pages after `commit`, which takes the store back, would have the root that it states.
    /// Changes nothing. Not beside a fold.
    [[nodiscard]] bool gives_root(const Commit& commit);

    /// Seals changed pages (ascending numbers, 1 <= count <= 65536, numbers <= page_count, not kLockPage) as
    /// the next commit, which is the newest position at once. Their nonces count on from a draw of
    /// `entropy`.
    Commit prepare(std::span<const PlainPage> pages, PageNumber page_count, PageCipher& cipher,
                   Entropy& entropy);

    /// The sealed page; null for a hole, for the lock page and past the end. A page that cannot be had is
    /// counted, then the repairer is asked once; if it did not bring it back: damaged, disk_failed.
    Result<SealedPagePtr> read(PageNumber page);
    /// The same page opened into `out`, zeroes for a hole and past the end: compares the remembered tag and
    /// lets the AEAD do the rest. Reads ahead. What does not fit goes the way of read(); besides: what the
    /// cipher says of a page that is the right one.
    Status open_page(PageNumber page, PageCipher& cipher, MutableBytes out);
    /// Called from within the readers when a page is damaged: calls repair() for it and for what else it
    /// finds.
    void set_repairer(std::function<void()> repairer) { repairer_ = std::move(repairer); }
    /// Whoever reads one of these pages next asks the repairer again, though it was asked in vain before:
    /// what kept it from finding the page may be over.
    void try_again(PageNumber first, PageNumber last) {
        given_up_.erase(given_up_.lower_bound(first), given_up_.upper_bound(last));
    }
    /// Gives a damaged page back its right bytes, from log or mirror; the next fold writes it. bad_input when
    /// it is not the page that the tree remembers. wants() tells whether it would be taken.
    [[nodiscard]] bool wants(PageNumber page, const Digest& leaf) const noexcept;
    Status repair(PageNumber page, SealedPagePtr good);

    /// Freezes what is not folded; everything up to position() must be durable in the log. `through` is a
    /// label. Null: nothing to do. One at a time: end_fold() before the next.
    std::shared_ptr<Fold> begin_fold(Lsn through);
    /// Takes over what a fold that ran has reached and forgets the copies in memory that it wrote. On
    /// disk_failed and disk_full the old position stands and nothing is lost; begin another one later.
    Status end_fold(Fold& fold);
    /// All of it at once.
    Status fold(Lsn through);

    /// Looks whether the published files still stand under their names with what was published. True: they
    /// did not; what was in the page file was copied to one of the next generation, and the next fold
    /// publishes it. Not beside a fold: then it looks at nothing.
    Result<bool> keep_files();

    /// Who only wants to know whether the log gives the recorded roots keeps no pages: what is not folded is
    /// forgotten, and cannot be read any more. Nothing but apply() may follow.
    void forget_unfolded() noexcept { overlay_.clear(); }

    /// Reads and hashes every page of the page file that is not in memory. Yields the pages that differ or
    /// cannot be read.
    Result<std::vector<PageNumber>> verify(const std::function<void(PageNumber done)>& progress);

    [[nodiscard]] StoreId store() const noexcept { return store_; }
    /// As it stands at position(); its root is up to date.
    [[nodiscard]] const PageTree& tree() const noexcept { return tree_; }
    [[nodiscard]] const StorePosition& position() const noexcept { return position_; }
    [[nodiscard]] const StorePosition& folded() const noexcept { return folded_; }
    [[nodiscard]] Lsn folded_lsn() const noexcept { return folded_lsn_; }  ///< label given to the last fold
    [[nodiscard]] std::uint64_t unfolded_bytes() const noexcept { return overlay_.size() * kPageSize; }
    [[nodiscard]] const std::set<PageNumber>& damaged_pages() const noexcept { return damaged_; }
    /// What was done since the last call, for Workers::charge.
    struct Work {
        std::uint64_t sealed = 0;  ///< pages sealed or opened
        std::uint64_t hashed = 0;  ///< pages hashed
    };
    Work take_work() noexcept { return std::exchange(work_, Work{}); }
    [[nodiscard]] std::uint64_t repaired_count() const noexcept { return repaired_count_; }
    /// Bytes of memory held, roughly.
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;
    /// Everything is in the page file: the object may go, open() brings it back.
    [[nodiscard]] bool is_folded() const noexcept {
        return overlay_.empty() && folded_ == position_ && !is_folding_ && damaged_.empty() && !wants_fold();
    }
    /// The files on the disk lack something although nothing may be unfolded: a fold writes it.
    [[nodiscard]] bool wants_fold() const noexcept { return is_unpublished_ || has_bad_leaves_; }
    /// Gives back what memory reading ahead holds.
    void drop_read_ahead() noexcept { ahead_ = {}; }

  private:
    PageStore(Disk& data, StoreId store) : data_(data), store_(store) {}
    Status load(File& document);
    Status rebuild_leaves();
    Status copy_pages();
    Result<SealedPagePtr> read_stored(PageNumber page);
    Result<SealedPagePtr> load_stored(PageNumber page);
    const SealedPage* look_ahead(PageNumber page);
    bool fill_ahead(PageNumber page, PageNumber count);
    Error damage(PageNumber page, std::string_view what);
    void resize(PageNumber page_count);

    Disk& data_;
    StoreId store_;
    StorePosition position_;
    StorePosition folded_;
    Lsn folded_lsn_ = 0;
    std::uint32_t generation_ = 0;       // of the published page file; 0: none yet
    std::uint32_t next_generation_ = 1;  // where the next fold goes when it may not go into generation_
    bool must_move_ = true;              // the next fold may not go into generation_
    PageTree tree_;
    PageNonces nonces_;
    std::map<PageNumber, SealedPagePtr>
        overlay_;  // newest version of every page not folded yet; null: became a hole
    std::set<PageNumber> damaged_;
    std::set<PageNumber> given_up_;  // damaged pages for which the repairer was asked in vain
    std::function<void()> repairer_;
    bool is_repairing_ = false;
    std::uint64_t repaired_count_ = 0;
    std::unique_ptr<File> pages_;  // the published page file; null when there is none
    PageNumber file_pages_ = 0;    // pages of that file that may hold something
    bool is_folding_ = false;
    bool is_unpublished_ = false;  // the leaves file is not that of generation_ and folded_
    bool has_bad_leaves_ = false;  // it is, but its leaves had to be computed again
    bool is_building_ = false;     // beside the published files, see make_beside()
    bool has_strays_ = false;      // the next fold that publishes removes other page files
    /// Stored pages `first` … `first + count - 1` as they were read; believed only after comparison with the
    /// tree.
    struct Ahead {
        std::unique_ptr<SealedPage[]> pages;
        PageNumber room = 0;
        PageNumber first = 0;
        PageNumber count = 0;
        PageNumber last = 0;  // page that was asked for last
        PageNumber streak = 0;
    };
    Ahead ahead_;
    Work work_;
};

}  // namespace firedrill::store
