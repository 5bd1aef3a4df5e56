#include "cli/exit_codes.h"

namespace firedrill::cli {

ExitCode exit_code(Fault fault) noexcept {
    switch (fault) {
        case Fault::bad_usage: return ExitCode::bad_usage;
        case Fault::bad_input: return ExitCode::bad_input;
        case Fault::not_found: return ExitCode::not_found;
        case Fault::exists: return ExitCode::exists;
        case Fault::in_use: return ExitCode::in_use;
        case Fault::permission: return ExitCode::permission;
        case Fault::newer_format: return ExitCode::newer_format;
        case Fault::wrong_secret: return ExitCode::wrong_secret;
        case Fault::damaged: return ExitCode::damaged;
        case Fault::disk_full: return ExitCode::disk_full;
        case Fault::disk_failed: return ExitCode::disk_failed;
        case Fault::powered_off: return ExitCode::sim_harness;
        case Fault::refused: return ExitCode::refused;
        case Fault::limit: return ExitCode::limit;
        case Fault::timeout: return ExitCode::timeout;
        case Fault::closed: return ExitCode::unavailable;
        case Fault::unavailable: return ExitCode::unavailable;
        case Fault::internal: return ExitCode::internal;
    }
    return ExitCode::internal;
}

const std::vector<ExitCodeRow>& exit_code_table() {
    static const std::vector<ExitCodeRow> kRows{
        {ExitCode::ok, "ok", "Done."},
        {ExitCode::internal, "internal", "A bug of the program or of a library; please report the message."},
        {ExitCode::bad_usage, "bad_usage", "The command line is wrong; correct it and call again."},
        {ExitCode::bad_input, "bad_input",
         "A file or message does not have its required shape; nothing was changed."},
        {ExitCode::not_found, "not_found", "The named object does not exist."},
        {ExitCode::in_use, "in_use",
         "Somebody else owns it (data folder, port); stop them or choose another."},
        {ExitCode::permission, "permission",
         "The system said no, or the modes of a file or folder are too loose to be safe."},
        {ExitCode::newer_format, "newer_format",
         "Written by a newer version; upgrade the program. Nothing was changed."},
        {ExitCode::wrong_secret, "wrong_secret",
         "The passphrase, password or key does not open it; nothing was changed, but for a restore, which is "
         "complete."},
        {ExitCode::damaged, "damaged",
         "Bytes are not what was written; repair or restore. Nothing was overwritten."},
        {ExitCode::repaired, "repaired", "Damage was found and repaired; everything is sound now."},
        {ExitCode::exists, "exists", "The named object exists already and is not overwritten."},
        {ExitCode::disk_full, "disk_full", "Refused before anything was written; free space and try again."},
        {ExitCode::disk_failed, "disk_failed",
         "A read, write or sync failed; replace the disk before starting again."},
        {ExitCode::refused, "refused", "Not allowed in this state or to this person."},
        {ExitCode::limit, "limit", "A stated limit would be passed."},
        {ExitCode::timeout, "timeout", "Not done in time; try again."},
        {ExitCode::unavailable, "unavailable", "Cannot be reached or served now; try again later."},
        {ExitCode::repairable, "repairable",
         "Nothing is lost, but a copy is missing or differs; `firedrill store scrub` or the next start mends "
         "it."},
        {ExitCode::overdue, "overdue",
         "A secret of the node is older than its limit; replace it (firedrill secrets rotate)."},
        {ExitCode::sim_correctness, "sim_correctness",
         "Simulated: something acknowledged was lost or altered, or a bound was broken."},
        {ExitCode::sim_leak, "sim_leak", "Simulated: planted plaintext was found where nobody may read it."},
        {ExitCode::sim_liveness, "sim_liveness", "Simulated: the service did not come back after the storm."},
        {ExitCode::sim_nondeterminism, "sim_nondeterminism",
         "Two runs of the same commit, scenario and seed differ."},
        {ExitCode::sim_not_judged, "sim_not_judged",
         "A judge had nothing to judge: no acknowledged work, or a hazard that did not fire."},
        {ExitCode::sim_harness, "sim_harness", "The simulator itself failed; please report the replay line."},
        {ExitCode::not_as_expected, "not_as_expected",
         "A suite or drill ended, and at least one verdict was not the expected one."},
    };
    return kRows;
}

}  // namespace firedrill::cli
