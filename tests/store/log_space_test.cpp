// The log on disks without space: while it is appended to and rotated, while a disk is filled, while old
// segments go.
//
// Whatever finds no space is put off: nothing that was acknowledged is lost, the writer goes on, and all of
// it is made up for once there is space. The same with a power cut soon after, and a start on the full disk.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "log_world.h"
#include "store/log_resilver.h"

namespace firedrill::store {
namespace {

enum class Lack : std::uint8_t { once, for_a_while, and_power_cut };

constexpr std::uint64_t kRoomy = 1ULL << 40;

/// Two log disks, of which the second dropped out before anything strikes.
class CareRun {
  public:
    explicit CareRun(std::uint64_t seed) : world_(2, seed) {}

    Status prepare() {
        writer_ = TRY(world_.create());
        tried_.push_back(seen({1, 0, kTestWall, NodeSlots{}}));
        acknowledged_ = 1;
        for (int hour = 0; hour < 3; ++hour) {
            TRY(append(2));
            wall_ = wall_ + std::chrono::minutes(61);
            TRY(writer_->tick(wall_));
        }
        (void)world_.logs[1]->fail_next_sync("");
        TRY(append(1));
        return is_whole() ? Status(Error{Fault::internal, "no disk dropped out"}) : Status();
    }

    /// Everything that a log does, each once; what finds no space is passed over.
    Status act() {
        TRY(pass_over(append(40)));
        TRY(pass_over(fill()));
        TRY(pass_over(append(3)));
        wall_ = wall_ + std::chrono::minutes(61);
        TRY(pass_over(writer_->tick(wall_)));
        TRY(pass_over(append(2)));
        begin_ = parse_segment_name(world_.last_segment(0))->first;
        TRY(pass_over(writer_->remove_before(begin_)));
        return pass_over(append(1));
    }

    /// Once there is space: what was put off is made up for.
    Status make_up() {
        if (!is_whole()) {
            TRY(fill());
        }
        TRY(append(2));
        TRY(writer_->remove_before(begin_));
        const bool is_same = world_.segments(0) == world_.segments(1);
        const bool is_short = parse_segment_name(world_.segments(0).front())->first == begin_;
        return is_whole() && is_same && is_short ? Status()
                                                 : Status(Error{Fault::internal, "not made up for"});
    }

    /// Recovers, and compares what the log holds from where it may begin.
    std::string recover() {
        writer_.reset();
        auto recovered = world_.recover(world_.options(), begin_, wall_);
        if (!recovered) {
            return "refused: " + recovered.error().text;
        }
        writer_ = std::move(recovered->writer);
        const std::vector<Seen>& got = world_.delivered;
        const std::size_t skipped = begin_ - 1;
        if (got.size() + skipped < acknowledged_ || got.size() + skipped > tried_.size() ||
            !std::equal(got.begin(), got.end(), tried_.begin() + static_cast<std::ptrdiff_t>(skipped))) {
            return fmt::format("{} records from LSN {} on, of {} acknowledged", got.size(), begin_,
                               acknowledged_);
        }
        tried_.resize(got.size() + skipped);
        acknowledged_ = tried_.size();
        return "";
    }

    std::vector<sim::SimDisk*> disks() { return {&world_.data, world_.logs[0].get(), world_.logs[1].get()}; }
    LogWorld& world() { return world_; }
    [[nodiscard]] std::uint64_t put_off() const { return put_off_; }

  private:
    bool is_whole() {
        const auto members = writer_->members();
        return std::all_of(members.begin(), members.end(), [](const auto& each) { return each.is_present; });
    }
    Status append(std::size_t pages) {
        const Record record = test_record(tried_.size() + 1, pages);
        tried_.push_back(seen(record));
        Status done = writer_->append(std::span(&record, 1), wall_);
        if (done) {
            acknowledged_ = tried_.size();
        } else if (done.error().fault == Fault::disk_full) {
            tried_.pop_back();  // nothing of it is in the log
        }
        return done;
    }
    Status fill() {
        const auto filled = writer_->begin_resilver(wall_);
        if (!filled) {
            return Error{Fault::disk_full, "the disk to be filled does not answer yet"};
        }
        for (;;) {
            while (!TRY(filled->step(64 << 10))) {
            }
            if (TRY(writer_->rejoin(*filled, wall_)) == Rejoin::joined) {
                return {};
            }
        }
    }
    Status pass_over(Status status) {
        if (!status && status.error().fault == Fault::disk_full) {
            ++put_off_;
            return {};
        }
        return status;
    }

