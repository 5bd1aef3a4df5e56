// How a PageStore comes to be from the files on the data disk.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "store/leaves_file.h"
#include "store/page_store.h"

namespace firedrill::store {

namespace {

constexpr PageNumber kMaxPages = 1u << 24;
constexpr PageNumber kChunk = 64;  // pages read at once

bool is_zero_page(const SealedPage& page) {
    return std::all_of(page.begin(), page.end(), [](Byte byte) { return byte == 0; });
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

Result<std::uint32_t> unused_generation(Disk& data, StoreId store) {
    std::uint32_t newest = 0;
    const std::string prefix = fmt::format("pages.{}.", to_hex(store));
    for (const std::string& name : TRY(data.list())) {
        const auto digits = name.starts_with(prefix) ? from_hex(name.substr(prefix.size())) : std::nullopt;
        if (digits && digits->size() == 4) {
            const auto& at = *digits;
            const std::uint32_t found = (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) |
                                        (std::uint32_t{at[2]} << 8) | at[3];
            newest = std::max(newest, found);
        }
    }
    return newest + 1;
}

std::unique_ptr<PageStore> PageStore::make_empty(Disk& data, StoreId store, std::uint32_t generation) {
    auto made = std::unique_ptr<PageStore>(new PageStore(data, store));
    made->next_generation_ = generation;
    return made;
}

std::unique_ptr<PageStore> PageStore::make_beside(Disk& data, StoreId store, std::uint32_t generation) {
    auto made = make_empty(data, store, generation);
    made->is_building_ = true;
    return made;
}

Status PageStore::end_building() {
    CHECK(is_building_ && !is_folding_);
    if (pages_) {
        TRY(data_.rename(std::string(kBuildingPrefix) + to_hex(store_), page_file_name(store_, generation_)));
        TRY(data_.sync_names());
        next_generation_ = generation_ + 1;
        is_unpublished_ = true;
        has_strays_ = true;
    }
    is_building_ = false;
    return {};
}

void PageStore::abandon() {
    CHECK(is_building_);
    pages_.reset();
    (void)data_.remove(std::string(kBuildingPrefix) + to_hex(store_)).is_ok();
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
    const LeavesHeader header = TRY(read_leaves_header(data_, store_, document));
    generation_ = header.generation;
    position_ = header.position;
    folded_lsn_ = header.through;
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

    const bool is_whole = TRY(read_leaves(document, position_.page_count, tree_));
    if (!is_whole && position_.page_count > file_pages_) {
        return bad_leaves(data_, store_, "states more pages than it has leaves and the page file has pages");
    }
    if (!is_whole || tree_.root() != position_.root) {
        TRY(rebuild_leaves());
        has_bad_leaves_ = true;
        ++repaired_count_;
    }
    folded_ = position_;
    return {};
}

Result<bool> PageStore::keep_files() {
    if (is_folding_ || is_building_ || generation_ == 0) {
        return false;
    }
    bool is_lost = false;
    auto named = data_.open(page_file_name(store_, generation_), Open::existing);
    if (!named) {
        if (named.error().fault != Fault::not_found) {
            return std::move(named).error();
        }
        TRY(copy_pages());
        is_lost = true;
    }
    auto document = data_.open(leaves_file_name(store_), Open::existing);
    if (!document && document.error().fault != Fault::not_found) {
        return std::move(document).error();
    }
    bool is_published = false;
    if (document) {
        const auto header = read_leaves_header(data_, store_, **document);
        is_published = header && header->generation == generation_ && header->position == folded_;
    }
    is_lost = is_lost || (!is_published && !is_unpublished_);
    is_unpublished_ = !is_published;
    return is_lost;
}

/// From the file that has no name any more, while it is open, to one of the next generation. What is unfolded
/// is left to the fold, what is not right stays damaged. Durable on ok; on failure nothing has changed.
Status PageStore::copy_pages() {
    if (!pages_) {
        return bad_leaves(data_, store_, "names a page file that is not there");
    }
    const std::uint32_t generation = TRY(unused_generation(data_, store_));
    const std::string name = page_file_name(store_, generation);
    auto file = TRY(data_.open(name, Open::create));
    const auto copy = [&]() -> Status {
        SealedPage stored;
        for (PageNumber page = 1; page <= tree_.page_count(); ++page) {
            if (tree_.leaf(page) == Leaf{} || overlay_.contains(page)) {
                continue;
            }
            const auto got = pages_->read_at(std::uint64_t{page - 1} * kPageSize, stored);
            if (got && *got == kPageSize && page_leaf(page, stored) == tree_.leaf(page).digest) {
                TRY(file->write_at(std::uint64_t{page - 1} * kPageSize, ByteView(stored)));
            }
            ++work_.hashed;
        }
        TRY(file->sync());
        return data_.sync_names();
    };
    if (Status copied = copy(); !copied) {
        (void)data_.remove(name).is_ok();  // no leaves file names it
        return copied;
    }
    pages_ = std::move(file);
    generation_ = generation;
    next_generation_ = generation + 1;
    file_pages_ = tree_.page_count();
    must_move_ = false;
    ahead_.count = 0;
    return {};
}

/// The page count is borne out by the size of the leaves file or of the page file.
Status PageStore::rebuild_leaves() {
    const PageNumber end = std::min(position_.page_count, file_pages_);  // what lies beyond can only be holes
    const auto chunk = std::make_unique_for_overwrite<SealedPage[]>(kChunk);
    const auto fill = [&](PageNumber run, std::span<Leaf> leaves) -> Status {
        std::fill(leaves.begin(), leaves.end(), Leaf{});
        const auto run_end = std::min(end, run + static_cast<PageNumber>(leaves.size()) - 1);
        for (PageNumber first = run; first <= run_end; first += kChunk) {
            const PageNumber count = std::min(kChunk, run_end - first + 1);
            const std::size_t got = TRY(pages_->read_at(std::uint64_t{first - 1} * kPageSize,
                                                        {chunk[0].data(), std::size_t{count} * kPageSize}));
            for (PageNumber i = 0; i < got / kPageSize; ++i) {
                if (first + i != kLockPage && !is_zero_page(chunk[i])) {
                    leaves[first + i - run] = {page_leaf(first + i, chunk[i]), page_tag(chunk[i])};
                }
            }
        }
        return {};
    };
    TRY(tree_.load(position_.page_count, fill));
    work_.hashed += end;
    return tree_.root() == position_.root
               ? Status()
               : bad_leaves(data_, store_,
                            "has damaged leaves, and the page file does not give its root either");
}

}  // namespace firedrill::store
