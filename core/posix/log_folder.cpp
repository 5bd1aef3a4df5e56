#include "posix/log_folder.h"

#include <mutex>
#include <utility>

#include "posix/disk.h"

namespace firedrill::posix {

namespace {

bool is_missing(const Error& error) {
    return error.fault == Fault::not_found || error.fault == Fault::disk_failed;
}

class LogFolder final : public Disk {
  public:
    LogFolder(std::string path, std::shared_ptr<Disk> folder, std::string reason)
        : path_(std::move(path)), folder_(std::move(folder)), reason_(std::move(reason)) {}

    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        return TRY(folder())->open(name, how);
    }
    Status rename(std::string_view from, std::string_view to) override {
        return TRY(folder())->rename(from, to);
    }
    Status remove(std::string_view name) override { return TRY(folder())->remove(name); }
    Result<std::vector<std::string>> list() override { return TRY(folder())->list(); }
    Status sync_names() override { return TRY(folder())->sync_names(); }
    Result<std::uint64_t> free_space_bytes() override { return TRY(folder())->free_space_bytes(); }
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override {
        return TRY(folder())->claim(owner);
    }
    std::string label() const override { return path_; }

    Status attach() override {
        auto found = open_folder(path_, Create::no);
        const std::lock_guard lock(mutex_);
        if (found) {
            folder_ = std::move(*found);
            return {};
        }
        folder_.reset();
        reason_ = found.error().text;
        return std::move(found).error();
    }

  private:
    Result<std::shared_ptr<Disk>> folder() {
        const std::lock_guard lock(mutex_);
        if (folder_ == nullptr) {
            return Error{Fault::disk_failed, reason_};
        }
        return folder_;
    }

    const std::string path_;
    std::mutex mutex_;              // guards what follows: attach() beside another thread's verbs
    std::shared_ptr<Disk> folder_;  // owners: this, and verbs that are under way; null: not there
    std::string reason_;            // why it is not there
};

}  // namespace

Result<std::unique_ptr<Disk>> open_log_folder(const std::string& path) {
    auto found = open_folder(path, Create::no);
    if (!found && !is_missing(found.error())) {
        return std::move(found).error();
    }
    std::shared_ptr<Disk> folder;
    std::string reason;
    if (found) {
        folder = std::move(*found);
    } else {
        reason = found.error().text;
    }
    return std::unique_ptr<Disk>(std::make_unique<LogFolder>(path, std::move(folder), std::move(reason)));
}

}  // namespace firedrill::posix
