#include "sealed_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "sqlite_peer.h"

namespace firedrill::bench {
namespace {

constexpr store::Migration kMigrations[] = {{1, kTable}};

template <class T>
T must(Result<T> result) {
    if (!result.is_ok()) {
        throw std::runtime_error(result.error().text);
    }
    return std::move(result).value();
}

std::unique_ptr<Disk> open_disk(const std::filesystem::path& folder, SlowDevice* device) {
    std::filesystem::create_directories(folder.parent_path());
    std::unique_ptr<Disk> disk = must(posix::open_folder(folder.string(), posix::Create::yes));
    return device == nullptr ? std::move(disk) : make_slow(std::move(disk), *device);
}

/// A key of the bench: nobody's secret, and the same after a restart.
store::KeyRing make_ring(TimelineId timeline, StoreId store) {
    store::KeyRing ring(1);
    ring[0].epoch = 1;
    ring[0].timeline = timeline;
    ring[0].key = crypto::Secret(crypto::kKeySize);
    std::copy(store.bytes.begin(), store.bytes.end(), ring[0].key.mutable_view().begin());
    return ring;
}

}  // namespace

SealedWorld::SealedWorld(const std::filesystem::path& folder, SealedOptions options)
    : sealed_options_(options),
      data_(open_disk(folder / "data", options.device)),
      log_(open_disk(folder / "log", options.device)),
      workers_(loop_),
      signing_seed_(crypto::kKeySize),
      node_(draw_id<NodeId>(entropy_)) {
    entropy_.fill(signing_seed_.mutable_view());
    const Seams seams{loop_, loop_, entropy_, workers_, *data_, {log_.get()}};
    storage_ = must(store::Storage::create(seams, make_options(), as_bytes("slots of the bench")));
    for (std::size_t i = 0; i < options.stores; ++i) {
        stores_.push_back(draw_id<StoreId>(entropy_));
    }
    unlock_all();
}

SealedWorld::~SealedWorld() = default;

store::StorageOptions SealedWorld::make_options() {
    store::StorageOptions options;
    options.node = node_;
    options.first_timeline = draw_id<TimelineId>(entropy_);
    options.signing_seed = &signing_seed_;
    options.fold_after_bytes = sealed_options_.fold_after_bytes;
    options.unfolded_log_limit = sealed_options_.unfolded_log_limit;
    options.rebuild_bytes = std::max(options.rebuild_bytes, options.unfolded_log_limit);
    options.memory_limit_bytes = sealed_options_.memory_limit_bytes;
    options.on_fatal = [this](const Error& error) { failure_ = error.text; };
    return options;
}

void SealedWorld::start() {
    const Seams seams{loop_, loop_, entropy_, workers_, *data_, {log_.get()}};
    storage_ = must(store::Storage::open(seams, make_options()));
}

store::Storage::Done SealedWorld::counting() {
    ++running_;
    return [this](const Status& status) {
        --running_;
        failure_ = status.is_ok() ? failure_ : status.error().text;
    };
}

void SealedWorld::unlock_all() {
    for (const StoreId store : stores_) {
        storage_->unlock(store, make_ring(storage_->timeline(), store), kMigrations, counting());
    }
    wait_for_clients();
}

void SealedWorld::lock_all() {
    for (const StoreId store : stores_) {
        storage_->lock(store, counting());
    }
    wait_for_clients();
}

std::uint64_t SealedWorld::page_bytes() const {
    std::uint64_t pages = 0;
    for (const store::StoreHealth& store : storage_->health().stores) {
        pages += store.pages;
    }
    return pages * store::kPageSize;
}

std::uint64_t SealedWorld::log_bytes() const {
    return storage_->health().log_members.front().bytes;
}

void SealedWorld::wait(const bool& is_done) {
    loop_.run_until([&] { return is_done || !failure_.empty(); });
    if (!failure_.empty()) {
        throw std::runtime_error("the sealed store failed: " + failure_);
    }
}

void SealedWorld::wait_for_clients() {
    loop_.run_until([&] { return (to_start_ == 0 && running_ == 0) || !failure_.empty(); });
    if (!failure_.empty()) {
        throw std::runtime_error("the sealed store failed: " + failure_);
    }
}

void SealedWorld::commit_rows(std::int64_t count) {
    to_start_ = count;
    const auto clients = std::min<std::int64_t>(count, static_cast<std::int64_t>(stores_.size()));
    for (std::int64_t i = 0; i < clients; ++i) {
        start_client(static_cast<std::size_t>(i));
    }
    wait_for_clients();
}

double SealedWorld::commit_and_time(std::int64_t count, std::size_t body_bytes) {
    fixed_body_.assign(body_bytes, 'x');
    worst_ms_ = 0;
    commit_rows(count);
    fixed_body_.clear();
    return worst_ms_;
}

std::string_view SealedWorld::next_body() {
    return fixed_body_.empty() ? bodies_.next() : std::string_view(fixed_body_);
}

void SealedWorld::start_client(std::size_t store) {
    --to_start_;
    ++running_;
    const auto begun = std::chrono::steady_clock::now();
    storage_->transact(
        stores_[store], store::Access::write,
        [body = next_body()](store::Database& database) -> Status {
            store::Statement insert = TRY(database.prepare(kInsert));
            return insert.bind(1, as_bytes(body)).run();
        },
        [this, store, begun](const Status& status) {
            --running_;
            const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
            worst_ms_ = std::max(worst_ms_, took.count());
            if (!status.is_ok()) {
                failure_ = status.error().text;
            } else if (to_start_ > 0) {
                start_client(store);
            }
        });
}

void SealedWorld::run_job(store::Access access, store::Storage::Job job) {
    bool is_done = false;
    storage_->transact(stores_.front(), access, std::move(job), [&](const Status& status) {
        failure_ = status.is_ok() ? failure_ : status.error().text;
        is_done = true;
    });
    wait(is_done);
}

void SealedWorld::fill(std::int64_t count, std::int64_t at_once) {
    fill_rows(count, at_once);
}

void SealedWorld::fill_with(std::int64_t count, std::int64_t at_once, std::size_t body_bytes) {
    fixed_body_.assign(body_bytes, 'x');
    fill_rows(count, at_once);
    fixed_body_.clear();
}

void SealedWorld::fill_rows(std::int64_t count, std::int64_t at_once) {
    for (std::int64_t left = count; left > 0; left -= at_once) {
        run_job(store::Access::write,
                [this, rows = std::min(left, at_once)](store::Database& database) -> Status {
                    for (std::int64_t i = 0; i < rows; ++i) {
                        store::Statement insert = TRY(database.prepare(kInsert));
                        TRY(insert.bind(1, as_bytes(next_body())).run());
                    }
                    return {};
                });
    }
}

void SealedWorld::read_rows(const std::vector<std::int64_t>& ids) {
    run_job(store::Access::read, [&](store::Database& database) -> Status {
        for (std::int64_t id : ids) {
            store::Statement read = TRY(database.prepare(kRead));
            if (!TRY(read.bind(1, id).step())) {
                return Error{Fault::not_found, fmt::format("row {} is missing", id)};
            }
        }
        return {};
    });
}

void SealedWorld::scan() {
    run_job(store::Access::read, [](store::Database& database) -> Status {
        store::Statement scan = TRY(database.prepare(kScan));
        TRY(scan.step());
        return {};
    });
}

void SealedWorld::fold() {
    bool is_done = false;
    storage_->fold([&](const Status& status) {
        failure_ = status.is_ok() ? failure_ : status.error().text;
        is_done = true;
    });
    wait(is_done);
}

}  // namespace firedrill::bench
