#include "posix/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"
#include "posix/direct_writer.h"
#include "posix/errors.h"
#include "posix/handle.h"
#include "posix/side_thread.h"

namespace firedrill::posix {

namespace {

constexpr const char* kOwnerFile = ".owner";
constexpr std::size_t kMaxOwnerBytes = 200;

/// Calls until it is not interrupted.
template <class Call>
auto uninterrupted(Call call) -> decltype(call()) {
    auto result = call();
    while (result == -1 && errno == EINTR) {
        result = call();
    }
    return result;
}

class PosixFile final : public File {
  public:
    PosixFile(Handle file, std::string label, bool is_read_only = false)
        : file_(std::move(file)), label_(std::move(label)), is_read_only_(is_read_only) {}

    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t got = uninterrupted([&] {
                return ::pread(file_.get(), out.data() + done, out.size() - done,
                               static_cast<off_t>(offset + done));
            });
            if (got < 0) {
                return error("cannot read");
            }
            if (got == 0) {
                break;
            }
            done += static_cast<std::size_t>(got);
        }
        return done;
    }

    using File::write_at;
    Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
        TRY(check_writable());
        std::array<iovec, 64> batch{};
        std::size_t next = 0;
        while (next < pieces.size()) {
            std::size_t count = 0;
            std::size_t total = 0;
            for (; next < pieces.size() && count < batch.size(); ++next) {
                if (!pieces[next].empty()) {
                    // writev's interface is not const-correct; it only reads.
                    batch[count++] = {const_cast<Byte*>(pieces[next].data()), pieces[next].size()};
                    total += pieces[next].size();
                }
            }
            TRY(write_batch(offset, std::span(batch).first(count)));
            offset += total;
        }
        return {};
    }

    Status write_durable(std::uint64_t offset, std::span<const ByteView> pieces) override {
        TRY(write_once(offset, pieces));
        return sync();
    }

    void begin_write_durable(std::uint64_t offset, std::span<const ByteView> pieces) override {
        if (!side_) {
            side_ = std::make_unique<SideThread>();
        }
        side_->begin([this, offset, pieces] { begun_ = write_durable(offset, pieces); });
    }

    Status end_write_durable() override {
        side_->wait();
        return std::exchange(begun_, Status());
    }

    Status truncate(std::uint64_t size_bytes) override {
        TRY(check_writable());
        if (uninterrupted([&] { return ::ftruncate(file_.get(), static_cast<off_t>(size_bytes)); }) != 0) {
            return error("cannot set the size");
        }
        reserved_ = std::min(reserved_, size_bytes);
        return {};
    }

    Status allocate(std::uint64_t size_bytes) override {
        TRY(check_writable());
        const std::uint64_t old_size = TRY(this->size_bytes());
        if (size_bytes == 0) {
            return {};
        }
        // What this file reserved before is not walked through again: a log grows by small steps.
        const std::uint64_t from = std::min(reserved_, old_size);
        if (size_bytes <= from) {
            return {};
        }
        int failure = 0;
        do {
            failure = ::posix_fallocate(file_.get(), static_cast<off_t>(from),
                                        static_cast<off_t>(size_bytes - from));
        } while (failure == EINTR);
        // Written now, so that a later sync has no extents to convert: it costs half the processor time and
        // one device write less.
        Status filled = failure == 0 ? write_zeroes(old_size, size_bytes) : Status();
        if (failure == 0 && filled) {
            reserved_ = size_bytes;
            return {};
        }
        // What was reserved before space ran out is given back.
        if (TRY(this->size_bytes()) > old_size) {
            TRY(truncate(old_size));
        }
        return filled ? system_error(failure, label_, fmt::format("cannot reserve {} bytes", size_bytes))
                      : std::move(filled);
    }

    Result<std::uint64_t> size_bytes() override {
        struct stat info{};
        if (::fstat(file_.get(), &info) != 0) {
            return error("cannot read the size");
        }
        return static_cast<std::uint64_t>(info.st_size);
    }

    Status sync() override {
        if (uninterrupted([&] { return ::fdatasync(file_.get()); }) != 0) {
            // Whatever the reason, nothing written since the last good sync may be relied on.
            return Error{Fault::disk_failed, system_error(errno, label_, "cannot make it durable").text};
        }
        // Not fstat: who asks for the time of the last change makes the kernel write down another one, to the
        // nanosecond, at the next write (multigrain timestamps, Linux 6.13), which costs a fifth of a commit.
        struct statx info{};
        if (::statx(file_.get(), "", AT_EMPTY_PATH, STATX_NLINK, &info) != 0 || info.stx_nlink == 0) {
            return Error{Fault::disk_failed,
                         fmt::format("{}: it was removed from its folder while it was in use, and what is "
                                     "written to it is lost; look who removes files there",
                                     label_)};
        }
        return {};
    }

  private:
    Error error(std::string_view what) const { return system_error(errno, label_, what); }
    Status check_writable() const {
        return is_read_only_ ? Status(system_error(EROFS, label_, "cannot write")) : Status();
    }

    /// For bytes that nobody reads soon.
    Status write_once(std::uint64_t offset, std::span<const ByteView> pieces) {
        return TRY(direct_.write(file_.get(), offset, pieces, label_)) ? Status() : write_at(offset, pieces);
    }

    Status write_zeroes(std::uint64_t from, std::uint64_t to) {
        // Never written, so the kernel lends one page of zeroes for all of it.
        alignas(4096) static constinit std::array<Byte, 1 << 20> zeroes{};
        while (from < to) {
            const ByteView piece = ByteView(zeroes).first(
                static_cast<std::size_t>(std::min<std::uint64_t>(to - from, zeroes.size())));
            TRY(write_once(from, {&piece, 1}));
            from += piece.size();
        }
        return {};
    }
    Status write_batch(std::uint64_t offset, std::span<iovec> left) {
        while (!left.empty()) {
            const ssize_t put = uninterrupted([&] {
                return ::pwritev(file_.get(), left.data(), static_cast<int>(left.size()),
                                 static_cast<off_t>(offset));
            });
            if (put < 0) {
                return error("cannot write");
            }
            offset += static_cast<std::uint64_t>(put);
            auto rest = static_cast<std::size_t>(put);
            while (!left.empty() && rest >= left.front().iov_len) {
                rest -= left.front().iov_len;
                left = left.subspan(1);
            }
            if (rest > 0) {
                left.front().iov_base = static_cast<Byte*>(left.front().iov_base) + rest;
                left.front().iov_len -= rest;
            }
        }
        return {};
    }

    Handle file_;
    DirectWriter direct_;
    Status begun_;
    std::string label_;
    bool is_read_only_ = false;  // its file system is
    // Below it every byte has its place on the disk, unless another File of this name cut it meanwhile.
    std::uint64_t reserved_ = 0;
    std::unique_ptr<SideThread> side_;  // the last member: its work uses the others
};

