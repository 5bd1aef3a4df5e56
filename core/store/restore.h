// Restore: rebuild a node's data folder from log disks, without any practice's key, and prove it by the page
// trees.
//
// Blocking. The same function serves a person at the command line and a simulated operator.
#pragma once

#include <optional>

#include "store/log.h"
#include "store/storage.h"

namespace firedrill::store {

enum class RestorePhase : std::uint8_t { plan, fetch, verify, replay, ready };
std::string_view restore_phase_name(RestorePhase phase) noexcept;

struct RestoreOptions {
    Lsn until = 0;                       ///< stop after this LSN, which the log must have; 0 = everything
    std::optional<TimelineId> timeline;  ///< the history to follow, where the sources hold several
    TimelineId new_timeline;             ///< drawn by the caller; the restored node continues on it
    WallTime wall;                       ///< stamped into the RESET record
    std::function<void(RestorePhase, std::uint64_t done_bytes, std::uint64_t total_bytes)> progress;
};
struct RestoreReport {
    LogScan scan;
    Lsn restored_through = 0;
    WallTime newest;  ///< wall label of the last restored record: the recovery point
    std::uint64_t commits = 0;
    std::uint64_t pages = 0;
    std::uint64_t bytes_read = 0;
    std::uint32_t stores = 0;
    TimelineId timeline;
};

/// plan: scans `sources` (not changed). fetch/replay: applies every commit up to `until` to page files in
/// `data`, whose recorded root it must reproduce store by store. verify: reads the written page files
/// back and compares the roots. ready: writes the fold positions, copies the segments to `logs`, appends
/// RESET to the new timeline, and last the file that makes `data` a data folder; all durable on return.
/// `data` and `logs` must be empty (exists otherwise). refused: the sources hold several timelines that
/// went on beside one another, and none is chosen (store/timelines.h lists them). not_found: no log
/// there, no such timeline, or it ends before `until`. damaged: a hole or damage in the middle with no good
/// copy; the text names
/// the newest LSN that can be reached (pass it as `until`). disk_full, disk_failed. After a failure the
/// target is not a data folder.
Result<RestoreReport> restore_from_log(std::span<Disk* const> sources, Disk& data,
                                       std::span<Disk* const> logs, const RestoreOptions& options);

enum class Soundness : std::uint8_t {
    sound,
    repairable,  ///< everything is there once: a scrub, or the next start, makes it whole from log and
                 ///< mirrors
    damaged,     ///< something is nowhere on these disks: attach a good mirror, or restore from a copy
};
std::string_view soundness_name(Soundness soundness) noexcept;

/// Keyless look at a data folder and its log disks, for `store inspect` and `store verify`.
struct Inspection {
    LogScan log;
    struct Store {
        StoreId store;
        CommitSequence folded_sequence = 0;
        CommitSequence sequence = 0;  ///< after replay
        PageNumber pages = 0;
        std::uint64_t file_bytes = 0;
        Soundness soundness = Soundness::sound;
        std::vector<PageNumber> damaged;  ///< first 100 pages of the page file whose leaf differs
        [[nodiscard]] bool is_sound() const noexcept { return soundness == Soundness::sound; }
    };
    /// Records that were durable once and that no log disk has any more; the log is known up to there only.
    struct LogDamage {
        std::string segment;
        std::uint64_t offset = 0;
        Lsn first = 0;
        Lsn last = 0;      ///< 0: nothing sound follows
        std::string text;  ///< what to do
    };
    std::vector<Store> stores;
    std::optional<LogDamage> log_damage;
    Soundness soundness = Soundness::sound;  ///< of stores, log and every log disk in service: the worst
    [[nodiscard]] bool is_sound() const noexcept { return soundness == Soundness::sound; }
};
/// Reads everything, changes nothing. `verify` also hashes every page of every page file.
Result<Inspection> inspect(Disk& data, std::span<Disk* const> logs, bool verify, const Progress& progress);

}  // namespace firedrill::store
