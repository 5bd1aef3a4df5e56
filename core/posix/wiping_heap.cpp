// The heap of the shipped program forgets: whatever is freed is overwritten first, by whomever it was
// allocated (strings, buffers of SQLite, of Botan, of libraries in C). Linked into the program only, in place
// of the C library's free() and realloc(); malloc() and all bookkeeping stay the C library's.
//
// A secret that must go at once is still zeroised by whoever holds it; this is for the copies that nobody
// meant to make. Left out under sanitizers, which bring a heap of their own.
#include <malloc.h>
#include <string.h>

#include <cerrno>
#include <cstddef>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

extern "C" {

// The C library's own functions under their second names.
void __libc_free(void* block);                        // NOLINT(bugprone-reserved-identifier)
void* __libc_malloc(std::size_t size);                // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* block, std::size_t size);  // NOLINT(bugprone-reserved-identifier)

void free(void* block) noexcept;
void* realloc(void* block, std::size_t size) noexcept;
}

namespace {

/// Blocks above glibc's largest mmap threshold are mappings of their own: they leave the process when freed.
constexpr std::size_t kAlwaysMapped = std::size_t{32} << 20;

void wipe(void* block, std::size_t size) {
    if (size <= kAlwaysMapped) {
        ::explicit_bzero(block, size);
    }
}

}  // namespace

void free(void* block) noexcept {
    if (block == nullptr) {
        return;
    }
    const int error = errno;
    wipe(block, ::malloc_usable_size(block));
    __libc_free(block);
    errno = error;
}

void* realloc(void* block, std::size_t size) noexcept {
    if (block == nullptr) {
        return __libc_malloc(size);
    }
    const std::size_t before = ::malloc_usable_size(block);
    if (size == 0 || before > kAlwaysMapped) {
        // Mapped blocks are moved by their page tables, and nothing is left where they were.
        if (size == 0) {
            free(block);
            return nullptr;
        }
        return __libc_realloc(block, size);
    }
    if (size <= before && size >= before / 2) {
        ::explicit_bzero(static_cast<char*>(block) + size, before - size);
        return block;
    }
    void* moved = __libc_malloc(size);
    if (moved == nullptr) {
        return nullptr;
    }
    ::memcpy(moved, block, before < size ? before : size);
    free(block);
    return moved;
}

#endif
