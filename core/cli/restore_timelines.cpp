// restore --timeline: which history, and what the log folders hold when somebody has to choose.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/place.h"
#include "cli/real_world.h"
#include "cli/verbs.h"
#include "store/timelines.h"

namespace firedrill::cli {

namespace {

namespace json = boost::json;

/// None when the folders cannot be read: what is wrong with them was told already.
json::array timelines_json(const std::vector<std::string>& folders) {
    json::array out;
    const auto disks = open_folders(folders, MakeFolders::no);
    if (!disks) {
        return out;
    }
    std::vector<Disk*> borrowed;
    for (const auto& disk : *disks) {
        borrowed.push_back(disk.get());
    }
    const auto found = store::timelines_on(borrowed);
    if (!found || found->size() < 2) {
        return out;
    }
    for (const store::TimelineFacts& each : *found) {
        out.push_back(json::object{
            {"timeline", to_hex(each.id)},
            {"parent", each.parent == TimelineId{} ? json::value(nullptr) : json::value(to_hex(each.parent))},
            {"branch", each.branch},
            {"newest_lsn", each.newest},
            {"newest", each.at == WallTime{} ? json::value(nullptr) : json::value(format_utc(each.at))},
            {"bytes", each.bytes},
            {"segments", each.segments},
            {"goes_on", each.goes_on}});
    }
    return out;
}

}  // namespace

Result<std::optional<TimelineId>> wanted_timeline(const RestoreVerbOptions& options) {
    if (options.timeline.empty()) {
        return std::optional<TimelineId>();
    }
    if (!options.practice.empty()) {
        return Error{Fault::bad_usage,
                     "--timeline chooses the history of a whole node; a practice is taken back on the "
                     "history that its node goes on with: leave it out"};
    }
    auto id = parse_id<TimelineId>(options.timeline);
    if (!id) {
        return Error{Fault::bad_usage,
                     "--timeline wants a timeline's whole id, 32 hexadecimal digits, as the "
                     "refusal of restore prints it"};
    }
    return id;
}

int fail_restore(const Error& error, const RestoreVerbOptions& options) {
    json::array timelines =
        options.common.format == Format::json ? timelines_json(options.from) : json::array();
    if (timelines.empty()) {
        return fail(error, options.common.format);
    }
    print_line(json::serialize(json::object{
        {"fault", fault_name(error.fault)}, {"text", error.text}, {"timelines", std::move(timelines)}}));
    return fail(error, Format::text);
}

}  // namespace firedrill::cli
