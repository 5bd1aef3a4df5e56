#include "slow_sync.h"

#include <sqlite3.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace firedrill::bench {
namespace {

constexpr auto kDelay = std::chrono::milliseconds(1);

class SlowFile final : public File {
  public:
    SlowFile(std::unique_ptr<File> file, SlowDevice& device) : file_(std::move(file)), device_(device) {}
    Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
        return file_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
        return file_->write_at(offset, pieces);
    }
    Status write_durable(std::uint64_t offset, std::span<const ByteView> pieces) override {
        device_.sync();
        return file_->write_durable(offset, pieces);
    }
    Status truncate(std::uint64_t size_bytes) override { return file_->truncate(size_bytes); }
    Status allocate(std::uint64_t size_bytes) override { return file_->allocate(size_bytes); }
    Result<std::uint64_t> size_bytes() override { return file_->size_bytes(); }
    Status sync() override {
        device_.sync();
        return file_->sync();
    }

  private:
    std::unique_ptr<File> file_;
    SlowDevice& device_;
};

class SlowDisk final : public Disk {
  public:
    SlowDisk(std::unique_ptr<Disk> disk, SlowDevice& device) : disk_(std::move(disk)), device_(device) {}
    Result<std::unique_ptr<File>> open(std::string_view name, Open how) override {
        std::unique_ptr<File> file = TRY(disk_->open(name, how));
        return std::unique_ptr<File>(std::make_unique<SlowFile>(std::move(file), device_));
    }
    Status rename(std::string_view from, std::string_view to) override { return disk_->rename(from, to); }
    Status remove(std::string_view name) override { return disk_->remove(name); }
    Result<std::vector<std::string>> list() override { return disk_->list(); }
    Status sync_names() override {
        device_.sync();
        return disk_->sync_names();
    }
    Result<std::uint64_t> free_space_bytes() override { return disk_->free_space_bytes(); }
    Result<std::unique_ptr<Claim>> claim(std::string_view owner) override { return disk_->claim(owner); }
    std::string label() const override { return disk_->label(); }

  private:
    std::unique_ptr<Disk> disk_;
    SlowDevice& device_;
};

/// SQLite's own file follows it in memory.
struct ShimFile {
    sqlite3_file base;  // first: SQLite casts between the two
    SlowDevice* device;
};

sqlite3_file* inner(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(reinterpret_cast<ShimFile*>(file) + 1);
}

const sqlite3_io_methods& methods_of(sqlite3_file* file) {
    return *inner(file)->pMethods;
}

const sqlite3_io_methods& shim_methods() {
    static const sqlite3_io_methods made = [] {
        sqlite3_io_methods m{};
        m.iVersion = 2;
        m.xClose = [](sqlite3_file* f) { return methods_of(f).xClose(inner(f)); };
        m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
            return methods_of(f).xRead(inner(f), to, size, at);
        };
        m.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
            return methods_of(f).xWrite(inner(f), from, size, at);
        };
        m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
            return methods_of(f).xTruncate(inner(f), size);
        };
        m.xSync = [](sqlite3_file* f, int flags) {
            reinterpret_cast<ShimFile*>(f)->device->sync();
            return methods_of(f).xSync(inner(f), flags);
        };
        m.xFileSize = [](sqlite3_file* f, sqlite3_int64* out) {
            return methods_of(f).xFileSize(inner(f), out);
        };
        m.xLock = [](sqlite3_file* f, int how) { return methods_of(f).xLock(inner(f), how); };
        m.xUnlock = [](sqlite3_file* f, int how) { return methods_of(f).xUnlock(inner(f), how); };
        m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
            return methods_of(f).xCheckReservedLock(inner(f), out);
        };
        m.xFileControl = [](sqlite3_file* f, int what, void* with) {
            return methods_of(f).xFileControl(inner(f), what, with);
        };
        m.xSectorSize = [](sqlite3_file* f) { return methods_of(f).xSectorSize(inner(f)); };
        m.xDeviceCharacteristics = [](sqlite3_file* f) {
            return methods_of(f).xDeviceCharacteristics(inner(f));
        };
        m.xShmMap = [](sqlite3_file* f, int region, int size, int extend, void volatile** out) {
            return methods_of(f).xShmMap(inner(f), region, size, extend, out);
        };
        m.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
            return methods_of(f).xShmLock(inner(f), offset, count, flags);
        };
        m.xShmBarrier = [](sqlite3_file* f) { methods_of(f).xShmBarrier(inner(f)); };
        m.xShmUnmap = [](sqlite3_file* f, int deletes) { return methods_of(f).xShmUnmap(inner(f), deletes); };
        return m;
    }();
    return made;
}

struct ShimVfs {
    sqlite3_vfs base;  // first, as above
    SlowDevice device;
};

int on_open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    auto* own = static_cast<sqlite3_vfs*>(vfs->pAppData);
    file->pMethods = nullptr;
    const int code = own->xOpen(own, name, inner(file), flags, out_flags);
    if (inner(file)->pMethods != nullptr) {
        file->pMethods = &shim_methods();
        reinterpret_cast<ShimFile*>(file)->device = &reinterpret_cast<ShimVfs*>(vfs)->device;
    }
    return code;
}

const char* register_shim(ShimVfs& shim, const char* name) {
    sqlite3_vfs* own = sqlite3_vfs_find(nullptr);
    shim.base = *own;
    shim.base.pNext = nullptr;
    shim.base.zName = name;
    shim.base.pAppData = own;
    shim.base.szOsFile = static_cast<int>(sizeof(ShimFile)) + own->szOsFile;
    shim.base.xOpen = on_open;
    if (sqlite3_vfs_register(&shim.base, 0) != SQLITE_OK) {
        throw std::runtime_error("SQLite does not take the VFS with slow syncs");
    }
    return name;
}

}  // namespace

void SlowDevice::sync() {
    if (queue_ == Queue::many) {
        std::this_thread::sleep_for(kDelay);
        return;
    }
    const std::lock_guard turn(turn_);
    std::this_thread::sleep_for(kDelay);
}

std::unique_ptr<Disk> make_slow(std::unique_ptr<Disk> disk, SlowDevice& device) {
    return std::make_unique<SlowDisk>(std::move(disk), device);
}

const char* slow_vfs(SlowDevice::Queue queue) {
    static ShimVfs one{{}, SlowDevice(SlowDevice::Queue::one)};
    static ShimVfs many{{}, SlowDevice(SlowDevice::Queue::many)};
    static const char* const one_name = register_shim(one, "slow-one");
    static const char* const many_name = register_shim(many, "slow-many");
    return queue == SlowDevice::Queue::one ? one_name : many_name;
}

}  // namespace firedrill::bench
