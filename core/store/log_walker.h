// Walker: the state of one walk_log() call, or of one LogReading. Internal to the log; its code is in
// log_walk.cpp (segments, ends) and log_walk_records.cpp (records).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/log_walk.h"
#include "store/segment_reader.h"

namespace firedrill::store {

class Walker {
  public:
    Walker(const LogCatalogue& catalogue, const WalkOptions& options, const RecordSink& sink,
           const Progress& progress)
        : catalogue_(catalogue), options_(options), sink_(sink), progress_(progress) {}

    Result<WalkedLog> run();
    /// The same a segment at a time: start() once, then step() until it says that this was the last.
    Status start();
    Result<bool> step();
    [[nodiscard]] std::uint64_t done_bytes() const noexcept { return done_bytes_; }
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_bytes_; }

  private:
    enum class Next : std::uint8_t { segment, end };
    /// What trusted copies say about the place where no good record was found.
    struct Verdict {
        bool is_damage = false;
        Lsn next_sound = 0;
        std::uint64_t torn_bytes = 0;
        std::string unreadable;  ///< text of a read error, if every copy has one
    };

    Status walk();
    Result<Next> walk_segment(const CatalogueEntry* entry);
    Result<Next> read_records(WalkedSegment& segment);
    Result<bool> read_start(WalkedSegment& segment);
    Result<bool> read_record(WalkedSegment& segment, bool use_untrusted);
    Result<std::optional<RecordView>> next_in(SegmentReader& copy, std::uint64_t offset);
    Result<SegmentReader*> choose_copy(SegmentReader& first, std::uint64_t offset, const RecordHead& head,
                                       const SegmentHeader& header);
    Result<bool> read_close_mark(WalkedSegment& segment);
    Result<bool> skip_segment(WalkedSegment& segment);
    [[nodiscard]] bool is_wanted(const CloseMark& mark) const;
    Result<Next> end_here(const Verdict& verdict, const SegmentName& name, std::uint64_t offset);
    Result<Verdict> judge(std::uint64_t offset, const SegmentHeader& header);
    Status deliver(const RecordView& view);
    void gather(Record& record);
    Status compare(WalkedSegment& segment, const SegmentReader& good, ByteView bytes, std::uint64_t offset);
    void find_longer(WalkedSegment& segment, const SegmentReader& good, std::uint64_t mark_size);
    Status open_copies(const SegmentName& name);
    [[nodiscard]] bool is_trusted(const SegmentReader& copy) const {
        return catalogue_.sources[copy.source()].is_trusted;
    }
    [[nodiscard]] Lsn limit() const {
        const Lsn limit = catalogue_.path[step_].limit;
        return options_.until == 0 ? limit : std::min(limit, options_.until);
    }
    [[nodiscard]] Lsn later_segment() const;
    Error damage(Lsn next_sound, const SegmentName& name, std::uint64_t offset);
    std::string store_hint(std::uint64_t offset);
    void finish_members();
    void advance(std::uint64_t bytes);

    const LogCatalogue& catalogue_;
    const WalkOptions& options_;
    const RecordSink& sink_;
    const Progress& progress_;
    WalkedLog out_;
    std::vector<SegmentReader> copies_;  // of the segment being read, trusted ones first
    std::vector<Lsn> good_through_;      // per source
    std::vector<std::uint64_t> bad_ranges_;
    std::map<StoreId, CommitPart>
        parts_;  // of commits whose own record has not come yet; `part` the last one's
    std::size_t step_ = 0;
    Lsn next_ = 0;
    Digest chain_;
    std::uint64_t done_bytes_ = 0;
    std::uint64_t total_bytes_ = 0;
};

}  // namespace firedrill::store
