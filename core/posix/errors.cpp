#include "posix/errors.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace firedrill::posix {

namespace {

struct Meaning {
    Fault fault;
    std::string_view way_out;
};

Meaning meaning_of(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR: return {Fault::not_found, "check the path"};
        case EEXIST: return {Fault::exists, "choose another name"};
        case EACCES:
        case EPERM: return {Fault::permission, "run as the owner, or change the owner and the mode"};
        case EROFS: return {Fault::disk_failed, "mount it for writing, or replace the disk"};
        case ELOOP: return {Fault::permission, "symbolic links are not followed here; give the real path"};
        case EISDIR: return {Fault::bad_input, "a folder stands where a file must be"};
        case ENOSPC:
        case EDQUOT: return {Fault::disk_full, "free space and try again"};
        case EFBIG: return {Fault::limit, "the file system or the process limits the size of a file"};
        case EADDRINUSE: return {Fault::in_use, "stop who uses it, or choose another"};
        case EADDRNOTAVAIL: return {Fault::bad_usage, "this machine does not have that address"};
        case EMFILE:
        case ENFILE: return {Fault::unavailable, "raise the limit of open files (ulimit -n)"};
        case ENOMEM:
        case ENOBUFS: return {Fault::unavailable, "the machine is short of memory"};
        case ECONNREFUSED: return {Fault::unavailable, "nobody listens there"};
        case ETIMEDOUT:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ECONNRESET:
        case EPIPE: return {Fault::unavailable, "check that the other side is up and reachable"};
        case ENAMETOOLONG:
        case EINVAL: return {Fault::bad_usage, "check the arguments"};
        default:
            return {Fault::disk_failed, "check the device"};  // errno is open-ended; EIO is among the rest
    }
}

}  // namespace

Error system_error(int error_number, std::string_view object, std::string_view what) {
    const Meaning meaning = meaning_of(error_number);
    char buffer[128];
    const char* reason = ::strerror_r(error_number, buffer, sizeof buffer);
    return {meaning.fault, fmt::format("{}: {}: {}; {}", object, what, reason, meaning.way_out)};
}

}  // namespace firedrill::posix
