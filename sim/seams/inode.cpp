#include "sim/seams/inode.h"

#include <algorithm>
#include <cstring>

namespace firedrill::sim {

void SparseBytes::copy(const SparseBytes& other) {
    size_ = other.size_;
    chunks_.clear();
    chunks_.reserve(other.chunks_.size());
    for (const auto& chunk : other.chunks_) {
        chunks_.push_back(chunk ? std::make_unique<Chunk>(*chunk) : nullptr);
    }
}

void SparseBytes::resize(std::uint64_t size_bytes) {
    chunks_.resize((size_bytes + kChunkBytes - 1) / kChunkBytes);
    const std::size_t used_of_last = size_bytes % kChunkBytes;
    if (size_bytes < size_ && used_of_last != 0 && chunks_.back()) {
        std::memset(chunks_.back()->data() + used_of_last, 0, kChunkBytes - used_of_last);
    }
    size_ = size_bytes;
}

void SparseBytes::read(std::uint64_t offset, MutableBytes out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        const std::uint64_t at = offset + done;
        const std::size_t inside = at % kChunkBytes;
        const std::size_t take = std::min(out.size() - done, kChunkBytes - inside);
        const std::size_t index = at / kChunkBytes;
        if (index < chunks_.size() && chunks_[index]) {
            std::memcpy(out.data() + done, chunks_[index]->data() + inside, take);
        } else {
            std::memset(out.data() + done, 0, take);
        }
        done += take;
    }
}

void SparseBytes::write(std::uint64_t offset, ByteView bytes) {
    if (offset >= size_) {
        return;
    }
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), size_ - offset));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const std::uint64_t at = offset + done;
        const std::size_t inside = at % kChunkBytes;
        const std::size_t take = std::min(bytes.size() - done, kChunkBytes - inside);
        auto& chunk = chunks_[at / kChunkBytes];
        if (!chunk) {
            chunk = std::make_unique<Chunk>();
            chunk->fill(0);
        }
        std::memcpy(chunk->data() + inside, bytes.data() + done, take);
        done += take;
    }
}

Sector Inode::sector(std::uint64_t index) const {
    Sector out;
    if (!dirty.empty()) {
        if (const auto found = dirty.find(index); found != dirty.end()) {
            return found->second.bytes;
        }
    }
    durable.read(index * kSectorBytes, out);
    return out;
}

void Inode::read(std::uint64_t offset, MutableBytes out) const {
    durable.read(offset, out);
    const std::uint64_t end = offset + out.size();
    for (auto at = dirty.lower_bound(offset / kSectorBytes); at != dirty.end(); ++at) {
        const std::uint64_t start = at->first * kSectorBytes;
        if (start >= end) {
            break;
        }
        const std::uint64_t from = std::max(start, offset);
        const std::uint64_t to = std::min(start + kSectorBytes, end);
        std::memcpy(out.data() + (from - offset), at->second.bytes.data() + (from - start), to - from);
    }
}

Inode::Dirty& Inode::make_dirty(std::uint64_t index) {
    auto at = dirty.lower_bound(index);
    if (at == dirty.end() || at->first != index) {
        at = dirty.emplace_hint(at, index, Dirty{sector(index)});
    }
    at->second.is_lost = false;
    return at->second;
}

void Inode::write(std::uint64_t offset, ByteView bytes) {
    if (bytes.empty()) {
        return;
    }
    const std::uint64_t end = offset + bytes.size();
    if (end > size_bytes) {
        resize(end);
    }
    std::size_t done = 0;
    while (done < bytes.size()) {
        const std::uint64_t at = offset + done;
        const std::size_t inside = at % kSectorBytes;
        const std::size_t take = std::min(bytes.size() - done, kSectorBytes - inside);
        Dirty& target = make_dirty(at / kSectorBytes);
        std::memcpy(target.bytes.data() + inside, bytes.data() + done, take);
        done += take;
    }
}

void Inode::resize(std::uint64_t new_size_bytes) {
    if (new_size_bytes < size_bytes) {
        const std::uint64_t first_gone = (new_size_bytes + kSectorBytes - 1) / kSectorBytes;
        dirty.erase(dirty.lower_bound(first_gone), dirty.end());
        if (const std::size_t inside = new_size_bytes % kSectorBytes; inside != 0) {
            Dirty& last = make_dirty(new_size_bytes / kSectorBytes);
            std::memset(last.bytes.data() + inside, 0, kSectorBytes - inside);
        }
    } else {
        hide_given_up(size_bytes, std::min(new_size_bytes, durable.size_bytes()));
    }
    size_bytes = new_size_bytes;
}

/// A file that was cut and grows again before the cut is durable: what is durable there must not show.
void Inode::hide_given_up(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t index = (from + kSectorBytes - 1) / kSectorBytes; index * kSectorBytes < to; ++index) {
        make_dirty(index).bytes.fill(0);
    }
}

}  // namespace firedrill::sim
