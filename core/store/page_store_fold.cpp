// Fold: how sealed pages travel from memory to the page file, and how their position is published.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/hash.h"
#include "store/leaves_file.h"
#include "store/page_store.h"

namespace firedrill::store {

namespace {

constexpr std::size_t kRunLimit = 64;     // pages written by one gathering write
constexpr std::size_t kSyncEvery = 1024;  // pages; a commit's sync waits for at most as many of ours
constexpr SealedPage kZeroes{};

std::uint64_t offset_of(PageNumber page) {
    return std::uint64_t{page - 1} * kPageSize;
}

/// Collects neighbouring pages and writes them together.
class RunWriter {
  public:
    explicit RunWriter(File& file) : file_(file) {}

    /// Ascending page numbers. `page` null: zeroes.
    Status add(PageNumber number, SealedPagePtr page) {
        if (run_.size() == kRunLimit || (!run_.empty() && number != first_ + run_.size())) {
            TRY(flush());
        }
        if (run_.empty()) {
            first_ = number;
        }
        run_.emplace_back(page ? ByteView(*page) : ByteView(kZeroes));
        held_.push_back(std::move(page));
        return {};
    }
    Status flush() {
        if (run_.empty()) {
            return {};
        }
        TRY(file_.write_at(offset_of(first_), run_));
        unsynced_ += run_.size();
        run_.clear();
        held_.clear();
        return unsynced_ >= kSyncEvery ? sync() : Status();
    }
    Status sync() {
        unsynced_ = 0;
        return file_.sync();
    }

