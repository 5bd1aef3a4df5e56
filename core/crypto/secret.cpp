#include "crypto/secret.h"

#include <utility>

#include <botan/mem_ops.h>

#include "crypto/locked_arena.h"

namespace firedrill::crypto {

Secret::Secret(std::size_t size_bytes) {
    if (size_bytes > 0) {
        data_ = arena_take(size_bytes);
        size_ = size_bytes;
    }
}

Secret::Secret(ByteView copy_of) : Secret(copy_of.size()) {
    if (size_ > 0) {
        std::memcpy(data_, copy_of.data(), size_);
    }
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    Secret dropped(std::move(other));
    return *this;
}

Secret::~Secret() {
    if (data_ != nullptr) {
        arena_give_back(data_, size_);
    }
}

bool equal_secret(ByteView a, ByteView b) noexcept {
    return a.size() == b.size() && Botan::constant_time_compare(a, b);
}

void zeroise(MutableBytes bytes) noexcept {
    if (!bytes.empty()) {
        Botan::secure_scrub_memory(bytes.data(), bytes.size());
    }
}

void zeroise(std::string& text) noexcept {
    zeroise({reinterpret_cast<Byte*>(text.data()), text.size()});
    text.clear();
}

}  // namespace firedrill::crypto
