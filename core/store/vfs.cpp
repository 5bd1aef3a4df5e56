#include "store/vfs.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/check.h"

namespace firedrill::store {

namespace {

constexpr const char* kVfsName = "firedrill";
constexpr const char* kBinding = "binding";
constexpr std::size_t kSpareBuffers = 8;  // most transactions change fewer pages

std::uint32_t load_big_u32(const Byte* from) {
    return (std::uint32_t{from[0]} << 24) | (std::uint32_t{from[1]} << 16) | (std::uint32_t{from[2]} << 8) |
           from[3];
}

}  // namespace

StoreFile::PlainBuffer::~PlainBuffer() {
    crypto::zeroise(bytes);
}

std::string StoreFile::uri() const {
    return fmt::format("file:store?vfs={}&{}={:x}", kVfsName, kBinding,
                       reinterpret_cast<std::uintptr_t>(this));
}

void StoreFile::fail(Error error) {
    if (!failure_) {
        failure_ = std::move(error);
    }
    drop_batch();
}

void StoreFile::drop_batch() noexcept {
    for (Written& each : batch_) {
        if (spare_.size() == kSpareBuffers) {
            break;
        }
        crypto::zeroise(each.buffer->bytes);
        spare_.push_back(std::move(each.buffer));  // reserved by write()
    }
    batch_.clear();
}

std::vector<StoreFile::Written>::iterator StoreFile::place_of(PageNumber page) noexcept {
    if (batch_.empty() || batch_.back().page < page) {
        return batch_.end();  // as nearly always
    }
    return std::lower_bound(batch_.begin(), batch_.end(), page,
                            [](const Written& each, PageNumber wanted) { return each.page < wanted; });
}

const StoreFile::PlainBuffer* StoreFile::written(PageNumber page) noexcept {
    const auto at = place_of(page);
    return at != batch_.end() && at->page == page ? at->buffer.get() : nullptr;
}

std::uint64_t StoreFile::size_bytes() const noexcept {
    const PageNumber last = batch_.empty() ? 0 : batch_.back().page;
    return std::uint64_t{std::max(pages_.position().page_count, last)} * kPageSize;
}

Status StoreFile::read_page(PageNumber page, MutableBytes out) {
    if (const PlainBuffer* found = written(page)) {
        std::copy(found->bytes.begin(), found->bytes.end(), out.begin());
        return {};
    }
    return pages_.open_page(page, cipher_, out);
}

Status StoreFile::read(std::uint64_t offset, MutableBytes out, std::size_t& got) {
    got = 0;
    const std::uint64_t size = size_bytes();
    if (offset >= size) {
        return {};
    }
    const std::uint64_t number = offset / kPageSize + 1;
    const std::size_t within = offset % kPageSize;
    CHECK(within + out.size() <= kPageSize);
    if (out.size() == kPageSize) {
        TRY(read_page(static_cast<PageNumber>(number), out));
    } else {
        PlainBuffer whole;  // SQLite looks at the 16 and 100 bytes of page 1's header
        TRY(read_page(static_cast<PageNumber>(number), whole.bytes));
        std::copy_n(whole.bytes.begin() + static_cast<std::ptrdiff_t>(within), out.size(), out.begin());
    }
    got = out.size();
    return {};
}

std::unique_ptr<StoreFile::PlainBuffer> StoreFile::take_buffer() {
    if (spare_.empty()) {
        return std::unique_ptr<PlainBuffer>(new PlainBuffer);  // not value-initialised: it is filled at once
    }
    std::unique_ptr<PlainBuffer> taken = std::move(spare_.back());
    spare_.pop_back();
    return taken;
}

Status StoreFile::write(std::uint64_t offset, ByteView bytes) {
    CHECK(offset % kPageSize == 0);
    CHECK(bytes.size() == kPageSize);
    const auto page = static_cast<PageNumber>(offset / kPageSize + 1);
    auto at = place_of(page);
    const bool is_new = at == batch_.end() || at->page != page;
    if (is_new && batch_.size() >= kMaxChangedPages) {
        return Error{Fault::limit,
                     fmt::format("store {}: a transaction may change {} pages; do the work in smaller parts",
                                 to_hex(pages_.store()), kMaxChangedPages)};
    }
    if (is_new) {
        spare_.reserve(kSpareBuffers);
        at = batch_.insert(at, {page, take_buffer()});
    }
    Byte* plain = at->buffer->bytes.data();
    std::copy_n(bytes.begin(), kPlainSize, plain);
    std::fill(plain + kPlainSize, plain + kPageSize, Byte{0});
    return {};
}

// SQLite cuts the file only after xSync, so the new length is what page 1's header says (SQLite file
// format, 1.3).
Result<PageNumber> StoreFile::new_page_count() {
    const PlainBuffer* first = written(1);
    if (first == nullptr) {
        return std::max(pages_.position().page_count, batch_.back().page);
    }
    const Byte* header = first->bytes.data();
    const PageNumber stated = load_big_u32(header + 28);
    const bool is_ours = header[16] == kPageSize / 256 && header[17] == 0 && header[20] == kReservedSize;
    if (!is_ours || stated == 0) {
        return Error{Fault::internal, fmt::format("store {}: SQLite wrote a first page of another page size",
                                                  to_hex(pages_.store()))};
    }
    return stated;
}

Status StoreFile::sync() {
    if (batch_.empty()) {
        return {};
    }
    CHECK(!commit_);  // one transaction closes one record
    const PageNumber page_count = TRY(new_page_count());
    std::vector<PlainPage> changed;
    changed.reserve(batch_.size());
    for (const Written& each : batch_) {
        if (each.page <= page_count && each.page != kLockPage) {
            changed.push_back({each.page, each.buffer->bytes});
        }
    }
    commit_ = pages_.prepare(changed, page_count, cipher_, entropy_);
    drop_batch();
    return {};
}

// ---- the C face
// ----------------------------------------------------------------------------------------------

namespace {

struct VfsFile {
    sqlite3_file base;  // first: SQLite casts between the two
    StoreFile* store;
};

StoreFile& bound(sqlite3_file* file) {
    return *reinterpret_cast<VfsFile*>(file)->store;
}

/// Keeps the failure for the connection and answers SQLite.
int answer(StoreFile& file, Status status, int code) {
    if (status) {
        return SQLITE_OK;
    }
    const bool is_full = status.error().fault == Fault::disk_full || status.error().fault == Fault::limit;
    file.fail(std::move(status).error());
    return is_full ? SQLITE_FULL : code;
}

int on_close(sqlite3_file* file) {
    bound(file).drop_batch();
    return SQLITE_OK;
}

int on_read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    StoreFile& store = bound(file);
    if (store.failure()) {
        return SQLITE_IOERR_READ;
    }
    const MutableBytes into(static_cast<Byte*>(out), static_cast<std::size_t>(size));
    std::size_t got = 0;
    const int code =
        answer(store, store.read(static_cast<std::uint64_t>(offset), into, got), SQLITE_IOERR_READ);
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(got), into.end(), Byte{0});
    return code != SQLITE_OK ? code : (got == into.size() ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
}

int on_write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    StoreFile& store = bound(file);
    if (store.failure()) {
        return SQLITE_IOERR_WRITE;
    }
    const ByteView bytes(static_cast<const Byte*>(from), static_cast<std::size_t>(size));
    return answer(store, store.write(static_cast<std::uint64_t>(offset), bytes), SQLITE_IOERR_WRITE);
}

