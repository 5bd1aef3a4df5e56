// Who writes a log disk: the lock that a node holds on each of its log folders, and the file "log.owner" in
// them, which says which start of which node writes there.
//
// The lock keeps a second node of this machine away. The file is for the others, whom no lock reaches
// (another
// machine over a network share): each start draws a new incarnation and writes it on every log disk, durably,
// before it reads the log; a writer looks for its own before it writes and again before anybody is told. So
// what was confirmed under one incarnation was on the disk before the next one read it. Internal to the log.
// Blocking. Format: docs/formats/transaction_log.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/time.h"
#include "seams/disk.h"
#include "store/page.h"

namespace firedrill::store {

inline constexpr std::string_view kLogOwnerFile = "log.owner";
inline constexpr std::size_t kLogOwnerSize = 512;

using LogIncarnation = Id<struct LogIncarnationTag>;

struct OwnerMark {
    LogIncarnation incarnation;  ///< drawn at each start
    WallTime started;            ///< a label
    bool operator==(const OwnerMark&) const = default;
};

/// nullopt: there is none, or not what was written, which proves nothing. refused: another node's.
/// newer_format. Faults of the disk.
Result<std::optional<OwnerMark>> read_owner_mark(Disk& disk, const NodeId& node);
/// What is wrong with it, a sentence; empty when it is as written or there is none. powered_off.
Result<std::string> judge_owner_mark(Disk& disk, const NodeId& node);
/// Overwrites it in place, which mostly needs no space: after disk_full the disk has none. Durable on return.
Status write_owner_mark(Disk& disk, const NodeId& node, const OwnerMark& mark);
/// Does `mine` stand there? False: none does (see read_owner_mark()), or the process lacks what it needs to
/// look. in_use: another start, or another node, has the disk now, so that this one must stop before it
/// answers anybody. Faults of the disk. `opened`: when given, gets the file for later looks.
Result<bool> stands_there(Disk& disk, const NodeId& node, const OwnerMark& mine,
                          std::unique_ptr<File>* opened = nullptr);
/// A cheap look at the file that a stands_there() opened. False proves nothing: look by name.
bool still_stands(File& opened, const NodeId& node, const OwnerMark& mine);

/// The locks on log folders; released by destruction. One thread at a time.
class LogLocks {
  public:
    /// `owner`: who it is, for others to read: "firedrill node".
    explicit LogLocks(std::string owner) : owner_(std::move(owner)) {}
    /// in_use, naming who has it: nothing was locked. A disk that is missing or fails is left out: it is out
    /// of service until it comes back, and is locked then. permission, powered_off.
    Status take(std::span<Disk* const> disks);
    /// For a disk whose place was attached again: another folder may stand there now. in_use; disk_failed.
    Status take_again(Disk& disk);

  private:
    std::string owner_;
    std::map<Disk*, std::unique_ptr<Claim>> held_;
};

}  // namespace firedrill::store
