// The only file of core outside core/posix that includes headers of the operating system: mlock and madvise
// are no seam (they are no input and change no result), and crypto stands below posix. The layers test knows
// this exception.
#include "crypto/locked_arena.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <mutex>
#include <new>
#include <vector>

#include "base/check.h"
#include "crypto/secret.h"

namespace firedrill::crypto {
namespace {

constexpr std::size_t kSmallestBlock = 32;
constexpr std::size_t kLargestBlock = 8192;  // larger requests get a mapping of their own
constexpr std::size_t kSlab = 65536;         // one mmap serves one size class
constexpr std::size_t kClasses = 9;          // 32, 64, ... 8192
constexpr std::size_t kPage = 4096;
/// A larger object (an opened file, not a key) would use up RLIMIT_MEMLOCK (8 MiB by default) for the keys.
constexpr std::size_t kLargestLocked = 262144;
static_assert(kSmallestBlock << (kClasses - 1) == kLargestBlock);

constexpr std::size_t class_of(std::size_t size_bytes) {
    const std::size_t block = std::bit_ceil(size_bytes < kSmallestBlock ? kSmallestBlock : size_bytes);
    return static_cast<std::size_t>(std::countr_zero(block) - std::countr_zero(kSmallestBlock));
}
constexpr std::size_t round_to_page(std::size_t size_bytes) {
    return (size_bytes + kPage - 1) / kPage * kPage;
}

struct FreeBlock {
    FreeBlock* next;
};

class Arena {
  public:
    Byte* take(std::size_t size_bytes) {
        const std::lock_guard guard(mutex_);
        if (size_bytes > kLargestBlock) {
            return map(round_to_page(size_bytes));
        }
        FreeBlock*& head = free_[class_of(size_bytes)];
        if (head == nullptr) {
            carve(head, kSmallestBlock << class_of(size_bytes));
        }
        FreeBlock* block = head;
        head = block->next;
        block->next = nullptr;  // every other byte is zero already
        return reinterpret_cast<Byte*>(block);
    }

    void give_back(Byte* data, std::size_t size_bytes) noexcept {
        zeroise({data, size_bytes});
        const std::lock_guard guard(mutex_);
        if (size_bytes > kLargestBlock) {
            const std::size_t mapped = round_to_page(size_bytes);
            const bool was_locked = std::erase(locked_mappings_, data) != 0;
            (was_locked ? counts_.locked_bytes : counts_.unlocked_bytes) -= mapped;
            CHECK(munmap(data, mapped) == 0);  // unlocks as well
            return;
        }
        FreeBlock*& head = free_[class_of(size_bytes)];
        head = new (data) FreeBlock{head};
    }

    LockedMemory counts() {
        const std::lock_guard guard(mutex_);
        return counts_;
    }

  private:
    Byte* map(std::size_t size_bytes) {
        void* at = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) {
            throw std::bad_alloc();
        }
        // Advice only: a kernel that refuses it still gives zeroised memory.
        static_cast<void>(madvise(at, size_bytes, MADV_DONTDUMP));
        const bool is_locked = size_bytes <= kLargestLocked && mlock(at, size_bytes) == 0;
        if (is_locked) {
            locked_mappings_.push_back(static_cast<Byte*>(at));
        }
        (is_locked ? counts_.locked_bytes : counts_.unlocked_bytes) += size_bytes;
        return static_cast<Byte*>(at);
    }

    void carve(FreeBlock*& head, std::size_t block) {
        Byte* slab = map(kSlab);
        for (std::size_t at = kSlab; at >= block; at -= block) {
            head = new (slab + at - block) FreeBlock{head};
        }
    }

    std::mutex mutex_;
    std::array<FreeBlock*, kClasses> free_{};
    std::vector<Byte*> locked_mappings_;  // slabs and large objects, a few dozen
    LockedMemory counts_;
};

/// Never destroyed: Secrets of static objects may outlive every other object.
Arena& arena() {
    static Arena* const the_arena = new Arena();
    return *the_arena;
}

}  // namespace

Byte* arena_take(std::size_t size_bytes) {
    CHECK(size_bytes > 0);
    return arena().take(size_bytes);
}

void arena_give_back(Byte* data, std::size_t size_bytes) noexcept {
    arena().give_back(data, size_bytes);
}

LockedMemory locked_memory() noexcept {
    return arena().counts();
}

}  // namespace firedrill::crypto
