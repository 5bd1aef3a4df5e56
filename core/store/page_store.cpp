#include "store/page_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/hash.h"

namespace firedrill::store {

namespace {

constexpr Digest kHole{};
constexpr std::size_t kRunLimit = 64;  // pages written by one gathering write

std::string describe(StoreId store) {
    return fmt::format("store {}", to_hex(store));
}

bool is_zero_page(const SealedPage& page) {
    return std::all_of(page.begin(), page.end(), [](Byte byte) { return byte == 0; });
}

std::uint64_t offset_of(PageNumber page) {
    return std::uint64_t{page - 1} * kPageSize;
}

}  // namespace

std::unique_ptr<PageStore> PageStore::make_empty(Disk& data, StoreId store, std::uint32_t generation) {
    auto made = std::unique_ptr<PageStore>(new PageStore(data, store));
    made->next_generation_ = generation;
    return made;
}

Status PageStore::apply(const Commit& commit) {
    CHECK(commit.store == store_);
    if (commit.sequence <= position_.sequence) {
        if (commit.sequence == position_.sequence && commit_hash(commit) != position_.last_hash) {
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
            !image.page) {
            return Error{Fault::damaged,
                         fmt::format("{}: commit {} of the log changes page {}, which cannot be",
                                     describe(store_), commit.sequence, image.number)};
        }
        tree_.set(image.number, image.leaf);
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

Commit PageStore::prepare(std::span<const PlainPage> pages, PageNumber page_count, PageCipher& cipher,
                          Entropy& entropy) {
    CHECK(!pages.empty());
    CHECK(pages.size() <= 65536);
    Bytes nonces(pages.size() * crypto::kNonceSize);
    entropy.fill(nonces);

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
        crypto::Nonce nonce;
        std::copy_n(nonces.begin() + static_cast<std::ptrdiff_t>(index * nonce.size()), nonce.size(),
                    nonce.begin());
        auto sealed = std::make_shared_for_overwrite<SealedPage>();
        cipher.seal(plain.number, commit.sequence, nonce, plain.bytes, *sealed);
        const Digest leaf = page_leaf(plain.number, *sealed);
        tree_.set(plain.number, leaf);
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
    if (page_leaf(page, *stored) != tree_.leaf(page)) {
        return damage(page, "is not the page that was written last");
    }
    if (!damaged_.empty()) {
        damaged_.erase(page);
    }
    return SealedPagePtr(std::move(stored));
}

bool PageStore::wants(PageNumber page, const Digest& leaf) const noexcept {
    return page >= 1 && page <= tree_.page_count() && damaged_.contains(page) && tree_.leaf(page) == leaf;
}

Status PageStore::repair(PageNumber page, SealedPagePtr good) {
    if (page == 0 || page > tree_.page_count() || !good || page_leaf(page, *good) != tree_.leaf(page)) {
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
    return sizeof(*this) + tree_.memory_bytes() + overlay_.size() * kNodeBytes + damaged_.size() * 48;
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

// ---- fold
// ------------------------------------------------------------------------------------------------------

Status PageStore::fold(Lsn through) {
    if (overlay_.empty() && folded_ == position_ && !must_move_) {
        return {};
    }
    if (position_.sequence == 0) {
        return {};
    }
    Status folded = must_move_ ? fold_into_next(through) : fold_in_place(through);
    if (folded) {
        finish_fold(through);
    }
    return folded;
}

Status PageStore::fold_in_place(Lsn through) {
    if (Status written = write_overlay(*pages_); !written) {
        must_move_ = written.error().fault == Fault::disk_failed;
        return written;
    }
    if (Status synced = pages_->sync(); !synced) {
        must_move_ = true;
        return synced;
    }
    return publish(generation_, through);
}

Status PageStore::fold_into_next(Lsn through) {
    const std::uint32_t generation = next_generation_++;
    auto file = TRY(data_.open(page_file_name(store_, generation), Open::any));
    TRY(file->truncate(0));
    TRY(copy_all(*file));
    TRY(file->sync());
    TRY(data_.sync_names());
    TRY(publish(generation, through));
    pages_ = std::move(file);
    generation_ = generation;
    file_pages_ = 0;
    must_move_ = false;
    remove_strays();
    return {};
}

void PageStore::finish_fold(Lsn through) {
    folded_ = position_;
    folded_lsn_ = through;
    overlay_.clear();
    // Cutting the file is only tidiness: a failure leaves sealed bytes behind the end, which nobody reads.
    if (file_pages_ < position_.page_count ||
        pages_->truncate(std::uint64_t{position_.page_count} * kPageSize).is_ok()) {
        file_pages_ = position_.page_count;
    }
}

Status PageStore::write_overlay(File& file) {
    static constexpr SealedPage kZeroes{};
    std::vector<ByteView> run;
    PageNumber first = 0;
    const auto flush = [&]() -> Status {
        if (run.empty()) {
            return {};
        }
        Status written = file.write_at(offset_of(first), run);
        run.clear();
        return written;
    };
    for (const auto& [page, sealed] : overlay_) {
        if (run.size() == kRunLimit || (!run.empty() && page != first + run.size())) {
            TRY(flush());
        }
        if (run.empty()) {
            first = page;
        }
        run.emplace_back(sealed ? *sealed : kZeroes);
    }
    return flush();
}

Status PageStore::copy_all(File& file) {
    for (PageNumber page = 1; page <= tree_.page_count(); ++page) {
        if (tree_.leaf(page) == kHole) {
            continue;
        }
        auto sealed = read(page);
        if (!sealed) {
            if (sealed.error().fault != Fault::damaged) {
                return std::move(sealed).error();
            }
            continue;  // it stays damaged in the new file: zeroes do not have its leaf
        }
        TRY(file.write_at(offset_of(page), ByteView(**sealed)));
    }
    return {};
}

void PageStore::remove_strays() {
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

// ---- position and leaves on disk
// ----------------------------------------------------------------------------------

namespace {

// docs/formats/page_file.md
constexpr std::string_view kMagic = "FDLEAVES";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 8 + 4 + 16 + 4 + 8 + 32 + 4 + 32 + 8;
constexpr std::size_t kLeavesAt = kHeaderSize + 32;  // the header's hash stands between
constexpr PageNumber kMaxPages = 1u << 24;

Error bad_leaves(Disk& data, StoreId store, std::string_view what) {
    return {Fault::damaged,
            fmt::format("{}/{} {}; it is rebuilt from the log if the log goes back to its beginning",
                        data.label(), leaves_file_name(store), what)};
}

}  // namespace

std::string page_file_name(StoreId store, std::uint32_t generation) {
    return fmt::format("pages.{}.{:08x}", to_hex(store), generation);
}

std::string leaves_file_name(StoreId store) {
    return "leaves." + to_hex(store);
}

Result<std::vector<StoreId>> stores_on(Disk& data) {
    constexpr std::string_view kPrefix = "leaves.";
    std::vector<StoreId> stores;
    for (const std::string& name : TRY(data.list())) {
        if (!name.starts_with(kPrefix)) {
            continue;
        }
        if (const auto id = parse_id<StoreId>(std::string_view(name).substr(kPrefix.size()))) {
            stores.push_back(*id);
        }
    }
    std::sort(stores.begin(), stores.end());
    return stores;
}

Status PageStore::publish(std::uint32_t generation, Lsn through) {
    Bytes header;
    header.reserve(kLeavesAt);
    Writer out(header);
    out.bytes(as_bytes(kMagic));
    out.u32(kVersion);
    out.bytes(store_.view());
    out.u32(generation);
    out.u64(position_.sequence);
    out.bytes(position_.last_hash.view());
    out.u32(position_.page_count);
    out.bytes(position_.root.view());
    out.u64(through);
    CHECK(header.size() == kHeaderSize);
    append(header, crypto::sha256(header).view());

    const std::string name = leaves_file_name(store_);
    const std::string fresh = name + ".new";
    // A file left by an attempt whose sync failed proves nothing about what it holds: begin with another one.
    if (Status removed = data_.remove(fresh); !removed && removed.error().fault != Fault::not_found) {
        return removed;
    }
    auto file = TRY(data_.open(fresh, Open::create));
    static_assert(sizeof(Digest) == 32);
    const std::span<const Digest> leaves = tree_.leaves();
    const std::array<ByteView, 2> pieces{
        ByteView(header), ByteView(reinterpret_cast<const Byte*>(leaves.data()), leaves.size_bytes())};
    TRY(file->write_at(0, pieces));
    TRY(file->sync());
    file.reset();
    TRY(data_.rename(fresh, name));
    return data_.sync_names();
}

Result<std::unique_ptr<PageStore>> PageStore::open(Disk& data, StoreId store) {
    auto made = std::unique_ptr<PageStore>(new PageStore(data, store));
    auto document = data.open(leaves_file_name(store), Open::existing);
    if (!document) {
        if (document.error().fault != Fault::not_found) {
            return std::move(document).error();
        }
        return made;
    }
    TRY(made->load(**document));
    return made;
}

Status PageStore::load(File& document) {
    TRY(load_header(document));
    auto pages = data_.open(page_file_name(store_, generation_), Open::existing);
    if (!pages) {
        return pages.error().fault == Fault::not_found
                   ? bad_leaves(data_, store_, "names a page file that is not there")
                   : std::move(pages).error();
    }
    pages_ = std::move(*pages);
    const std::uint64_t stored_bytes = TRY(pages_->size_bytes());
    file_pages_ = static_cast<PageNumber>(
        std::min<std::uint64_t>((stored_bytes + kPageSize - 1) / kPageSize, kMaxPages));
    must_move_ = false;
    next_generation_ = generation_ + 1;

    std::vector<Digest> leaves(position_.page_count);
    const std::size_t got = TRY(document.read_at(
        kLeavesAt, MutableBytes(reinterpret_cast<Byte*>(leaves.data()), leaves.size() * 32)));
    tree_.assign(std::move(leaves));
    if (got != std::size_t{position_.page_count} * 32 || tree_.root() != position_.root) {
        TRY(rebuild_leaves());
    }
    folded_ = position_;
    return {};
}

Status PageStore::load_header(File& document) {
    Bytes header(kLeavesAt);
    if (TRY(document.read_at(0, header)) != kLeavesAt) {
        return bad_leaves(data_, store_, "is too short");
    }
    Reader in(header);
    const bool is_ours = as_text(in.bytes(kMagic.size())) == kMagic;
    const std::uint32_t version = in.u32();
    if (is_ours && version > kVersion) {
        return Error{Fault::newer_format,
                     fmt::format("{}/{} has format {}, this program knows {}; upgrade the program",
                                 data_.label(), leaves_file_name(store_), version, kVersion)};
    }
    StoreId store;
    Digest stated;
    in.fill(store.bytes);
    generation_ = in.u32();
    position_.sequence = in.u64();
    in.fill(position_.last_hash.bytes);
    position_.page_count = in.u32();
    in.fill(position_.root.bytes);
    folded_lsn_ = in.u64();
    in.fill(stated.bytes);
    const bool is_sound = is_ours && in.is_done() && version == kVersion && store == store_ &&
                          generation_ != 0 && position_.sequence != 0 && position_.page_count <= kMaxPages &&
                          crypto::sha256(ByteView(header).first(kHeaderSize)) == stated;
    return is_sound ? Status() : bad_leaves(data_, store_, "is not a sound leaves file of this store");
}

Status PageStore::rebuild_leaves() {
    std::vector<Digest> leaves(position_.page_count);
    SealedPage page;
    for (PageNumber number = 1; number <= position_.page_count; ++number) {
        const std::size_t got = TRY(pages_->read_at(offset_of(number), page));
        if (got == kPageSize && number != kLockPage && !is_zero_page(page)) {
            leaves[number - 1] = page_leaf(number, page);
        }
    }
    work_.hashed += position_.page_count;
    tree_.assign(std::move(leaves));
    return tree_.root() == position_.root
               ? Status()
               : bad_leaves(data_, store_,
                            "has damaged leaves, and the page file does not give its root either");
}

}  // namespace firedrill::store
