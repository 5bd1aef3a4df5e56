#include "sim/seams/disk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace firedrill::sim {

class SimFile final : public File {
  public:
    SimFile(SimDisk& disk, std::shared_ptr<Inode> inode, std::uint64_t generation)
        : disk_(disk), inode_(std::move(inode)), generation_(generation) {}

    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override;
    using File::write_at;
    Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override;
    Status truncate(std::uint64_t size_bytes) override;
    Status allocate(std::uint64_t size_bytes) override;
    Result<std::uint64_t> size_bytes() override;
    Status sync() override;
    void begin_write_durable(std::uint64_t offset, std::span<const ByteView> pieces) override;
    Status end_write_durable() override;

  private:
    SimDisk& disk_;
    Status begun_;
    Duration begun_ends_{0};  // when the write that was begun is over, as the meter counts the running job
    std::shared_ptr<Inode> inode_;  // shared with the disk's names: an open file outlives its name
    std::uint64_t generation_;
};

class SimClaim final : public Claim {
  public:
    SimClaim(SimDisk& disk, std::uint64_t number) : disk_(disk), number_(number) {}
    ~SimClaim() override {
        if (disk_.claim_number_ == number_) {
            disk_.claimed_by_.clear();
        }
    }

  private:
    SimDisk& disk_;
    std::uint64_t number_;
};

SimDisk::SimDisk(std::string label, SimLoop& loop, CostMeter& meter, Random random, SimDiskOptions options)
    : label_(std::move(label)), loop_(loop), meter_(meter), random_(random), options_(options) {}

SimDisk::~SimDisk() = default;

Error SimDisk::off_error(std::string_view what) const {
    return {Fault::powered_off, fmt::format("{}/{}: the machine lost power", label_, what)};
}
Error SimDisk::failed_error(std::string_view what) const {
    return {Fault::disk_failed, fmt::format("{}/{}: input/output error; replace the disk", label_, what)};
}
Error SimDisk::full_error(std::string_view what) const {
    return {Fault::disk_full, fmt::format("{}/{}: the disk is full; free space and try again", label_, what)};
}

