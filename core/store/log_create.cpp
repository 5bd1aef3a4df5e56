// How a log comes to be: on empty disks, with its first record.
#include <algorithm>

#include <fmt/format.h>

#include "store/log_writer.h"

namespace firedrill::store {

Status check_log_options(const LogOptions& options) {
    const bool has_null =
        std::any_of(options.disks.begin(), options.disks.end(), [](const Disk* d) { return !d; });
    if (options.disks.empty() || options.disks.size() > kLogDisksLimit || has_null ||
        options.membership == nullptr || options.signing_seed == nullptr) {
        return Error{
            Fault::bad_usage,
            fmt::format("a log needs 1–{} log disks, a data disk and a signing key", kLogDisksLimit)};
    }
    return {};
}

Status copy_to_members(WriterState& state) {
    for (LogMember& member : state.members) {
        const Status copied = member.is_in_service
                                  ? copy_membership(*member.disk, state.identity.node, state.membership)
                                  : Status();
        if (copied) {
            continue;
        }
        if (copied.error().fault == Fault::powered_off) {
            return copied;
        }
        member.is_in_service = false;
        member.failure = copied.error().text;
        member.file.reset();
    }
    return {};
}

Result<std::unique_ptr<LogWriter>> create_log(const LogOptions& options, ByteView node_slots, WallTime wall) {
    TRY(check_log_options(options));
    Record first{1, 0, wall, NodeSlots{Bytes(node_slots.begin(), node_slots.end())}};
    TRY(check_limits(first));
    WriterState state;
    state.identity = options.identity;
    state.data = options.membership;
    state.signing_seed = options.signing_seed;
    state.owner = options.owner;
    state.locks = options.locks;
    state.node_slots.assign(node_slots.begin(), node_slots.end());
    state.membership.generation = 1;
    for (std::size_t i = 0; i < options.disks.size(); ++i) {
        Disk& disk = *options.disks[i];
        for (const std::string& name : TRY(disk.list())) {
            if (parse_segment_name(name)) {
                return Error{Fault::exists,
                             fmt::format("log disk {} holds a transaction log already ({}); choose an empty "
                                         "folder",
                                         disk.label(), name)};
            }
        }
        LogMember member;
        member.disk = &disk;
        member.id = make_log_disk_id(options.identity.node, 1, 0, wall, i);
        state.membership.disks.push_back({member.id, disk.label()});
        state.members.push_back(std::move(member));
    }
    for (LogMember& member : state.members) {
        TRY(write_log_disk_id(*member.disk, options.identity.node, member.id));
        if (options.owner) {
            TRY(write_owner_mark(*member.disk, options.identity.node, *options.owner));
        }
    }
    for (const LogMember& member : state.members) {
        const auto stored = TRY(read_log_disk_id(*member.disk, options.identity.node));
        if (!stored || *stored != member.id) {
            return Error{Fault::bad_usage,
                         fmt::format("log disk {} was given more than once: give each disk once",
                                     member.disk->label())};
        }
    }
    TRY(write_membership(*options.membership, options.identity.node, state.membership));
    for (const LogMember& member : state.members) {
        TRY(copy_membership(*member.disk, options.identity.node, state.membership));
    }
    auto writer = TRY(open_writer(std::move(state), wall));
    TRY(writer->append(std::span(&first, 1), wall));
    for (const LogScan::Member& member : writer->members()) {
        if (!member.is_present) {
            return Error{Fault::disk_failed,
                         fmt::format("log disk {} failed while the log was created; replace it and "
                                     "start over with empty folders",
                                     member.label)};
        }
    }
    return writer;
}

}  // namespace firedrill::store
