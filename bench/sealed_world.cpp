#include "sealed_world.h"

#include <fmt/format.h>

#include <algorithm>
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

const std::filesystem::path& make_folder(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    return folder;
}

store::KeyRing make_ring(TimelineId timeline, Entropy& entropy) {
    store::KeyRing ring(1);
    ring[0].epoch = 1;
    ring[0].timeline = timeline;
    ring[0].key = crypto::Secret(crypto::kKeySize);
    entropy.fill(ring[0].key.mutable_view());
    return ring;
}

}  // namespace

SealedWorld::SealedWorld(const std::filesystem::path& folder, std::size_t stores)
    : data_(must(posix::open_folder((make_folder(folder) / "data").string(), posix::Create::yes))),
      log_(must(posix::open_folder((folder / "log").string(), posix::Create::yes))),
      workers_(loop_),
      signing_seed_(crypto::kKeySize) {
    entropy_.fill(signing_seed_.mutable_view());
    store::StorageOptions options;
    options.node = draw_id<NodeId>(entropy_);
    options.first_timeline = draw_id<TimelineId>(entropy_);
    options.signing_seed = &signing_seed_;
    options.on_fatal = [this](const Error& error) { failure_ = error.text; };
    const Seams seams{loop_, loop_, entropy_, workers_, *data_, {log_.get()}};
    storage_ = must(store::Storage::create(seams, std::move(options), as_bytes("slots of the bench")));
    for (std::size_t i = 0; i < stores; ++i) {
        stores_.push_back(draw_id<StoreId>(entropy_));
        bool is_done = false;
        storage_->unlock(stores_.back(), make_ring(storage_->timeline(), entropy_), kMigrations,
                         [&](Status status) {
                             failure_ = status.is_ok() ? failure_ : status.error().text;
                             is_done = true;
                         });
        wait(is_done);
    }
}

SealedWorld::~SealedWorld() = default;

void SealedWorld::wait(const bool& is_done) {
    loop_.run_until([&] { return is_done || !failure_.empty(); });
    if (!failure_.empty()) {
        throw std::runtime_error("the sealed store failed: " + failure_);
    }
}

void SealedWorld::commit_rows(const std::string& body, std::int64_t count) {
    body_ = body;
    to_start_ = count;
    const auto clients = std::min<std::int64_t>(count, static_cast<std::int64_t>(stores_.size()));
    for (std::int64_t i = 0; i < clients; ++i) {
        start_client(static_cast<std::size_t>(i));
    }
    loop_.run_until([&] { return (to_start_ == 0 && running_ == 0) || !failure_.empty(); });
    if (!failure_.empty()) {
        throw std::runtime_error("the sealed store failed: " + failure_);
    }
}

void SealedWorld::start_client(std::size_t store) {
    --to_start_;
    ++running_;
    storage_->transact(
        stores_[store], store::Access::write,
        [this](store::Database& database) -> Status {
            store::Statement insert = TRY(database.prepare(kInsert));
            return insert.bind(1, as_bytes(body_)).run();
        },
        [this, store](Status status) {
            --running_;
            if (!status.is_ok()) {
                failure_ = status.error().text;
            } else if (to_start_ > 0) {
                start_client(store);
            }
        });
}

void SealedWorld::run_job(store::Access access, store::Storage::Job job) {
    bool is_done = false;
    storage_->transact(stores_.front(), access, std::move(job), [&](Status status) {
        failure_ = status.is_ok() ? failure_ : status.error().text;
        is_done = true;
    });
    wait(is_done);
}

void SealedWorld::fill(std::int64_t count, const std::string& body) {
    constexpr std::int64_t kRowsATransaction = 2000;
    for (std::int64_t left = count; left > 0; left -= kRowsATransaction) {
        run_job(store::Access::write,
                [&, rows = std::min(left, kRowsATransaction)](store::Database& database) -> Status {
                    for (std::int64_t i = 0; i < rows; ++i) {
                        store::Statement insert = TRY(database.prepare(kInsert));
                        TRY(insert.bind(1, as_bytes(body)).run());
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
    storage_->fold([&](Status status) {
        failure_ = status.is_ok() ? failure_ : status.error().text;
        is_done = true;
    });
    wait(is_done);
}

}  // namespace firedrill::bench