    LogWorld world_;
    std::unique_ptr<LogWriter> writer_;
    std::vector<Seen> tried_;
    std::size_t acknowledged_ = 0;
    Lsn begin_ = 1;
    WallTime wall_ = kTestWall;
    std::uint64_t put_off_ = 0;
};

void arm(CareRun& run, Lack lack, std::size_t which, std::uint64_t k) {
    const auto disks = run.disks();
    sim::SimDisk& disk = *disks[which];
    disk.set_watch([&disk, disks, lack, k, seen = std::uint64_t{0}](sim::DiskOperation) mutable {
        ++seen;
        if (seen == k) {
            disk.set_capacity(disk.used_bytes() + k % 3 * 700);
            if (lack == Lack::and_power_cut) {
                disks[k % disks.size()]->cut_power_after(1 + k * 7 % 11);
            }
        } else if (seen == k + 1 && lack == Lack::once) {
            disk.set_capacity(kRoomy);
        }
    });
}

void cut_power(CareRun& run) {
    for (sim::SimDisk* disk : run.disks()) {
        disk->power_loss();
    }
    run.world().power_on();
}

void make_room(CareRun& run) {
    for (sim::SimDisk* disk : run.disks()) {
        disk->set_watch(nullptr);
        disk->set_capacity(kRoomy);
        disk->disarm();
    }
}

/// Empty, or what does not hold.
std::string run_once(Lack lack, std::size_t which, std::uint64_t k, std::uint64_t& put_off) {
    CareRun run(k * 10 + which);
    if (const Status prepared = run.prepare(); !prepared) {
        return "not prepared: " + prepared.error().text;
    }
    const auto disks = run.disks();
    for (sim::SimDisk* disk : disks) {
        disk->on_power_cut = [disks, disk] {
            for (sim::SimDisk* other : disks) {
                other != disk ? other->power_loss() : void();
            }
        };
    }
    arm(run, lack, which, k);
    const Status acted = run.act();
    put_off += run.put_off();
    const bool was_cut = !acted && acted.error().fault == Fault::powered_off;
    if (!acted && !was_cut) {
        return "a full disk stopped the writer: " + acted.error().text;
    }
    if (lack == Lack::and_power_cut) {
        cut_power(run);
        (void)run.recover();  // on the full disk: it may be refused
        cut_power(run);
        make_room(run);
        if (std::string problem = run.recover(); !problem.empty()) {
            return "after the cut: " + problem;
        }
    }
    make_room(run);
    if (const Status made = run.make_up(); !made) {
        return "with space again: " + made.error().text;
    }
    cut_power(run);
    return run.recover();
}

TEST(LogSpace, WhatFindsNoSpaceIsPutOffAndNothingAcknowledgedIsLost) {
    std::uint64_t points = 0;
    std::uint64_t put_off = 0;
    CareRun rehearsal(1);
    ASSERT_TRUE(rehearsal.prepare());
    std::vector<std::uint64_t> before;
    for (const sim::SimDisk* disk : rehearsal.disks()) {
        before.push_back(disk->operation_count());
    }
    ASSERT_TRUE(rehearsal.act());
    ASSERT_EQ(rehearsal.put_off(), 0U);
    for (const Lack lack : {Lack::once, Lack::for_a_while, Lack::and_power_cut}) {
        for (std::size_t which = 0; which < before.size(); ++which) {
            const std::uint64_t operations = rehearsal.disks()[which]->operation_count() - before[which];
            for (std::uint64_t k = 1; k <= operations; ++k) {
                const std::string problem = run_once(lack, which, k, put_off);
                ++points;
                ASSERT_EQ(problem, "") << "lack " << int(lack) << ", disk " << which << ", operation " << k;
            }
        }
    }
    RecordProperty("crash_points", std::to_string(points));
    EXPECT_GE(points, 250U);
    EXPECT_GE(put_off, 100U);  // space was lacking indeed
}

}  // namespace
}  // namespace firedrill::store
