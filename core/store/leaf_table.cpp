#include "store/leaf_table.h"

#include <algorithm>

#include "base/check.h"

namespace firedrill::store {

namespace {

std::size_t runs_for(PageNumber count) {
    return (std::size_t{count} + LeafTable::kRun - 1) / LeafTable::kRun;
}

}  // namespace

void LeafTable::make_room(PageNumber count) {
    while (runs_.size() < runs_for(count) ||
           (!runs_.empty() && (runs_.size() - 1) * kRun + last_room_ < count)) {
        if (!runs_.empty() && last_room_ < kRun) {
            // What reads the old run keeps it.
            const std::size_t first = (runs_.size() - 1) * kRun;
            const auto wanted = static_cast<PageNumber>(std::min<std::size_t>(kRun, count - first));
            const PageNumber room = std::min(kRun, wanted + wanted / 4 + 16);
            std::shared_ptr<Leaf[]> larger(new Leaf[room]);
            std::copy_n(runs_.back().get(), last_room_, larger.get());
            runs_.back() = std::move(larger);
            last_room_ = room;
            continue;
        }
        const auto left = static_cast<PageNumber>(std::min<std::size_t>(kRun, count - runs_.size() * kRun));
        last_room_ = std::min(kRun, left + left / 4 + 16);
        runs_.push_back(std::shared_ptr<Leaf[]>(new Leaf[last_room_]));
    }
}

/// Runs beyond the size.
void LeafTable::give_back() {
    const std::size_t wanted = runs_for(size_);
    if (runs_.size() > wanted) {
        runs_.resize(wanted);
        last_room_ = wanted == 0 ? 0 : kRun;
    }
}

void LeafTable::resize(PageNumber count) {
    make_room(count);
    if (count < size_) {
        changed_.erase(changed_.lower_bound(count), changed_.end());
    }
    for (PageNumber index = size_; index < count; ++index) {
        if (index < frozen_size_) {
            changed_[index] = Leaf{};
        } else {
            at(index) = Leaf{};
        }
    }
    size_ = count;
    if (!is_frozen_) {
        give_back();
    }
}

void LeafTable::set(PageNumber index, const Leaf& leaf) {
    if (index < frozen_size_) {
        changed_[index] = leaf;
    } else {
        at(index) = leaf;
    }
}

void LeafTable::clear() {
    runs_.clear();
    changed_.clear();
    last_room_ = 0;
    size_ = 0;
    is_frozen_ = false;
    frozen_size_ = 0;
}

std::span<Leaf> LeafTable::fill(PageNumber index) {
    CHECK(index < size_);
    CHECK(!is_frozen_);
    const PageNumber in_run = index % kRun;
    const PageNumber end = std::min(kRun, size_ - (index - in_run));
    return {&at(index), end - in_run};
}

std::shared_ptr<FrozenLeaves> LeafTable::freeze() {
    CHECK(!is_frozen_);
    is_frozen_ = true;
    frozen_size_ = size_;
    return std::shared_ptr<FrozenLeaves>(new FrozenLeaves(runs_, size_));
}

void LeafTable::thaw() {
    is_frozen_ = false;
    frozen_size_ = 0;
    for (const auto& [index, leaf] : changed_) {
        at(index) = leaf;
    }
    changed_.clear();
    give_back();
}

std::uint64_t LeafTable::memory_bytes() const noexcept {
    constexpr std::uint64_t kChangedBytes = 112;  // a node of the map
    const std::uint64_t room = runs_.empty() ? 0 : (runs_.size() - 1) * kRun + last_room_;
    return room * sizeof(Leaf) + runs_.capacity() * sizeof(runs_[0]) + changed_.size() * kChangedBytes;
}

std::size_t FrozenLeaves::copy(PageNumber index, std::span<Leaf> out) const {
    CHECK(index <= size_);
    const std::size_t count = std::min<std::size_t>(out.size(), size_ - index);
    for (std::size_t done = 0; done < count;) {
        const std::size_t from = index + done;
        const std::size_t in_run = from % LeafTable::kRun;
        const std::size_t length = std::min<std::size_t>(count - done, LeafTable::kRun - in_run);
        std::copy_n(runs_[from / LeafTable::kRun].get() + in_run, length, out.data() + done);
        done += length;
    }
    return count;
}

}  // namespace firedrill::store
