// PageStore: the keyless state of one store: its sealed pages, its page tree, and how far they are folded.
//
// Used by one thread at a time: the store's lane, or recovery, restore and inspection before the loop serves.
// Nothing here needs a key except that prepare() is handed a cipher. Blocking.
//
// Files on the data disk (docs/formats/page_file.md), written only by fold():
//   pages.<store: 32 hex>.<generation: 8 hex>   page N at offset (N - 1) * 4096
//   leaves.<store: 32 hex>                      the published position, and the leaf of every page at that
//   position
//
// Invariants:
//  1. Every page handed out has the leaf that the tree remembers: a stale, lost, misdirected, swapped or
//  rolled-back
//     page is damaged, never data.
//  2. The page file is changed only by fold(), and only to versions that the log holds durably. The position
//  is published after
//     the page file's sync. A failed sync makes the next fold go into a file of the next generation.
//  3. open(), apply(), prepare() and read() never write.
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
/// The stores of which `data` has a leaves file, sorted.
Result<std::vector<StoreId>> stores_on(Disk& data);

class PageStore {
  public:
    /// Reads the published position and leaves; a store without a leaves file is empty (position zero). When
    /// the leaves do not give the recorded root they are computed again from the page file; damaged when that
    /// does not give it either, or the file's shape is wrong: the caller may replay the log from its start
    /// into make_empty().
    static Result<std::unique_ptr<PageStore>> open(Disk& data, StoreId store);
    /// As if nothing had ever been folded; the first fold uses `generation` (one that no present file has).
    static std::unique_ptr<PageStore> make_empty(Disk& data, StoreId store, std::uint32_t generation);

    /// Follows a durable commit of the log. Commits at or below the position are skipped (damaged if the
    /// newest of them differs from what was folded). damaged: a gap, another history, or a root that the
    /// pages do not give.
    Status apply(const Commit& commit);

    /// Seals changed pages (ascending numbers, 1 <= count <= 65536, numbers <= page_count, not kLockPage) as
    /// the next commit, which is the newest position at once. Nonces are one draw of `entropy`.
    Commit prepare(std::span<const PlainPage> pages, PageNumber page_count, PageCipher& cipher,
                   Entropy& entropy);

    /// The sealed page; null for a hole, for the lock page and past the end. A page that cannot be had is
    /// counted, then the repairer is asked once; if it did not bring it back: damaged, disk_failed.
    Result<SealedPagePtr> read(PageNumber page);
    /// Called from within read() when a page is damaged: calls repair() for it and for what else it finds.
    void set_repairer(std::function<void()> repairer) { repairer_ = std::move(repairer); }
    /// Gives a damaged page back its right bytes, from log or mirror; the next fold writes it. bad_input when
    /// it is not the page that the tree remembers. wants() tells whether it would be taken.
    [[nodiscard]] bool wants(PageNumber page, const Digest& leaf) const noexcept;
    Status repair(PageNumber page, SealedPagePtr good);

    /// Copies every unfolded page to the page file, syncs it, publishes the position with `through` as a
    /// label, and forgets the copies in memory. Everything up to position() must be durable in the log. On
    /// disk_failed and disk_full the old position stands and nothing is lost; call again later.
    Status fold(Lsn through);

    /// Reads and hashes every page of the page file that is not in memory. Yields the pages that differ or
    /// cannot be read.
    Result<std::vector<PageNumber>> verify(const std::function<void(PageNumber done)>& progress);

    [[nodiscard]] StoreId store() const noexcept { return store_; }
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
    void count_opened_page() noexcept { ++work_.sealed; }
    [[nodiscard]] std::uint64_t repaired_count() const noexcept { return repaired_count_; }
    /// Bytes of memory held, roughly.
    [[nodiscard]] std::uint64_t memory_bytes() const noexcept;

  private:
    PageStore(Disk& data, StoreId store) : data_(data), store_(store) {}
    Status load(File& document);
    Status load_header(File& document);
    Status rebuild_leaves();
    Result<SealedPagePtr> read_stored(PageNumber page);
    Result<SealedPagePtr> load_stored(PageNumber page);
    Status write_overlay(File& file);
    Status copy_all(File& file);
    Status fold_in_place(Lsn through);
    Status fold_into_next(Lsn through);
    Status publish(std::uint32_t generation, Lsn through);
    void finish_fold(Lsn through);
    void remove_strays();
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
    std::map<PageNumber, SealedPagePtr>
        overlay_;  // newest version of every page not folded yet; null: became a hole
    std::set<PageNumber> damaged_;
    std::set<PageNumber> given_up_;  // damaged pages for which the repairer was asked in vain
    std::function<void()> repairer_;
    bool is_repairing_ = false;
    std::uint64_t repaired_count_ = 0;
    std::unique_ptr<File> pages_;  // the published page file; null when there is none
    PageNumber file_pages_ = 0;    // pages of that file that may hold something
    Work work_;
};

}  // namespace firedrill::store