int on_truncate(sqlite3_file* file, sqlite3_int64) {
    // Comes after xSync, which took the length from the header already.
    return bound(file).failure() ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

int on_sync(sqlite3_file* file, int) {
    StoreFile& store = bound(file);
    return store.failure() ? SQLITE_IOERR_FSYNC : answer(store, store.sync(), SQLITE_IOERR_FSYNC);
}

int on_file_size(sqlite3_file* file, sqlite3_int64* out) {
    *out = static_cast<sqlite3_int64>(bound(file).size_bytes());
    return SQLITE_OK;
}

int on_lock(sqlite3_file*, int) {
    return SQLITE_OK;
}  // one connection a store: nobody else can hold it
int on_check_lock(sqlite3_file*, int* out) {
    *out = 0;
    return SQLITE_OK;
}
int on_control(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}
int on_sector_size(sqlite3_file*) {
    return static_cast<int>(kPageSize);
}
int on_characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

constexpr sqlite3_io_methods kMethods{
    .iVersion = 1,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_lock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
};

int on_open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    auto* made = new (file) VfsFile{};
    const char* binding = name == nullptr ? nullptr : sqlite3_uri_parameter(name, kBinding);
    if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || binding == nullptr) {
        return SQLITE_CANTOPEN;  // no journal, no temporary file ever reaches a disk
    }
    made->base.pMethods = &kMethods;
    made->store = reinterpret_cast<StoreFile*>(std::strtoull(binding, nullptr, 16));
    if (out_flags != nullptr) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

int on_delete(sqlite3_vfs*, const char*, int) {
    return SQLITE_IOERR_DELETE_NOENT;
}
int on_access(sqlite3_vfs*, const char*, int, int* out) {
    *out = 0;  // no journal is ever there
    return SQLITE_OK;
}
int on_full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}
int on_randomness(sqlite3_vfs*, int size, char* out) {
    std::fill_n(out, size, char{0});  // only seeds SQL random(), which the authorizer refuses
    return size;
}
int on_sleep(sqlite3_vfs*, int) {
    return 0;
}
int on_current_time(sqlite3_vfs*, double*) {
    return SQLITE_ERROR;
}
int on_current_time_64(sqlite3_vfs*, sqlite3_int64*) {
    return SQLITE_ERROR;
}
int on_last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

}  // namespace

Status StoreFile::register_vfs() {
    static sqlite3_vfs vfs = [] {
        sqlite3_vfs made{};
        made.iVersion = 2;
        made.szOsFile = sizeof(VfsFile);
        made.mxPathname = 512;
        made.zName = kVfsName;
        made.xOpen = on_open;
        made.xDelete = on_delete;
        made.xAccess = on_access;
        made.xFullPathname = on_full_pathname;
        made.xRandomness = on_randomness;
        made.xSleep = on_sleep;
        made.xCurrentTime = on_current_time;
        made.xGetLastError = on_last_error;
        made.xCurrentTimeInt64 = on_current_time_64;
        return made;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    return registered == SQLITE_OK
               ? Status()
               : Status(Error{Fault::internal, "SQLite does not take the store's file layer"});
}

}  // namespace firedrill::store