  private:
    File& file_;
    PageNumber first_ = 0;
    std::vector<ByteView> run_;
    std::vector<SealedPagePtr> held_;
    std::size_t unsynced_ = 0;
};

}  // namespace

std::shared_ptr<Fold> PageStore::begin_fold(Lsn through) {
    CHECK(!is_folding_);
    if (position_.sequence == 0 ||
        (overlay_.empty() && folded_ == position_ && !must_move_ && !wants_fold())) {
        return nullptr;
    }
    auto fold = std::shared_ptr<Fold>(new Fold(data_, store_));
    fold->position_ = position_;
    fold->through_ = through;
    fold->is_in_place_ = !must_move_;
    fold->source_ = pages_ ? generation_ : 0;
    fold->generation_ = !must_move_ ? generation_ : is_building_ ? next_generation_ : next_generation_++;
    fold->is_beside_ = is_building_;
    fold->must_tidy_ = must_move_ || has_strays_;
    fold->must_cut_ = !must_move_ && file_pages_ > position_.page_count;
    fold->leaves_ = tree_.freeze();
    fold->pages_.assign(overlay_.begin(), overlay_.end());
    file_pages_ = std::max(file_pages_, position_.page_count);
    is_folding_ = true;
    return fold;
}

Status PageStore::end_fold(Fold& fold) {
    CHECK(is_folding_);
    is_folding_ = false;
    tree_.thaw();
    if (!fold.outcome_) {
        must_move_ = must_move_ || fold.is_file_in_doubt_;
        is_unpublished_ = true;  // it may have been, or not: the next one does it in any case
        if (fold.unreadable_ != 0 && fold.unreadable_ <= tree_.page_count()) {
            (void)read(fold.unreadable_).is_ok();  // asks the repairer, for the next fold
        }
        if (fold.outcome_.error().fault == Fault::not_found) {
            (void)keep_files().is_ok();  // the next fold finds a file again
        }
        return fold.outcome_;
    }
    folded_ = fold.position_;
    folded_lsn_ = fold.through_;
    for (const auto& [page, sealed] : fold.pages_) {
        const auto found = overlay_.find(page);
        if (found != overlay_.end() && found->second == sealed) {
            overlay_.erase(found);
        }
    }
    if (!fold.is_in_place_ || fold.is_cut_) {
        file_pages_ = fold.position_.page_count;
    }
    pages_ = std::move(fold.file_);
    generation_ = fold.generation_;
    must_move_ = false;
    is_unpublished_ = false;
    has_bad_leaves_ = false;
    has_strays_ = has_strays_ && fold.is_beside_;
    ahead_.count = 0;
    return {};
}

Status PageStore::fold(Lsn through) {
    const std::shared_ptr<Fold> fold = begin_fold(through);
    if (!fold) {
        return {};
    }
    fold->run();
    return end_fold(*fold);
}

void Fold::run() {
    outcome_ = write();
    source_file_.reset();
    leaves_.reset();
}

Status Fold::write() {
    Status written = is_in_place_ ? write_in_place() : write_into_next();
    if (!written && !is_in_place_ && file_) {
        // No leaves file names it yet. Half of it must not take space on a disk that may be full.
        file_.reset();
        (void)data_.remove(name()).is_ok();
    }
    TRY(std::move(written));
    if (is_beside_) {
        return {};
    }
    TRY(publish());
    if (must_cut_) {
        // Only tidiness: a failure leaves sealed bytes behind the end, which nobody reads.
        is_cut_ = file_->truncate(std::uint64_t{position_.page_count} * kPageSize).is_ok();
    }
    if (must_tidy_) {
        remove_strays();
    }
    return {};
}

Status Fold::write_in_place() {
    file_ = TRY(data_.open(name(), Open::existing));
    RunWriter out(*file_);
    Status written;
    for (const auto& [page, sealed] : pages_) {
        written = out.add(page, sealed);
        if (!written) {
            break;
        }
    }
    written = written ? out.flush() : written;
    written = written ? out.sync() : written;
    is_file_in_doubt_ = !written && written.error().fault == Fault::disk_failed;
    return written;
}

Status Fold::write_into_next() {
    file_ = TRY(data_.open(name(), Open::any));
    TRY(file_->truncate(0));
    if (source_ != 0) {
        source_file_ = TRY(data_.open(page_file_name(store_, source_), Open::existing));
    }
    RunWriter out(*file_);
    std::size_t at = 0;
    std::vector<Leaf> leaves(std::min(leaves_->size(), LeafTable::kRun));
    for (PageNumber page = 1; page <= position_.page_count; ++page) {
        const std::size_t in_run = (page - 1) % LeafTable::kRun;
        if (in_run == 0) {
            leaves_->copy(page - 1, leaves);
        }
        if (leaves[in_run] == Leaf{}) {
            continue;
        }
        if (SealedPagePtr sealed = TRY(next_page(page, leaves[in_run].digest, at))) {
            TRY(out.add(page, std::move(sealed)));
        }
    }
    TRY(out.flush());
    TRY(out.sync());
    return data_.sync_names();
}

/// Null: it is damaged, and stays so in the new file, as zeroes do not have its digest.
Result<SealedPagePtr> Fold::next_page(PageNumber page, const Digest& leaf, std::size_t& at) {
    while (at < pages_.size() && pages_[at].first < page) {
        ++at;
    }
    if (at < pages_.size() && pages_[at].first == page) {
        return pages_[at].second;
    }
    if (!source_file_) {
        return SealedPagePtr();
    }
    auto stored = std::make_shared_for_overwrite<SealedPage>();
    auto got = source_file_->read_at(offset_of(page), *stored);
    if (!got) {
        unreadable_ = page;
        return std::move(got).error();
    }
    const bool is_right = *got == kPageSize && page_leaf(page, *stored) == leaf;
    return is_right ? SealedPagePtr(std::move(stored)) : SealedPagePtr();
}

void Fold::remove_strays() {
    auto names = data_.list();
    if (!names) {
        return;  // tidiness only: what is left is removed after a later move
    }
    const std::string prefix = fmt::format("pages.{}.", to_hex(store_));
    const std::string mine = page_file_name(store_, generation_);
    for (const std::string& name : *names) {
        if (name.starts_with(prefix) && name != mine) {
            (void)data_.remove(name).is_ok();
        }
    }
}

std::string Fold::name() const {
    return is_beside_ ? std::string(kBuildingPrefix) + to_hex(store_) : page_file_name(store_, generation_);
}

Status Fold::publish() {
    const LeavesHeader header{store_, generation_, position_, through_};
    return write_leaves_file(data_, header, *leaves_);
}

}  // namespace firedrill::store
