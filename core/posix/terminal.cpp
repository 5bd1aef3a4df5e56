#include "posix/terminal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "posix/errors.h"
#include "posix/handle.h"

namespace firedrill::posix {

namespace {

/// Echo is off while it lives.
class Silence {
  public:
    explicit Silence(int terminal) : terminal_(terminal) {
        is_on_ = ::tcgetattr(terminal_, &before_) == 0;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        quiet.c_lflag |= ECHONL;
        is_on_ = is_on_ && ::tcsetattr(terminal_, TCSAFLUSH, &quiet) == 0;
    }
    ~Silence() {
        if (is_on_) {
            ::tcsetattr(terminal_, TCSAFLUSH, &before_);
        }
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    [[nodiscard]] bool is_on() const noexcept { return is_on_; }

  private:
    int terminal_;
    termios before_{};
    bool is_on_ = false;
};

/// Cuts one "\n" or "\r\n" and refuses nothing at all.
Result<crypto::Secret> finish(const crypto::Secret& buffer, std::size_t size, const std::string& object) {
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

}  // namespace

Result<crypto::Secret> ask_passphrase(const std::string& prompt) {
    const Handle terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!terminal.is_open()) {
        return Error{Fault::unavailable, "there is no terminal to ask on; give the passphrase in a file"};
    }
    const Silence silence(terminal.get());
    if (!silence.is_on()) {
        return Error{Fault::unavailable,
                     "the terminal cannot hide what is typed; give the passphrase in a file"};
    }
    if (::write(terminal.get(), prompt.data(), prompt.size()) < 0) {
        return system_error(errno, "the terminal", "cannot ask");
    }
    crypto::Secret buffer(kMaxPassphraseBytes + 2);
    std::size_t size = 0;
    while (size < buffer.size_bytes()) {
        const ssize_t got =
            ::read(terminal.get(), buffer.mutable_view().data() + size, buffer.size_bytes() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return system_error(errno, "the terminal", "cannot read");
        }
        size += static_cast<std::size_t>(got);
        if (got == 0 || buffer.view()[size - 1] == '\n') {
            break;
        }
    }
    return finish(buffer, size, "the terminal");
}

Result<crypto::Secret> read_passphrase_file(const std::string& path) {
    // Non-blocking, so that a named pipe is refused instead of waited for.
    const Handle file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file.is_open()) {
        return system_error(errno, path, "cannot open the passphrase file");
    }
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) {
        return system_error(errno, path, "cannot look at the passphrase file");
    }
    if (!S_ISREG(info.st_mode)) {
        return Error{Fault::bad_input, fmt::format("{}: the passphrase file must be a regular file", path)};
    }
    if ((info.st_mode & 077) != 0) {
        return Error{Fault::permission,
                     fmt::format("{}: other users may read the passphrase file (mode {:03o}); run: "
                                 "chmod 600 '{}'",
                                 path, info.st_mode & 0777, path)};
    }
    crypto::Secret buffer(kMaxPassphraseBytes + 2);
    std::size_t size = 0;
    while (size < buffer.size_bytes()) {
        const ssize_t got =
            ::read(file.get(), buffer.mutable_view().data() + size, buffer.size_bytes() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return system_error(errno, path, "cannot read the passphrase file");
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    if (info.st_size > static_cast<off_t>(buffer.size_bytes())) {
        return Error{Fault::limit,
                     fmt::format("{}: a passphrase has at most {} bytes", path, kMaxPassphraseBytes)};
    }
    return finish(buffer, size, path);
}

bool shows_progress_on_terminal() noexcept {
    return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace firedrill::posix
