#include "posix/direct_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include <fmt/format.h>

#include "posix/errors.h"

namespace firedrill::posix {
namespace {

constexpr std::size_t kBufferSize = 256 << 10;
constexpr std::size_t kBufferAlignment = 4096;

/// It can be written from where it is.
bool lies_aligned(ByteView piece) {
    return reinterpret_cast<std::uintptr_t>(piece.data()) % kBufferAlignment == 0 &&
           piece.size() % kDirectUnit == 0;
}

}  // namespace

void DirectWriter::Free::operator()(Byte* bytes) const {
    std::free(bytes);
}

Result<bool> DirectWriter::write(int fd, std::uint64_t offset, std::span<const ByteView> pieces,
                                 const std::string& label) {
    std::uint64_t total = 0;
    for (const ByteView piece : pieces) {
        total += piece.size();
    }
    if (is_refused_ || offset % kDirectUnit != 0 || total % kDirectUnit != 0) {
        return false;
    }
    if (!file_.is_open()) {
        // The same file once more, by its descriptor: O_DIRECT must not hold for its other uses.
        file_ = Handle(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
        if (!file_.is_open()) {
            is_refused_ = true;
            return false;
        }
    }
    if (std::all_of(pieces.begin(), pieces.end(), lies_aligned)) {
        for (const ByteView piece : pieces) {
            if (!TRY(write_run(offset, piece, label))) {
                return false;
            }
            offset += piece.size();
        }
        return true;
    }
    if (!buffer_) {
        buffer_.reset(static_cast<Byte*>(std::aligned_alloc(kBufferAlignment, kBufferSize)));
        if (!buffer_) {
            throw std::bad_alloc();
        }
    }
    std::size_t held = 0;
    for (ByteView piece : pieces) {
        while (!piece.empty()) {
            const std::size_t taken = std::min(piece.size(), kBufferSize - held);
            std::memcpy(buffer_.get() + held, piece.data(), taken);
            held += taken;
            piece = piece.subspan(taken);
            if (held == kBufferSize) {
                if (!TRY(write_run(offset, {buffer_.get(), held}, label))) {
                    return false;
                }
                offset += held;
                held = 0;
            }
        }
    }
    return write_run(offset, {buffer_.get(), held}, label);
}

Result<bool> DirectWriter::write_run(std::uint64_t offset, ByteView bytes, const std::string& label) {
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0 && errno != EINVAL) {
            return system_error(errno, label, "cannot write");
        }
        // EINVAL: larger blocks, or a file system that says so only now. What is not a whole unit goes on
        // as usual.
        if (put <= 0 || static_cast<std::size_t>(put) % kDirectUnit != 0) {
            is_refused_ = true;
            return false;
        }
        offset += static_cast<std::uint64_t>(put);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return true;
}

}  // namespace firedrill::posix
