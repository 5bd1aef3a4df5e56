#include "base/result.h"

namespace firedrill {

std::string_view fault_name(Fault fault) noexcept {
    switch (fault) {
        case Fault::bad_usage: return "bad_usage";
        case Fault::bad_input: return "bad_input";
        case Fault::not_found: return "not_found";
        case Fault::exists: return "exists";
        case Fault::in_use: return "in_use";
        case Fault::permission: return "permission";
        case Fault::newer_format: return "newer_format";
        case Fault::wrong_secret: return "wrong_secret";
        case Fault::damaged: return "damaged";
        case Fault::disk_full: return "disk_full";
        case Fault::disk_failed: return "disk_failed";
        case Fault::powered_off: return "powered_off";
        case Fault::refused: return "refused";
        case Fault::limit: return "limit";
        case Fault::timeout: return "timeout";
        case Fault::closed: return "closed";
        case Fault::unavailable: return "unavailable";
        case Fault::internal: return "internal";
    }
    return "internal";
}

}  // namespace firedrill
