// LogScrub: reads closed segments on every log disk, compares the copies, and rewrites what one of them has
// wrong.
//
// Internal to the log. Needs no key. A round goes through all segments once, a budget of bytes at a time;
// between steps the log may be written. One thread at a time. Blocking.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/segment_reader.h"

namespace firedrill::store {

struct LogScrubReport {
    std::uint64_t bytes = 0;  ///< read, on all disks
    std::uint64_t found = 0;  ///< records, headers, close marks and files that were not what was written
    std::uint64_t repaired = 0;
    std::uint64_t not_repairable = 0;
    std::vector<std::string> notes;  ///< one sentence each, at most kNotes
    void add(const LogScrubReport& more);
    static constexpr std::size_t kNotes = 20;
};

class LogScrub {
  public:
    /// `disks`: those in service. `through`: only segments that end at or below this durable LSN.
    /// `reads_open`: nobody writes the log, so that the last one of each timeline is looked at too, as far as
    /// its records go.
    LogScrub(std::vector<Disk*> disks, Lsn through, bool reads_open)
        : disks_(std::move(disks)), through_(through), reads_open_(reads_open) {}

    /// Reads about `budget` bytes more. True: the round is over. powered_off; disk_failed when no disk lists
    /// its names.
    Result<bool> step(std::uint64_t budget);
    /// Segments that begin below `begin` were removed, or are about to be: they are not looked at.
    void forget_before(Lsn begin);
    LogScrubReport report;
    [[nodiscard]] std::uint64_t done_bytes() const noexcept { return report.bytes; }
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_bytes_; }

  private:
    struct Place {
        SegmentName name;
        bool is_last = false;     // of its timeline: perhaps open
        bool is_closing = false;  // perhaps being closed at this moment: only its records are looked at
        Lsn next_first = 0;
    };
    Status list();
    Status open();
    Status move_on();
    Result<bool> read_record();
    Result<bool> read_close_mark();
    Status compare(std::size_t good, std::uint64_t size, std::string_view what);
    Status rewrite(std::size_t bad, ByteView bytes, std::string_view what);
    Status end_segment();
    Status cut_behind(std::uint64_t end);
    Result<std::size_t> best_copy();
    Status copy_missing();
    Result<bool> is_followed_soundly();
    void lose(std::string text);
    void note(std::string text);
    [[nodiscard]] std::string where() const;

    std::vector<Disk*> disks_;
    Lsn through_;
    bool reads_open_;
    bool is_listed_ = false;
    std::vector<Place> places_;
    std::size_t at_place_ = 0;
    Lsn begin_ = 0;
    std::uint64_t total_bytes_ = 0;
    // The segment on the way.
    bool is_open_ = false;
    std::vector<SegmentReader> copies_;
    std::vector<std::size_t> missing_;  // disks without the file
    SegmentHeader header_;
    std::uint64_t offset_ = 0;
    Lsn next_ = 0;
    Digest chain_;
    Digest last_chain_;
    SegmentIndex index_;
    bool is_whole_ = true;
};

}  // namespace firedrill::store