class PosixClaim final : public Claim {
  public:
    PosixClaim(Handle folder, Handle file) : folder_(std::move(folder)), file_(std::move(file)) {}

  private:
    Handle folder_;  // closing them releases the locks, and so does the death of the process
    Handle file_;
};

class PosixDisk final : public Disk {
  public:
    PosixDisk(Handle folder, std::string path) : folder_(std::move(folder)), path_(std::move(path)) {}

    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        TRY(check_name(name));
        int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
        flags |= how == Open::existing ? 0 : O_CREAT;
        flags |= how == Open::create ? O_EXCL : 0;
        const std::string text(name);
        Handle file(uninterrupted([&] { return ::openat(folder_.get(), text.c_str(), flags, 0600); }));
        const bool is_read_only = !file.is_open() && errno == EROFS && how == Open::existing;
        if (is_read_only) {
            // On a file system that is mounted read-only: whoever only looks may, whoever writes is told.
            const int reading = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
            file = Handle(uninterrupted([&] { return ::openat(folder_.get(), text.c_str(), reading); }));
        }
        if (!file.is_open()) {
            return error(name, "cannot open");
        }
        struct stat info{};
        if (::fstat(file.get(), &info) != 0) {
            return error(name, "cannot look at it");
        }
        if (!S_ISREG(info.st_mode)) {
            return Error{Fault::bad_input,
                         fmt::format("{}/{} is not a regular file; move it away", path_, name)};
        }
        return std::unique_ptr<File>(
            std::make_unique<PosixFile>(std::move(file), fmt::format("{}/{}", path_, name), is_read_only));
    }

    Status rename(std::string_view from, std::string_view to) override {
        TRY(check_name(from));
        TRY(check_name(to));
        if (::renameat(folder_.get(), std::string(from).c_str(), folder_.get(), std::string(to).c_str()) !=
            0) {
            return error(from, fmt::format("cannot rename it to {}", to));
        }
        return {};
    }

    Status remove(std::string_view name) override {
        TRY(check_name(name));
        if (::unlinkat(folder_.get(), std::string(name).c_str(), 0) != 0) {
            return error(name, "cannot remove");
        }
        return {};
    }

    Result<std::vector<std::string>> list() override {
        // A descriptor of its own: the read position must not be shared between threads.
        Handle again(
            uninterrupted([&] { return ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
        DIR* stream = again.is_open() ? ::fdopendir(again.get()) : nullptr;
        if (stream == nullptr) {
            return system_error(errno, path_, "cannot list");
        }
        (void)again.release();  // the stream owns it now
        std::vector<std::string> out;
        errno = 0;
        while (const dirent* entry = ::readdir(stream)) {
            if (is_disk_name(entry->d_name) && is_file(*entry)) {
                out.emplace_back(entry->d_name);
            }
            errno = 0;
        }
        const int failure = errno;
        ::closedir(stream);
        if (failure != 0) {
            return system_error(failure, path_, "cannot list");
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    Status sync_names() override {
        if (uninterrupted([&] { return ::fsync(folder_.get()); }) != 0) {
            return Error{Fault::disk_failed,
                         system_error(errno, path_, "cannot make its names durable").text};
        }
        return {};
    }

    Result<std::uint64_t> free_space_bytes() override {
        struct statvfs info{};
        if (uninterrupted([&] { return ::fstatvfs(folder_.get(), &info); }) != 0) {
            return system_error(errno, path_, "cannot read the free space");
        }
        return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    }

    /// Two locks: on the folder itself, which needs no space for a file, and on a file in it, which also
    /// holds
    /// where a file system locks nothing but files open for writing.
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override {
        Handle folder(
            uninterrupted([&] { return ::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
        const bool is_locked = folder.is_open() && lock(folder) == 0;
        if (!is_locked && folder.is_open() && errno == EWOULDBLOCK) {
            return claimed();
        }
        Handle file(uninterrupted([&] {
            return ::openat(folder_.get(), kOwnerFile, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        }));
        if (!file.is_open()) {
            if (is_locked && (errno == ENOSPC || errno == EDQUOT)) {
                return std::unique_ptr<Claim>(std::make_unique<PosixClaim>(std::move(folder), Handle()));
            }
            return error(kOwnerFile, "cannot open");
        }
        if (lock(file) != 0) {
            return errno == EWOULDBLOCK ? claimed() : error(kOwnerFile, "cannot lock");
        }
        const std::string words =
            fmt::format("{} (process {})", owner.substr(0, kMaxOwnerBytes / 2), ::getpid());
        // Words for people: a full disk has the lock without them.
        if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), words.data(), words.size(), 0) < 0) {
            (void)!::ftruncate(file.get(), 0);  // rather none than somebody else's
        }
        return std::unique_ptr<Claim>(std::make_unique<PosixClaim>(std::move(folder), std::move(file)));
    }

    std::string label() const override { return path_; }

  private:
    static int lock(const Handle& file) {
        return uninterrupted([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); });
    }
    /// Who has it, and since when.
    Error claimed() const {
        std::array<char, kMaxOwnerBytes> text{};
        struct stat info{};
        const Handle file(uninterrupted([&] {
            return ::openat(folder_.get(), kOwnerFile, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        }));
        const ssize_t size =
            file.is_open() ? uninterrupted([&] { return ::pread(file.get(), text.data(), text.size(), 0); })
                           : 0;
        const std::string_view words(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        if (words.empty() || ::fstat(file.get(), &info) != 0) {
            return {Fault::in_use, fmt::format("{} is in use by another process; stop it first", path_)};
        }
        const WallTime since{info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
        const bool may_be_us = words.ends_with(fmt::format("(process {})", ::getpid()));
        return {Fault::in_use,
                fmt::format("{} is in use by {} since {}; stop it first{}", path_, words, format_utc(since),
                            may_be_us ? ", or, where the folder was given twice, give it once" : "")};
    }
    Error error(std::string_view name, std::string_view what) const {
        return system_error(errno, fmt::format("{}/{}", path_, name), what);
    }
    Status check_name(std::string_view name) const {
        if (is_disk_name(name)) {
            return {};
        }
        return Error{Fault::bad_usage,
                     fmt::format("{}: \"{}\" is no file name; use letters, digits, . _ -", path_, name)};
    }
    bool is_file(const dirent& entry) const {
        if (entry.d_type != DT_UNKNOWN) {
            return entry.d_type == DT_REG;
        }
        struct stat info{};
        return ::fstatat(folder_.get(), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISREG(info.st_mode);
    }

    Handle folder_;
    std::string path_;
};

/// Makes the folder and its name durable. It being there already is fine.
Status make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0) {
        if (errno == EEXIST) {
            return {};
        }
        return system_error(errno, path, "cannot make the folder");
    }
    std::string parent = path;
    while (parent.size() > 1 && parent.back() == '/') {
        parent.pop_back();
    }
    const std::size_t slash = parent.rfind('/');
    parent = slash == std::string::npos ? "." : parent.substr(0, slash + 1);
    const Handle above(
        uninterrupted([&] { return ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!above.is_open() || ::fsync(above.get()) != 0) {
        return Error{Fault::disk_failed,
                     system_error(errno, parent, "cannot make the new folder's name durable").text};
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Disk>> open_folder(const std::string& path, Create create) {
    if (create == Create::yes) {
        TRY(make_folder(path));
    }
    Handle folder(
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
    if (!folder.is_open()) {
        return system_error(errno, path, "cannot open the folder");
    }
    struct stat info{};
    if (::fstat(folder.get(), &info) != 0) {
        return system_error(errno, path, "cannot look at the folder");
    }
    if (info.st_uid != ::geteuid()) {
        return Error{Fault::permission,
                     fmt::format("{} belongs to another user; run as that user, or: chown {} '{}'", path,
                                 ::geteuid(), path)};
    }
    if ((info.st_mode & 077) != 0) {
        return Error{Fault::permission,
                     fmt::format("{} is open to other users (mode {:03o}); run: chmod 700 '{}'", path,
                                 info.st_mode & 0777, path)};
    }
    return std::unique_ptr<Disk>(std::make_unique<PosixDisk>(std::move(folder), path));
}

}  // namespace firedrill::posix
