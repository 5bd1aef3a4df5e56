#include "posix/secret_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "posix/errors.h"
#include "posix/handle.h"

namespace firedrill::posix {

namespace {

/// What a file of this sort may be.
struct Rules {
    const char* what;  ///< "passphrase file"
    mode_t forbidden;  ///< mode bits that let somebody else read it
    std::size_t most;  ///< bytes
};

Status check_file(const struct stat& info, const std::string& path, const Rules& rules) {
    if (!S_ISREG(info.st_mode)) {
        return Error{Fault::bad_input, fmt::format("{}: the {} must be a regular file", path, rules.what)};
    }
    if ((info.st_mode & rules.forbidden) != 0) {
        return Error{Fault::permission,
                     fmt::format("{}: other users may read the {} (mode {:03o}); run: chmod 600 '{}'", path,
                                 rules.what, info.st_mode & 0777, path)};
    }
    if (info.st_uid != ::geteuid() && info.st_uid != 0) {
        return Error{Fault::permission,
                     fmt::format("{}: the {} belongs to another user, who may read it; run: chown {} '{}'",
                                 path, rules.what, ::geteuid(), path)};
    }
    if (info.st_size > static_cast<off_t>(rules.most)) {
        return Error{Fault::limit,
                     fmt::format("{}: a {} has at most {} bytes", path, rules.what, rules.most)};
    }
    return {};
}

/// The whole file; `size` says how much of the buffer it is.
Result<crypto::Secret> read_file(const std::string& path, const Rules& rules, std::size_t& size) {
    // Non-blocking, so that a named pipe is refused instead of waited for.
    const Handle file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) {
        return system_error(errno, path, fmt::format("cannot open the {}", rules.what));
    }
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) {
        return system_error(errno, path, fmt::format("cannot look at the {}", rules.what));
    }
    TRY(check_file(info, path, rules));
    crypto::Secret buffer(rules.most + 1);
    size = 0;
    while (size < buffer.size_bytes()) {
        const ssize_t got =
            ::read(file.get(), buffer.mutable_view().data() + size, buffer.size_bytes() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return system_error(errno, path, fmt::format("cannot read the {}", rules.what));
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    return buffer;
}

}  // namespace

Result<crypto::Secret> finish_passphrase(const crypto::Secret& buffer, std::size_t size,
                                         const std::string& object) {
    const ByteView all = buffer.view();
    if (size > 0 && all[size - 1] == '\n') {
        --size;
        if (size > 0 && all[size - 1] == '\r') {
            --size;
        }
    }
    if (size == 0) {
        return Error{Fault::bad_input, fmt::format("{}: the passphrase is empty", object)};
    }
    if (size > kMaxPassphraseBytes) {
        return Error{Fault::limit,
                     fmt::format("{}: a passphrase has at most {} bytes", object, kMaxPassphraseBytes)};
    }
    return crypto::Secret(all.first(size));
}

Result<crypto::Secret> read_passphrase_file(const std::string& path) {
    std::size_t size = 0;
    const crypto::Secret buffer =
        TRY(read_file(path, {"passphrase file", 077, kMaxPassphraseBytes + 2}, size));
    return finish_passphrase(buffer, size, path);
}

Result<crypto::Secret> read_key_file(const std::string& path) {
    std::size_t size = 0;
    const crypto::Secret buffer = TRY(read_file(path, {"key file", 077, kMostKeyFileBytes}, size));
    if (size < kLeastKeyFileBytes) {
        return Error{
            Fault::bad_input,
            fmt::format("{}: a key file has at least {} random bytes; make one with: (umask 077; head "
                        "-c 64 /dev/urandom > '{}')",
                        path, kLeastKeyFileBytes, path)};
    }
    return crypto::Secret(buffer.view().first(size));
}

Result<std::optional<std::string>> find_credential(const std::string& name) {
    const char* folder = ::secure_getenv("CREDENTIALS_DIRECTORY");
    if (folder == nullptr || *folder == '\0') {
        return std::optional<std::string>();
    }
    std::string path = fmt::format("{}/{}", folder, name);
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) {
        return std::optional(std::move(path));
    }
    if (errno == ENOENT) {
        return std::optional<std::string>();
    }
    return system_error(errno, path, "cannot look at the credential");
}

Result<crypto::Secret> read_credential(const std::string& path) {
    std::size_t size = 0;
    const crypto::Secret buffer = TRY(read_file(path, {"credential", 007, kMaxPassphraseBytes + 2}, size));
    return finish_passphrase(buffer, size, path);
}

}  // namespace firedrill::posix
