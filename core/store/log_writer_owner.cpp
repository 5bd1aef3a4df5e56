// DiskLogWriter: is it still the one that writes its disks?
#include <fmt/format.h>

#include "store/disk_log_writer.h"

namespace firedrill::store {

/// in_use, for good: another start has a disk now. By its name the file is looked up before anybody is
/// answered; the one that is open will do before something is written.
Status DiskLogWriter::check_owner(Look how) {
    if (!state_.owner) {
        return {};
    }
    std::optional<Error> taken;
    TRY(on_each([&](LogMember& member, std::size_t) -> Status {
        if (how == Look::at_open_file && member.mark != nullptr &&
            still_stands(*member.mark, state_.identity.node, *state_.owner)) {
            return {};
        }
        const auto stands = stands_there(*member.disk, state_.identity.node, *state_.owner, &member.mark);
        if (stands || stands.error().fault != Fault::in_use) {
            return stands ? Status() : Status(stands.error());
        }
        taken = taken ? taken : std::optional(stands.error());
        return {};
    }));
    return taken ? stop(Fault::in_use, taken->text) : Status();
}

/// One that was removed, or that rotted, proves nothing: it is written again.
Status DiskLogWriter::renew_mark() {
    if (!state_.owner) {
        return {};
    }
    return on_each([&](LogMember& member, std::size_t) -> Status {
        const auto found = read_owner_mark(*member.disk, state_.identity.node);
        if (!found || *found) {
            return {};  // what there is was judged just now
        }
        const Status written = write_owner_mark(*member.disk, state_.identity.node, *state_.owner);
        return !written && written.error().fault == Fault::disk_full ? Status() : written;
    });
}

/// A disk that was filled: nobody may have taken it meanwhile.
Status DiskLogWriter::take_over(LogMember& member) {
    if (state_.owner) {
        TRY(stands_there(*member.disk, state_.identity.node, *state_.owner));
    }
    return {};
}

}  // namespace firedrill::store
