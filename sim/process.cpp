#include "sim/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

#include "base/check.h"

namespace firedrill::sim {

namespace {

constexpr std::size_t kOutputLimit = 64u << 20;

Error os_error(std::string_view what) {
    return {Fault::unavailable, fmt::format("{}: {}", what, std::strerror(errno))};
}

/// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, int output, int errors) {
    dup2(output, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    execv(arguments[0], arguments);
    _exit(127);
}

}  // namespace

std::string own_program() {
    std::array<char, 4096> path{};
    const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string("firedrill");
}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& arguments,
                                         const std::string& error_file) {
    CHECK(!arguments.empty());
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
        return os_error("no pipe for a child process");
    }
    const std::string target = error_file.empty() ? "/dev/null" : error_file;
    const int errors = open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::vector<std::string> copies = arguments;
    std::vector<char*> pointers;
    for (std::string& one : copies) {
        pointers.push_back(one.data());
    }
    pointers.push_back(nullptr);
    const int pid = errors < 0 ? -1 : fork();
    if (pid == 0) {
        become(pointers.data(), pipe_ends[1], errors);
    }
    const int failed = errno;
    close(pipe_ends[1]);
    if (errors >= 0) {
        close(errors);
    }
    if (pid < 0) {
        close(pipe_ends[0]);
        errno = failed;
        return os_error(fmt::format("{} cannot be started", arguments.front()));
    }
    return ChildProcess(pid, pipe_ends[0]);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(output_, other.output_);
    return *this;
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        signal(Signal::kill);
        wait();
    }
    if (output_ >= 0) {
        close(output_);
    }
}

void ChildProcess::signal(Signal which) const {
    if (pid_ > 0) {
        ::kill(pid_, which == Signal::kill ? SIGKILL : SIGTERM);
    }
}

bool ChildProcess::read_more(std::string& out, Duration wait) {
    pollfd watched{output_, POLLIN, 0};
    const int ready = poll(&watched, 1, static_cast<int>(wait / 1ms));
    if (ready <= 0) {
        return true;
    }
    std::array<char, 16384> buffer{};
    const ssize_t got = ::read(output_, buffer.data(), buffer.size());
    if (got > 0 && out.size() < kOutputLimit) {
        out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0 || (got < 0 && errno == EINTR);
}

int ChildProcess::wait() {
    if (pid_ <= 0) {
        return 0;
    }
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_all(const std::vector<std::vector<std::string>>& commands, std::uint32_t jobs, Duration limit,
             const std::function<void(std::size_t, const Finished&)>& on_done) {
    struct Running {
        ChildProcess child;
        Finished result;
        std::chrono::steady_clock::time_point until;
    };
    std::map<std::size_t, Running> running;
    std::size_t next = 0;
    while (next < commands.size() || !running.empty()) {
        while (next < commands.size() && running.size() < std::max(1u, jobs)) {
            Result<ChildProcess> child = ChildProcess::start(commands[next], "");
            if (!child) {
                on_done(next++, {25, child.error().text, false});
                continue;
            }
            running.emplace(next++,
                            Running{std::move(child).value(), {}, std::chrono::steady_clock::now() + limit});
        }
        for (auto at = running.begin(); at != running.end();) {
            Running& one = at->second;
            const bool is_late = std::chrono::steady_clock::now() > one.until;
            if (is_late) {
                one.child.signal(Signal::kill);
                one.result.is_timeout = true;
            }
            if (one.child.read_more(one.result.output, 20ms)) {
                ++at;
                continue;
            }
            one.result.exit_code = one.child.wait();
            on_done(at->first, one.result);
            at = running.erase(at);
        }
    }
}

}  // namespace firedrill::sim
