#include "posix/paths.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace firedrill::posix {

namespace {

Error failed(const std::string& path, const char* what) {
    const int code = errno;
    Fault fault = Fault::disk_failed;
    if (code == ENOENT || code == ENOTDIR) {
        fault = Fault::not_found;
    } else if (code == EACCES || code == EPERM || code == EROFS) {
        fault = Fault::permission;
    } else if (code == ENOSPC || code == EDQUOT) {
        fault = Fault::disk_full;
    }
    return {fault, fmt::format("cannot {} {}: {}", what, path, std::strerror(code))};
}

/// Closes a descriptor at the end of a scope.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

Status write_all(const std::string& path, int file, std::string_view contents) {
    while (!contents.empty()) {
        const ssize_t wrote = ::write(file, contents.data(), contents.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return failed(path, "write");
        }
        contents.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return ::fsync(file) == 0 ? Status() : Status(failed(path, "sync"));
}

}  // namespace

std::string absolute_path(const std::string& path) {
    std::error_code error;
    std::filesystem::path absolute = std::filesystem::absolute(path, error);
    if (error) {
        absolute = path;
    }
    // Of the absolute path: of a relative one whose first part does not exist it would make nothing.
    const std::filesystem::path canonical = std::filesystem::weakly_canonical(absolute, error);
    std::string text = (error ? absolute.lexically_normal() : canonical).string();
    while (text.size() > 1 && text.back() == '/') {
        text.pop_back();
    }
    return text;
}

bool is_inside(const std::string& path, const std::string& folder) {
    const std::string inner = absolute_path(path);
    const std::string outer = absolute_path(folder);
    return inner == outer || inner.starts_with(outer == "/" ? outer : outer + "/");
}

bool is_same_folder(const std::string& one, const std::string& two) {
    struct stat first{};
    struct stat second{};
    if (::stat(one.c_str(), &first) == 0 && ::stat(two.c_str(), &second) == 0) {
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    }
    return absolute_path(one) == absolute_path(two);
}

Result<bool> is_same_device(const std::string& one, const std::string& two) {
    struct stat first{};
    struct stat second{};
    if (::stat(one.c_str(), &first) != 0) {
        return failed(one, "look at");
    }
    if (::stat(two.c_str(), &second) != 0) {
        return failed(two, "look at");
    }
    return first.st_dev == second.st_dev;
}

Result<bool> exists(const std::string& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) == 0) {
        return true;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return false;
    }
    return failed(path, "look at");
}

Result<std::string> read_small_file(const std::string& path, std::size_t limit) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (file.get() < 0) {
        return failed(path, "open");
    }
    std::string out(limit + 1, '\0');
    std::size_t size = 0;
    while (size < out.size()) {
        const ssize_t got = ::read(file.get(), out.data() + size, out.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return failed(path, "read");
        }
        if (got == 0) {
            break;
        }
        size += static_cast<std::size_t>(got);
    }
    if (size > limit) {
        return Error{Fault::limit, fmt::format("{} is larger than {} bytes", path, limit)};
    }
    out.resize(size);
    return out;
}

Status replace_small_file(const std::string& path, const std::string& contents) {
    const std::string fresh = path + ".new";
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file.get() < 0) {
        return failed(fresh, "create");
    }
    TRY(write_all(fresh, file.get(), contents));
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        return failed(path, "replace");
    }
    return {};
}

}  // namespace firedrill::posix
