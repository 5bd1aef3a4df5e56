// LogWorld: simulated log disks and a data disk, and helpers that write and read whole logs, for tests of the
// log.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/seams/cost.h"
#include "sim/seams/disk.h"
#include "sim/seams/loop.h"
#include "sim/seams/random.h"
#include "store/log.h"
#include "store/log_format.h"

namespace firedrill::store {

template <class IdType>
IdType test_id(Byte fill) {
    IdType id;
    id.bytes.fill(fill);
    return id;
}

inline const NodeId kTestNode = test_id<NodeId>(0x11);
inline const TimelineId kTestTimeline = test_id<TimelineId>(0x22);
inline constexpr WallTime kTestWall{1'790'000'000'000'000'000};

/// A commit that no page tree would accept, but a log does: its pages are functions of store, sequence and
/// number.
inline Commit test_commit(Byte store, CommitSequence sequence, std::size_t pages) {
    Commit commit;
    commit.store = test_id<StoreId>(store);
    commit.sequence = sequence;
    commit.page_count = static_cast<PageNumber>(pages + 1);
    commit.root.bytes.fill(static_cast<Byte>(sequence));
    for (std::size_t i = 0; i < pages; ++i) {
        auto page = std::make_shared<SealedPage>();
        std::uint32_t word = static_cast<std::uint32_t>(store * 7919 + sequence * 104729 + i + 1);
        for (Byte& byte : *page) {
            word = word * 1664525 + 1013904223;
            byte = static_cast<Byte>(word >> 24);
        }
        PageImage image{static_cast<PageNumber>(i + 1), page, Digest{}};
        image.leaf = page_leaf(image.number, *page);
        commit.pages.push_back(std::move(image));
    }
    return commit;
}

inline Record test_record(Lsn lsn, std::size_t pages = 1) {
    return {lsn, 0, kTestWall, test_commit(static_cast<Byte>(1 + lsn % 3), lsn, pages)};
}

/// What a record is known by in tests: its LSN and the hash of its contents.
struct Seen {
    Lsn lsn = 0;
    Digest hash;
    bool operator==(const Seen&) const = default;
};
inline Seen seen(const Record& record) {
    Seen out{record.lsn, {}};
    if (const auto* commit = std::get_if<Commit>(&record.body)) {
        out.hash = commit_hash(*commit);
    }
    return out;
}

class LogWorld {
  public:
    explicit LogWorld(std::size_t log_disks, std::uint64_t seed = 1)
        : random_(seed), seed_secret_(32), data("data", loop_, meter_, random_.stream("data")) {
        for (std::size_t i = 0; i < log_disks; ++i) {
            const std::string name = "log" + std::to_string(i);
            logs.push_back(std::make_unique<sim::SimDisk>(name, loop_, meter_, random_.stream(name)));
        }
    }

    LogOptions options(std::vector<std::size_t> which = {}) {
        disks_.clear();
        if (which.empty()) {
            for (const auto& disk : logs) {
                disks_.push_back(disk.get());
            }
        }
        for (const std::size_t i : which) {
            disks_.push_back(logs[i].get());
        }
        LogOptions out;
        out.identity = {kTestNode, kTestTimeline};
        out.disks = disks_;
        out.membership = &data;
        out.signing_seed = &seed_secret_;
        return out;
    }

    Result<std::unique_ptr<LogWriter>> create() {
        return create_log(options(), as_bytes("slots one"), kTestWall);
    }

    /// Recovers and remembers what was delivered in `delivered`.
    Result<RecoveredLog> recover(LogOptions with, Lsn from = 1, WallTime wall = kTestWall) {
        delivered.clear();
        return recover_log(with, from, sink(), wall);
    }
    Result<RecoveredLog> recover() { return recover(options()); }

    Result<LogScan> scan(Lsn from = 1) {
        delivered.clear();
        return scan_log(options().disks, from, sink(), nullptr);
    }

    RecordSink sink() {
        return [this](Record&& record) -> Status {
            delivered.push_back(seen(record));
            return {};
        };
    }

    void power_cycle() {
        data.power_loss();
        for (const auto& disk : logs) {
            disk->power_loss();
        }
        power_on();
    }
    void power_on() {
        data.power_on();
        for (const auto& disk : logs) {
            disk->power_on();
        }
    }
    void close_all() {
        data.close_all();
        for (const auto& disk : logs) {
            disk->close_all();
        }
    }

    std::vector<std::string> segments(std::size_t disk) {
        std::vector<std::string> out;
        for (const std::string& name : logs[disk]->peek_names()) {
            if (parse_segment_name(name)) {
                out.push_back(name);
            }
        }
        return out;
    }
    std::string last_segment(std::size_t disk) { return segments(disk).back(); }

    /// What was done with disks since the last call took, were it one job.
    Duration take_cost() { return meter_.take(); }

    /// Overwrites bytes of a file behind everybody's back.
    void overwrite(std::size_t disk, std::string_view file, std::uint64_t offset, ByteView bytes) {
        (void)logs[disk]->corrupt(file, offset, bytes);
    }

  private:
    sim::SimLoop loop_;
    sim::CostMeter meter_;
    sim::Random random_;
    crypto::Secret seed_secret_;
    std::vector<Disk*> disks_;

  public:
    std::vector<Seen> delivered;
    sim::SimDisk data;
    std::vector<std::unique_ptr<sim::SimDisk>> logs;
};

/// Appends records lsn, lsn + 1 … one batch each.
inline ::testing::AssertionResult append_each(LogWriter& writer, Lsn first, Lsn last, std::size_t pages = 1) {
    for (Lsn lsn = first; lsn <= last; ++lsn) {
        const Record record = test_record(lsn, pages);
        const Status done = writer.append(std::span(&record, 1), kTestWall);
        if (!done) {
            return ::testing::AssertionFailure() << "LSN " << lsn << ": " << done.error().text;
        }
    }
    return ::testing::AssertionSuccess();
}

}  // namespace firedrill::store
