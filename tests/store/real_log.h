// RealLog, Source, Target: a log whose commits give the roots they state, and empty disks to restore it to.
#pragma once

#include <gtest/gtest.h>

#include "log_world.h"
#include "store/data_folder.h"
#include "store/page_store.h"
#include "store/restore.h"
#include "tests/support/test_entropy.h"

namespace firedrill::store {

inline const TimelineId kNewTimeline = test_id<TimelineId>(0x33);

/// A log whose commits are real: three stores whose page trees give the roots they state.
class RealLog {
  public:
    explicit RealLog(LogWorld& world) : world_(world), scratch_(1, 77) {
        for (Byte i = 1; i <= 3; ++i) {
            const StoreId store = test_id<StoreId>(i);
            stores_.push_back(PageStore::make_empty(scratch_.data, store, 1));
            KeyRing ring;
            ring.push_back({1, kTestTimeline, crypto::Secret(32)});
            ciphers_.push_back(make_page_cipher(store, std::move(ring)));
        }
    }

    /// Appends commits until the log ends with `last`, with an hour passing after every tenth.
    void write(LogWriter& writer, Lsn first, Lsn last, std::size_t most_pages = 4) {
        for (Lsn lsn = first; lsn <= last; ++lsn) {
            const std::size_t which = lsn % 3;
            const auto pages = static_cast<PageNumber>(1 + lsn % most_pages);
            const PageNumber count = std::max(stores_[which]->position().page_count, pages + 2);
            std::vector<Bytes> bytes;
            std::vector<PlainPage> plain;
            for (PageNumber page = 1; page <= pages; ++page) {
                bytes.emplace_back(kPageSize);
                std::fill_n(bytes.back().begin(), kPlainSize, static_cast<Byte>(lsn + page));
            }
            for (PageNumber page = 1; page <= pages; ++page) {
                plain.push_back({page, bytes[page - 1]});
            }
            const Record record{lsn, 0, kTestWall + std::chrono::minutes(lsn),
                                stores_[which]->prepare(plain, count, *ciphers_[which], entropy_)};
            const Status done =
                writer.append(std::span(&record, 1), kTestWall + std::chrono::hours(lsn / 10));
            ASSERT_TRUE(done) << done.error().text;
        }
    }

    /// Folds the first `through` records of the log into the data disk's page files, and makes it a data
    /// folder.
    void fold_into(Disk& data, Lsn through) {
        std::map<StoreId, std::unique_ptr<PageStore>> folded;
        const auto scan = scan_log(
            world_.options().disks, 0,
            [&](Record&& record) -> Status {
                const auto* commit = std::get_if<Commit>(&record.body);
                if (commit == nullptr || record.lsn > through) {
                    return {};
                }
                auto& store = folded[commit->store];
                if (!store) {
                    store = PageStore::make_empty(data, commit->store, 1);
                }
                return store->apply(*commit);
            },
            nullptr);
        ASSERT_TRUE(scan) << scan.error().text;
        for (auto& [id, store] : folded) {
            ASSERT_TRUE(store->fold(through));
        }
        ASSERT_TRUE(write_data_folder(data, {kTestNode, kTestTimeline}));
    }

    const PageStore& store(std::size_t i) const { return *stores_[i]; }

  private:
    LogWorld& world_;
    LogWorld scratch_;
    test::TestEntropy entropy_;
    std::vector<std::unique_ptr<PageStore>> stores_;
    std::vector<std::unique_ptr<PageCipher>> ciphers_;
};

struct Source {
    explicit Source(std::size_t disks, Lsn last = 35) : world(disks), real(world) {
        auto created = world.create();
        EXPECT_TRUE(created);
        writer = std::move(*created);
        real.write(*writer, 2, last);
    }
    LogWorld world;
    RealLog real;
    std::unique_ptr<LogWriter> writer;
};

/// Two empty log disks and an empty data disk.
struct Target {
    Target() : world(2, 5) {}
    Result<RestoreReport> restore(LogWorld& from, Lsn until = 0) {
        RestoreOptions options;
        options.until = until;
        options.new_timeline = kNewTimeline;
        options.wall = kTestWall + 48h;
        options.progress = [this](RestorePhase phase, std::uint64_t done, std::uint64_t total) {
            EXPECT_LE(done, total);
            if (phases.empty() || phases.back() != phase) {
                phases.push_back(phase);
            }
        };
        std::vector<Disk*> sources;
        for (const auto& disk : from.logs) {
            sources.push_back(disk.get());
        }
        return restore_from_log(sources, world.data, world.options().disks, options);
    }
    LogOptions options() {
        LogOptions out = world.options();
        out.identity.timeline = kNewTimeline;
        return out;
    }
    LogWorld world;
    std::vector<RestorePhase> phases;
};

}  // namespace firedrill::store