Duration SimDisk::transfer(std::uint64_t bytes) const {
    return Duration(static_cast<std::int64_t>(bytes * 1'000'000'000ULL / options_.model.bytes_per_second));
}

std::uint64_t SimDisk::room_bytes() const {
    return options_.capacity_bytes - std::min(options_.capacity_bytes, used_bytes_);
}

namespace {

/// A change on its way when the power went may have reached the disk: the loss of power decides.
bool is_change(DiskOperation operation) {
    switch (operation) {
        case DiskOperation::open:
        case DiskOperation::write:
        case DiskOperation::truncate:
        case DiskOperation::allocate:
        case DiskOperation::rename:
        case DiskOperation::remove: return true;
        case DiskOperation::read:
        case DiskOperation::sync:
        case DiskOperation::list:
        case DiskOperation::sync_names: return false;
    }
    CHECK(false);
}

}  // namespace

std::string_view disk_operation_name(DiskOperation operation) noexcept {
    switch (operation) {
        case DiskOperation::open: return "open";
        case DiskOperation::read: return "read";
        case DiskOperation::write: return "write";
        case DiskOperation::truncate: return "truncate";
        case DiskOperation::allocate: return "allocate";
        case DiskOperation::sync: return "sync";
        case DiskOperation::rename: return "rename";
        case DiskOperation::remove: return "remove";
        case DiskOperation::list: return "list";
        case DiskOperation::sync_names: return "sync_names";
    }
    CHECK(false);
}

Result<SimDisk::Turn> SimDisk::begin(DiskOperation operation, std::string_view what, std::uint64_t generation,
                                     Duration cost) {
    if (!powered_ || generation != generation_) {
        return off_error(what);
    }
    ++operation_count_;
    if (watch_) {
        watch_(operation);
    }
    meter_.add(cost * slowness_ + std::exchange(stall_, 0s));
    if (cut_after_ != 0 && --cut_after_ == 0) {
        return Turn::cut;
    }
    if (dead_) {
        return failed_error(what);
    }
    if (!call_failure_ || --call_failure_->after != 0) {
        return Turn::proceed;
    }
    const CallFailure failure = *call_failure_;
    fault(failure.fault).has_struck = true;
    if (failure.times == Times::for_ever) {
        call_failure_->after = 1;
    } else {
        call_failure_.reset();
    }
    return failure.outcome == CallOutcome::done ? Turn::fail_done : Turn::fail_not_done;
}

template <class Body>
auto SimDisk::operate(DiskOperation operation, std::string_view what, std::uint64_t generation, Duration cost,
                      Body&& body) -> decltype(body()) {
    switch (TRY(begin(operation, what, generation, cost))) {
        case Turn::proceed: return body();
        case Turn::fail_not_done: return failed_error(what);
        case Turn::fail_done: (void)body(); return failed_error(what);
        case Turn::cut:
            if (is_change(operation) && !dead_) {
                (void)body();
            }
            cut_power();
            return off_error(what);
    }
    CHECK(false);
}

void SimDisk::cut_power() {
    power_loss();
    if (on_power_cut) {
        const auto hook = on_power_cut;
        hook();
    }
}

Inode* SimDisk::find(std::string_view name) const {
    const auto at = names_.find(name);
    return at == names_.end() ? nullptr : at->second.get();
}

std::shared_ptr<Inode> SimDisk::create(std::string_view name) {
    auto inode = std::make_shared<Inode>();
    inode->name = name;
    inode->is_linked = true;
    names_.emplace(name, inode);
    name_changes_.push_back({NameVerb::create, std::string(name), {}, inode});
    return inode;
}

Result<std::unique_ptr<File>> SimDisk::open(std::string_view name, Open how) {
    if (!is_disk_name(name)) {
        return Error{Fault::bad_usage,
                     fmt::format("{}: \"{}\" is no file name; use letters, digits, . _ -", label_, name)};
    }
    return operate(
        DiskOperation::open, name, generation_, options_.model.call, [&]() -> Result<std::unique_ptr<File>> {
            auto at = names_.find(name);
            if (at == names_.end() && how == Open::existing) {
                return Error{Fault::not_found, fmt::format("{}/{} does not exist", label_, name)};
            }
            if (at != names_.end() && how == Open::create) {
                return Error{Fault::exists, fmt::format("{}/{} exists already", label_, name)};
            }
            auto inode = at != names_.end() ? at->second : create(name);
            return std::unique_ptr<File>(std::make_unique<SimFile>(*this, std::move(inode), generation_));
        });
}

void SimDisk::unlink(Names::iterator at) {
    at->second->is_linked = false;
    used_bytes_ -= at->second->size_bytes;
    names_.erase(at);
}

Status SimDisk::rename(std::string_view from, std::string_view to) {
    for (const auto name : {from, to}) {
        if (!is_disk_name(name)) {
            return Error{Fault::bad_usage, fmt::format("{}: \"{}\" is no file name", label_, name)};
        }
    }
    return operate(DiskOperation::rename, from, generation_, options_.model.call, [&]() -> Status {
        const auto at = names_.find(from);
        if (at == names_.end()) {
            return Error{Fault::not_found, fmt::format("{}/{} does not exist", label_, from)};
        }
        if (from == to) {
            return {};
        }
        const auto inode = at->second;
        names_.erase(at);
        if (const auto old = names_.find(to); old != names_.end()) {
            unlink(old);
        }
        inode->name = to;
        names_.emplace(to, inode);
        name_changes_.push_back({NameVerb::rename, std::string(from), std::string(to), inode});
        return {};
    });
}

Status SimDisk::remove(std::string_view name) {
    if (!is_disk_name(name)) {
        return Error{Fault::bad_usage, fmt::format("{}: \"{}\" is no file name", label_, name)};
    }
    return operate(DiskOperation::remove, name, generation_, options_.model.call, [&]() -> Status {
        const auto at = names_.find(name);
        if (at == names_.end()) {
            return Error{Fault::not_found, fmt::format("{}/{} does not exist", label_, name)};
        }
        const auto inode = at->second;
        unlink(at);
        name_changes_.push_back({NameVerb::remove, std::string(name), {}, inode});
        return {};
    });
}

Result<std::vector<std::string>> SimDisk::list() {
    return operate(DiskOperation::list, "", generation_, options_.model.call,
                   [&]() -> Result<std::vector<std::string>> { return peek_names(); });
}

Status SimDisk::sync_names() {
    return operate(DiskOperation::sync_names, "", generation_, options_.model.access, [&]() -> Status {
        if (!lying_) {
            for (const NameChange& change : name_changes_) {
                apply_name(durable_names_, change);
            }
            name_changes_.clear();
            note_gone();
        }
        return {};
    });
}

Result<std::uint64_t> SimDisk::free_space_bytes() {
    if (!powered_) {
        return off_error("");
    }
    if (dead_) {
        return failed_error("");
    }
    return room_bytes();
}

Result<std::unique_ptr<Claim>> SimDisk::claim(std::string_view owner) {
    if (!powered_) {
        return off_error("");
    }
    if (dead_) {
        return failed_error("");
    }
    if (!claimed_by_.empty()) {
        return Error{Fault::in_use, fmt::format("{} is in use by {}; stop it first", label_, claimed_by_)};
    }
    claimed_by_ = owner.empty() ? "an unnamed owner" : owner;
    return std::unique_ptr<Claim>(std::make_unique<SimClaim>(*this, ++claim_number_));
}

Result<std::size_t> SimFile::read_at(std::uint64_t offset, MutableBytes out) {
    const auto& model = disk_.options_.model;
    return disk_.operate(DiskOperation::read, inode_->name, generation_,
                         model.access + disk_.transfer(out.size()),
                         [&] { return disk_.read_now(*inode_, offset, out); });
}

Status SimFile::write_at(std::uint64_t offset, std::span<const ByteView> pieces) {
    return disk_.operate(DiskOperation::write, inode_->name, generation_, disk_.options_.model.call,
                         [&] { return disk_.write_now(*inode_, offset, pieces); });
}

Status SimFile::truncate(std::uint64_t size_bytes) {
    return disk_.operate(DiskOperation::truncate, inode_->name, generation_, disk_.options_.model.call,
                         [&] { return disk_.resize_now(*inode_, size_bytes); });
}

Status SimFile::allocate(std::uint64_t size_bytes) {
    return disk_.operate(
        DiskOperation::allocate, inode_->name, generation_, disk_.options_.model.call, [&]() -> Status {
            return size_bytes <= inode_->size_bytes ? Status{} : disk_.resize_now(*inode_, size_bytes);
        });
}

Result<std::uint64_t> SimFile::size_bytes() {
    if (!disk_.powered_ || generation_ != disk_.generation_) {
        return disk_.off_error(inode_->name);
    }
    if (disk_.dead_) {
        return disk_.failed_error(inode_->name);
    }
    return inode_->size_bytes;
}

Status SimFile::sync() {
    const Duration cost = disk_.options_.model.access + disk_.transfer(inode_->dirty.size() * kSectorBytes);
    switch (TRY(disk_.begin(DiskOperation::sync, inode_->name, generation_, cost))) {
        case SimDisk::Turn::proceed: break;
        case SimDisk::Turn::cut: disk_.cut_power(); return disk_.off_error(inode_->name);
        case SimDisk::Turn::fail_done: disk_.sync_now(*inode_); return disk_.failed_error(inode_->name);
        case SimDisk::Turn::fail_not_done:
            disk_.fail_sync_now(*inode_);
            return disk_.failed_error(inode_->name);
    }
    if (disk_.strike(FaultKind::failed_sync, *inode_) != nullptr) {
        disk_.fail_sync_now(*inode_);
        return disk_.failed_error(inode_->name);
    }
    if (!disk_.lying_) {
        disk_.sync_now(*inode_);
    }
    return disk_.find(inode_->name) == inode_.get() ? Status{} : disk_.failed_error(inode_->name);
}

void SimFile::begin_write_durable(std::uint64_t offset, std::span<const ByteView> pieces) {
    const Duration before = disk_.meter_.take();
    begun_ = write_durable(offset, pieces);
    begun_ends_ = before + disk_.meter_.take();
    disk_.meter_.add(before);
}

Status SimFile::end_write_durable() {
    const Duration meanwhile = disk_.meter_.take();
    disk_.meter_.add(std::max(meanwhile, begun_ends_));
    return std::exchange(begun_, Status());
}

}  // namespace firedrill::sim
