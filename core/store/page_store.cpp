#include "store/page_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {

namespace {

constexpr Leaf kHole{};

std::string describe(StoreId store) {
    return fmt::format("store {}", to_hex(store));
}

std::uint64_t offset_of(PageNumber page) {
    return std::uint64_t{page - 1} * kPageSize;
}

}  // namespace

Status PageStore::apply(const Commit& commit) {
    CHECK(commit.store == store_);
    if (commit.sequence <= position_.sequence) {
        const bool is_same = commit_hash(commit) == position_.last_hash && commit.root == position_.root &&
                             commit.page_count == position_.page_count;
        if (commit.sequence == position_.sequence && !is_same) {
            return Error{Fault::damaged,
                         fmt::format("{}: commit {} of the log is not the one that was folded; the log "
                                     "and the data folder belong to different histories",
                                     describe(store_), commit.sequence)};
        }
        return {};
    }
    if (commit.sequence != position_.sequence + 1 || commit.previous != position_.last_hash) {
        return Error{Fault::damaged,
                     fmt::format("{}: commit {} of the log does not follow commit {}; records are missing, "
                                 "restore from a log that has them",
                                 describe(store_), commit.sequence, position_.sequence)};
    }
    resize(commit.page_count);
    for (const PageImage& image : commit.pages) {
        if (image.number == 0 || image.number > commit.page_count || image.number == kLockPage ||
            (!image.page && !commit.taken_back)) {
            return Error{Fault::damaged,
                         fmt::format("{}: commit {} of the log changes page {}, which cannot be",
                                     describe(store_), commit.sequence, image.number)};
        }
        tree_.set(image.number, image.page ? Leaf{image.leaf, page_tag(*image.page)} : kHole);
        overlay_[image.number] = image.page;
        damaged_.erase(image.number);
    }
    if (tree_.root() != commit.root) {
        return Error{Fault::damaged,
                     fmt::format("{}: after commit {} the pages do not give the recorded root; the page "
                                 "file or the log is not of this history",
                                 describe(store_), commit.sequence)};
    }
    position_ = {commit.sequence, commit_hash(commit), commit.page_count, commit.root};
    return {};
}

bool PageStore::gives_root(const Commit& commit) {
    const PageNumber before = tree_.page_count();
    tree_.resize(std::max(before, commit.page_count));
    std::vector<Leaf> former;
    former.reserve(commit.pages.size());
    for (const PageImage& image : commit.pages) {
        former.push_back(tree_.leaf(image.number));
        tree_.set(image.number, image.page ? Leaf{image.leaf, page_tag(*image.page)} : kHole);
    }
    const bool is_right = tree_.root_of_first(commit.page_count) == commit.root;
    for (std::size_t i = commit.pages.size(); i > 0; --i) {
        tree_.set(commit.pages[i - 1].number, former[i - 1]);
    }
    tree_.resize(before);
    CHECK(tree_.root() == position_.root);
    return is_right;
}

Commit PageStore::prepare(std::span<const PlainPage> pages, PageNumber page_count, PageCipher& cipher,
                          Entropy& entropy) {
    CHECK(!pages.empty());
    CHECK(pages.size() <= 65536);
    crypto::Nonce nonce = nonces_.begin_record(pages.size(), entropy);

    Commit commit;
    commit.store = store_;
    commit.sequence = position_.sequence + 1;
    commit.previous = position_.last_hash;
    commit.page_count = page_count;
    commit.pages.reserve(pages.size());
    resize(page_count);
    PageNumber last = 0;
    for (std::size_t index = 0; index < pages.size(); ++index) {
        const PlainPage& plain = pages[index];
        CHECK(plain.number > last);
        CHECK(plain.number <= page_count);
        CHECK(plain.number != kLockPage);
        last = plain.number;
        if (index > 0) {
            PageNonces::step(nonce);
        }
        auto sealed = std::make_shared_for_overwrite<SealedPage>();
        cipher.seal(plain.number, commit.sequence, nonce, plain.bytes, *sealed);
        const Digest leaf = page_leaf(plain.number, *sealed);
        tree_.set(plain.number, {leaf, page_tag(*sealed)});
        overlay_[plain.number] = sealed;
        damaged_.erase(plain.number);
        commit.pages.push_back({plain.number, std::move(sealed), leaf});
    }
    commit.root = tree_.root();
    work_.sealed += pages.size();
    work_.hashed += pages.size();
    position_ = {commit.sequence, commit_hash(commit), page_count, commit.root};
    return commit;
}

Result<SealedPagePtr> PageStore::read(PageNumber page) {
    CHECK(page >= 1);
    if (page > tree_.page_count()) {
        return SealedPagePtr();
    }
    if (const auto found = overlay_.find(page); found != overlay_.end()) {
        return found->second;
    }
    return tree_.leaf(page) == kHole ? Result<SealedPagePtr>(SealedPagePtr()) : read_stored(page);
}

Result<SealedPagePtr> PageStore::read_stored(PageNumber page) {
    auto loaded = load_stored(page);
    const bool is_lost =
        !loaded && (loaded.error().fault == Fault::damaged || loaded.error().fault == Fault::disk_failed);
    if (!is_lost || !repairer_ || is_repairing_ || given_up_.contains(page)) {
        return loaded;
    }
    is_repairing_ = true;
    repairer_();
    is_repairing_ = false;
    if (const auto found = overlay_.find(page); found != overlay_.end()) {
        return found->second;
    }
    given_up_.insert(page);
    return loaded;
}

