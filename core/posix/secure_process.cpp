#include "posix/secure_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "posix/errors.h"

namespace firedrill::posix {

namespace {

/// What keys, slots and connections of a busy node lock at most.
constexpr rlim_t kWantedLockedBytes = 64ULL << 20;
/// 1,024 connections, a few hundred open practices, and the log, which must never be the one that gets none.
constexpr rlim_t kWantedFiles = 16384;

/// The usual soft limit, 1,024, is less than the visitors alone may open.
void raise_open_files() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < kWantedFiles) {
        files.rlim_cur = std::min(files.rlim_max, kWantedFiles);
        (void)::setrlimit(RLIMIT_NOFILE, &files);  // what it is now serves a small node
    }
}

}  // namespace

Status keep_standard_streams_open() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF && ::open("/dev/null", O_RDWR) != stream) {
            return Error{Fault::internal,
                         fmt::format("standard stream {} is closed and /dev/null does not take its place; "
                                     "start with streams that are open",
                                     stream)};
        }
    }
    return {};
}

Result<std::string> secure_process() {
    TRY(keep_standard_streams_open());
    raise_open_files();
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) {
        return Error{Fault::internal,
                     system_error(errno, "this process", "cannot switch core files off").text};
    }
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return Error{Fault::internal, system_error(errno, "this process", "cannot keep debuggers out").text};
    }
    rlimit locked{};
    if (::getrlimit(RLIMIT_MEMLOCK, &locked) != 0) {
        return Error{Fault::internal, system_error(errno, "this process", "cannot read its limits").text};
    }
    if (locked.rlim_cur >= kWantedLockedBytes) {
        return std::string();
    }
    // Root may raise the hard limit; anybody may raise the soft one to it.
    rlimit wanted{kWantedLockedBytes, std::max(locked.rlim_max, kWantedLockedBytes)};
    if (::setrlimit(RLIMIT_MEMLOCK, &wanted) == 0) {
        return std::string();
    }
    wanted = {locked.rlim_max, locked.rlim_max};
    const bool is_raised = ::setrlimit(RLIMIT_MEMLOCK, &wanted) == 0;
    return fmt::format(
        "only {} KiB of memory can be locked (wanted {}); set LimitMEMLOCK=64M or ulimit -l 65536",
        (is_raised ? locked.rlim_max : locked.rlim_cur) >> 10, kWantedLockedBytes >> 10);
}

}  // namespace firedrill::posix
