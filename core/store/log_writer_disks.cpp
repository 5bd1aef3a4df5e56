// DiskLogWriter's disks: which are in service, how one comes back, and how old segments leave all of them.
#include <algorithm>

#include <fmt/format.h>

#include "store/disk_log_writer.h"

namespace firedrill::store {

std::vector<LogScan::Member> DiskLogWriter::members() const {
    std::vector<LogScan::Member> out;
    for (const LogMember& member : state_.members) {
        LogScan::Member health;
        health.label = member.disk->label();
        health.is_present = member.is_in_service;
        health.is_stale = !member.is_in_service;
        health.last = member.is_in_service ? state_.last : 0;
        health.bytes = member.closed_bytes + (member.is_in_service ? state_.end : 0);
        health.segments = member.segments;
        health.failure = member.is_in_service ? "" : member.failure;
        out.push_back(std::move(health));
    }
    return out;
}

/// What the first member in service holds, except the open segment.
Result<std::vector<SegmentName>> DiskLogWriter::closed_segments() const {
    const auto from = std::find_if(state_.members.begin(), state_.members.end(),
                                   [](const LogMember& member) { return member.is_in_service; });
    CHECK(from != state_.members.end());
    const SegmentName open = segment_name(state_.header.timeline, state_.header.first);
    std::vector<SegmentName> closed;
    for (const std::string& text : TRY(from->disk->list())) {
        const auto name = parse_segment_name(text);
        if (name && *name != open) {
            closed.push_back(*name);
        }
    }
    return closed;
}

std::shared_ptr<LogResilver> DiskLogWriter::begin_resilver(WallTime wall) {
    if (fatal_) {
        return nullptr;
    }
    const auto from = std::find_if(state_.members.begin(), state_.members.end(),
                                   [](const LogMember& member) { return member.is_in_service; });
    for (std::size_t i = 0; i < state_.members.size(); ++i) {
        LogMember& member = state_.members[i];
        if (member.is_in_service) {
            continue;
        }
        // Does it answer, and is it ours?
        Status attached = member.disk->attach();
        if (attached && state_.locks) {
            attached = state_.locks->take_again(*member.disk);
        }
        if (!attached) {
            member.failure = attached.error().text;
            continue;
        }
        const auto id = read_log_disk_id(*member.disk, state_.identity.node);
        const auto names = member.disk->list();
        if (!id || !names) {
            member.failure = id ? names.error().text : id.error().text;
            continue;
        }
        const bool has_segments = std::any_of(names->begin(), names->end(), [](const std::string& name) {
            return parse_segment_name(name).has_value();
        });
        if (has_segments && !*id) {
            member.failure =
                fmt::format("log disk {} holds a log and does not say whose; empty it, or attach another",
                            member.disk->label());
            continue;
        }
        const auto closed = closed_segments();
        if (!closed) {
            return nullptr;
        }
        auto made = std::make_shared<LogResilver>(
            *from->disk, *member.disk, state_.identity.node,
            make_log_disk_id(state_.identity.node, state_.membership.generation + 1, state_.last, wall, i), i,
            state_.owner);
        made->want(*closed);
        return made;
    }
    return nullptr;
}

Result<Rejoin> DiskLogWriter::rejoin(LogResilver& filled, WallTime wall) {
    if (fatal_) {
        return *fatal_;
    }
    TRY(check_owner(Look::by_name));
    if (state_.end > kJoinBytes && !is_empty()) {
        TRY(rotate(wall));
    }
    if (filled.want(TRY(closed_segments())) > 0) {
        return Rejoin::more;
    }
    TRY(take_back(filled));
    return Rejoin::joined;
}

Status DiskLogWriter::take_back(LogResilver& filled) {
    LogMember& member = state_.members[filled.member()];
    CHECK(!member.is_in_service);
    const SegmentName open = segment_name(state_.header.timeline, state_.header.first);
    TRY(take_over(member));
    TRY(filled.finish(open, {state_.end, state_.chain}));
    auto file = TRY(member.disk->open(to_text(open), Open::existing));
    std::uint64_t allocated = state_.end;
    for (const LogMember& other : state_.members) {
        allocated = std::max(allocated, other.is_in_service ? other.allocated : 0);
    }
    TRY(file->allocate(allocated));
    // The membership first, then the first acknowledgement under it. Whether a failed write of it took effect
    // cannot be known, and a stale disk that it names would be believed: the node stops.
    Membership now = state_.membership;
    now.generation += 1;
    now.durable = std::max(now.durable, state_.last);
    now.disks.push_back({filled.id(), member.disk->label()});
    const Status written = write_membership(*state_.data, state_.identity.node, now);
    if (!written && written.error().fault == Fault::disk_full) {
        const auto stands = read_membership(*state_.data, state_.identity.node);
        if (stands && *stands && (*stands)->generation == state_.membership.generation) {
            return written;  // the new one got no name: the disk stays out of service, and nobody believes it
        }
    }
    if (!written) {
        return stop(
            written.error().fault == Fault::powered_off ? Fault::powered_off : Fault::disk_failed,
            fmt::format(
                "log disk {} was filled up, and this could not be written down on the data disk ({}); "
                "the node must stop",
                member.disk->label(), written.error().text));
    }
    state_.membership = std::move(now);
    const auto other = std::find_if(state_.members.begin(), state_.members.end(),
                                    [](const LogMember& each) { return each.is_in_service; });
    member.closed_bytes = other->closed_bytes;
    member.segments = other->segments;
    member.id = filled.id();
    member.file = std::move(file);
    member.allocated = allocated;
    member.is_in_service = true;
    member.failure.clear();
    TRY(copy_to_members(state_));
    return settle();
}

/// The first durable word of it is in `log.members`: power may go between any two disks, and a disk that
/// lacks the oldest segments is then as good as one that still has them.
Status DiskLogWriter::remove_before(Lsn begin) {
    CHECK(begin <= state_.header.first);
    if (fatal_) {
        return *fatal_;
    }
    TRY(check_owner(Look::by_name));
    if (begin > state_.membership.begin) {
        Membership now = state_.membership;
        now.generation += 1;
        now.durable = std::max(now.durable, state_.last);
        now.begin = begin;
        const Status written = write_membership(*state_.data, state_.identity.node, now);
        if (!written) {
            // Whether it took effect does not matter: nothing was removed, and what it allows may be.
            return written.error().fault == Fault::powered_off
                       ? stop(Fault::powered_off, written.error().text)
                       : written;
        }
        state_.membership = std::move(now);
        TRY(copy_to_members(state_));
        TRY(settle());
    }
    return on_each([begin](LogMember& member, std::size_t) -> Status {
        std::vector<SegmentName> old;
        for (const std::string& text : TRY(member.disk->list())) {
            const auto name = parse_segment_name(text);
            if (name && name->first < begin) {
                old.push_back(*name);
            }
        }
        std::sort(old.begin(), old.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const SegmentName& name : old) {  // oldest first: what is left has no hole
            const auto file = TRY(member.disk->open(to_text(name), Open::existing));
            const std::uint64_t size = TRY(file->size_bytes());
            TRY(member.disk->remove(to_text(name)));
            member.closed_bytes -= std::min(member.closed_bytes, size);
            member.segments -= std::min(member.segments, 1U);
        }
        return member.disk->sync_names();
    });
}

}  // namespace firedrill::store
