#include "posix/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "posix/errors.h"
#include "posix/handle.h"
#include "posix/secret_files.h"

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
    return finish_passphrase(buffer, size, "the terminal");
}

bool shows_progress_on_terminal() noexcept {
    return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace firedrill::posix