Result<SealedPagePtr> PageStore::load_stored(PageNumber page) {
    if (!pages_) {
        return damage(page, "is not there");
    }
    auto stored = std::make_shared_for_overwrite<SealedPage>();
    auto got = pages_->read_at(offset_of(page), *stored);
    if (!got) {
        if (got.error().fault == Fault::disk_failed) {
            (void)damage(page, "cannot be read");
        }
        return std::move(got).error();
    }
    if (*got != kPageSize) {
        return damage(page, "is cut off");
    }
    ++work_.hashed;
    if (page_leaf(page, *stored) != tree_.leaf(page).digest) {
        return damage(page, "is not the page that was written last");
    }
    if (!damaged_.empty()) {
        damaged_.erase(page);
    }
    return SealedPagePtr(std::move(stored));
}

Status PageStore::open_page(PageNumber page, PageCipher& cipher, MutableBytes out) {
    CHECK(page >= 1);
    const bool is_hole = page > tree_.page_count() || tree_.leaf(page) == kHole;
    if (!is_hole && !overlay_.contains(page)) {
        const SealedPage* stored = look_ahead(page);
        if (stored != nullptr && page_tag(*stored) == tree_.leaf(page).tag) {
            ++work_.sealed;
            if (cipher.open(page, *stored, out)) {
                if (!damaged_.empty()) {
                    damaged_.erase(page);
                }
                return {};
            }
        }
    }
    // In memory, not the page that was written last, or not with this key: told apart by its digest.
    const SealedPagePtr sealed = TRY(read(page));
    if (!sealed) {
        std::fill(out.begin(), out.end(), Byte{0});
        return {};
    }
    ++work_.sealed;
    return cipher.open(page, *sealed, out);
}

/// Null when the page cannot be read here.
const SealedPage* PageStore::look_ahead(PageNumber page) {
    constexpr PageNumber kAhead = 32;
    constexpr PageNumber kStreak = 3;  // pages in a row before reading ahead is worth its memory
    constexpr PageNumber kNear = 4;    // inner pages of a tree lie between its leaves
    ahead_.streak = page > ahead_.last && page - ahead_.last <= kNear ? ahead_.streak + 1 : 0;
    ahead_.last = page;
    if (page < ahead_.first || page - ahead_.first >= ahead_.count) {
        const PageNumber wanted =
            ahead_.streak >= kStreak ? std::min(kAhead, tree_.page_count() - page + 1) : 1;
        if (!fill_ahead(page, wanted) && (wanted == 1 || !fill_ahead(page, 1))) {
            return nullptr;  // one bad sector must not hide its neighbours
        }
    }
    return &ahead_.pages[page - ahead_.first];
}

bool PageStore::fill_ahead(PageNumber page, PageNumber count) {
    if (!pages_) {
        return false;
    }
    if (ahead_.room < count) {
        ahead_.pages = std::make_unique_for_overwrite<SealedPage[]>(count);
        ahead_.room = count;
    }
    ahead_.count = 0;
    auto got = pages_->read_at(offset_of(page), {ahead_.pages[0].data(), std::size_t{count} * kPageSize});
    if (!got || *got < kPageSize) {
        return false;
    }
    ahead_.first = page;
    ahead_.count = static_cast<PageNumber>(*got / kPageSize);
    return true;
}

bool PageStore::wants(PageNumber page, const Digest& leaf) const noexcept {
    return page >= 1 && page <= tree_.page_count() && damaged_.contains(page) &&
           tree_.leaf(page).digest == leaf;
}

Status PageStore::repair(PageNumber page, SealedPagePtr good) {
    if (page == 0 || page > tree_.page_count() || !good ||
        page_leaf(page, *good) != tree_.leaf(page).digest) {
        return Error{Fault::bad_input,
                     fmt::format("{}: the offered page {} is not the newest one", describe(store_), page)};
    }
    overlay_[page] = std::move(good);
    damaged_.erase(page);
    given_up_.erase(page);
    ++repaired_count_;
    return {};
}

Result<std::vector<PageNumber>> PageStore::verify(const std::function<void(PageNumber)>& progress) {
    std::vector<PageNumber> bad;
    for (PageNumber page = 1; page <= tree_.page_count(); ++page) {
        if (auto got = read(page); !got) {
            if (got.error().fault != Fault::damaged && got.error().fault != Fault::disk_failed) {
                return std::move(got).error();
            }
            bad.push_back(page);
        }
        if (progress && page % 256 == 0) {
            progress(page);
        }
    }
    return bad;
}

std::uint64_t PageStore::memory_bytes() const noexcept {
    constexpr std::uint64_t kNodeBytes = kPageSize + 96;  // page, its control block, the map's node
    return sizeof(*this) + tree_.memory_bytes() + ahead_.room * kPageSize + overlay_.size() * kNodeBytes +
           damaged_.size() * 48;
}

Error PageStore::damage(PageNumber page, std::string_view what) {
    constexpr std::size_t kRemembered = 4096;
    if (damaged_.size() < kRemembered) {
        damaged_.insert(page);
    }
    return {Fault::damaged,
            fmt::format("{}: page {} of {}/{} {}; repair it from the log or restore the store",
                        describe(store_), page, data_.label(), page_file_name(store_, generation_), what)};
}

void PageStore::resize(PageNumber page_count) {
    const PageNumber before = tree_.page_count();
    tree_.resize(page_count);
    overlay_.erase(overlay_.upper_bound(page_count), overlay_.end());
    damaged_.erase(damaged_.upper_bound(page_count), damaged_.end());
    // A page that left and came back as a hole must not keep its old bytes in the file: a rebuild would see
    // them.
    for (PageNumber page = before + 1; page <= std::min(page_count, file_pages_); ++page) {
        overlay_[page] = nullptr;
    }
}

}  // namespace firedrill::store
