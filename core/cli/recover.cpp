// restore and store: keyless work on folders.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/exit_codes.h"
#include "cli/inspection_text.h"
#include "cli/place.h"
#include "cli/real_world.h"
#include "cli/verbs.h"
#include "identity/node_keys.h"
#include "posix/paths.h"
#include "store/data_folder.h"
#include "store/restore.h"
#include "store/scrub.h"

namespace firedrill::cli {

namespace {

namespace json = boost::json;

std::vector<Disk*> borrow(const std::vector<std::unique_ptr<Disk>>& disks) {
    std::vector<Disk*> out;
    for (const std::unique_ptr<Disk>& disk : disks) {
        out.push_back(disk.get());
    }
    return out;
}

struct Restored {
    store::RestoreReport report;
    Settled settled;  ///< where it is now
    Status opens;     ///< whether the passphrase that was named opens it; ok when none was
};

/// The log's key slots are those of the state restored: an earlier passphrase may be theirs.
Status try_passphrase(Disk& data, const crypto::Secret& passphrase, const Place& place) {
    if (passphrase.is_empty()) {
        return {};
    }
    const auto keys = identity::open_node_keys(TRY(store::read_node_slots(data)), passphrase);
    if (!keys && keys.error().fault == Fault::wrong_secret) {
        return Error{
            Fault::wrong_secret,
            fmt::format("the node in {} is restored, but the secret in {} does not open it: start it with "
                        "the one that was in force at the state restored",
                        place.data, place.key_file.empty() ? place.passphrase_file : place.key_file)};
    }
    return keys ? Status() : Status(keys.error());
}

Result<Restored> run_restore(const RestoreVerbOptions& options) {
    Restored out;
    Place& target = out.settled.place;
    const auto absolute = [](const std::string& path) {
        return path.empty() ? path : posix::absolute_path(path);
    };
    target.data = posix::absolute_path(options.to);
    for (const std::string& log : options.common.place.logs) {
        target.logs.push_back(posix::absolute_path(log));
    }
    if (target.logs.empty()) {
        target.logs.push_back(target.data + "/log");
    }
    target.passphrase_file = absolute(options.common.place.passphrase_file);
    target.key_file = absolute(options.common.place.key_file);
    crypto::Secret passphrase;
    if (!target.passphrase_file.empty() || !target.key_file.empty()) {
        passphrase = TRY(obtain_passphrase(target, false, false)).secret;
    }
    auto sources = TRY(open_folders(options.from, MakeFolders::no));
    auto world = TRY(RealWorld::open(target, MakeFolders::yes));
    Seams seams = world->seams();
    ProgressLine line;
    store::RestoreOptions how;
    how.until = options.until.value_or(0);
    how.timeline = TRY(wanted_timeline(options));
    how.new_timeline = draw_id<TimelineId>(seams.entropy);
    how.wall = seams.clock.wall();
    how.progress = [&](store::RestorePhase phase, std::uint64_t done, std::uint64_t total) {
        line.show(store::restore_phase_name(phase), done, total);
    };
    auto report = store::restore_from_log(borrow(sources), seams.data, seams.logs, how);
    line.finish();
    out.report = TRY(std::move(report));
    out.opens = try_passphrase(seams.data, passphrase, target);
    return out;
}

void print_restored(const Restored& done, Format format) {
    const store::RestoreReport& report = done.report;
    Settled settled = done.settled;
    if (!done.opens) {  // the command says nothing that would be refused
        settled.place.passphrase_file.clear();
        settled.place.key_file.clear();
    }
    const std::string start = command_line("serve", settled);
    if (format == Format::json) {
        print_line(json::serialize(json::object{{"restored_through", report.restored_through},
                                                {"newest", format_utc(report.newest)},
                                                {"commits", report.commits},
                                                {"pages", report.pages},
                                                {"stores", report.stores},
                                                {"bytes_read", report.bytes_read},
                                                {"timeline", to_hex(report.timeline)},
                                                {"start", start},
                                                {"log", log_json(report.scan)}}));
        return;
    }
    for (const std::string& text : report.scan.notes) {
        note(text);
    }
    print_line(fmt::format(
        "restored through LSN {} ({}): {} stores, {} commits, {} pages, every root reproduced",
        report.restored_through, format_utc(report.newest), report.stores, report.commits, report.pages));
    print_line("start it with: " + start);
}

}  // namespace

int restore(RestoreVerbOptions options) {
    const bool is_node = !options.from.empty() && !options.to.empty();
    if (options.practice.empty() != is_node ||
        (is_node && !(options.at.empty() && !options.is_confirmed && !options.ends_sessions))) {
        return fail(
            Error{Fault::bad_usage,
                  "restore a whole node with --from and --to, or one practice of a node with --practice and "
                  "--until or --at (see firedrill restore --help)"},
            options.common.format);
    }
    if (const auto timeline = wanted_timeline(options); !timeline) {
        return fail(timeline.error(), options.common.format);
    }
    if (options.until == 0U) {
        return fail(Error{Fault::bad_usage,
                          "--until 0: the first LSN is 1; leave --until out to restore a whole node's log"},
                    options.common.format);
    }
    if (!is_node) {
        return restore_practice(options);
    }
    if (!options.common.place.data.empty() || !options.common.settings_file.empty()) {
        return fail(
            Error{Fault::bad_usage,
                  "--data and --config say nothing when a whole node is restored: name the new folder by "
                  "--to and its log folders by --log"},
            options.common.format);
    }
    const Result<Restored> done = run_restore(options);
    if (!done) {
        return fail_restore(done.error(), options);
    }
    print_restored(*done, options.common.format);
    if (!done->opens) {
        note("firedrill: " + done->opens.error().text);
        return static_cast<int>(exit_code(done->opens.error().fault));
    }
    return 0;
}

namespace {

int scrub(const StoreOptions& options) {
    const Format format = options.common.format;
    auto run = [&]() -> Result<store::ScrubReport> {
        const Settled settled = TRY(settle_folder(options.common));
        auto data = TRY(open_folders({data_folder(settled.place)}, MakeFolders::no));
        auto logs = TRY(open_log_folders(settled.place.logs));
        ProgressLine line;
        auto report = store::scrub_folder(
            *data.front(), borrow(logs),
            [&](std::uint64_t done, std::uint64_t total) { line.show("scrubbing", done, total); });
        line.finish();
        return report;
    };
    const Result<store::ScrubReport> report = run();
    if (!report) {
        return fail(report.error(), format);
    }
    if (format == Format::json) {
        json::array notes(report->notes.begin(), report->notes.end());
        print_line(json::serialize(json::object{{"pages", report->pages},
                                                {"log_bytes", report->log_bytes},
                                                {"found", report->found},
                                                {"repaired", report->repaired},
                                                {"not_repairable", report->not_repairable},
                                                {"notes", std::move(notes)}}));
    } else {
        for (const std::string& text : report->notes) {
            print_line(fmt::format("note      {}", text));
        }
        print_line(fmt::format(
            "read {} pages and {} bytes of log: {} damaged, {} repaired, {} not repairable", report->pages,
            report->log_bytes, report->found, report->repaired, report->not_repairable));
    }
    if (report->not_repairable > 0) {
        return static_cast<int>(ExitCode::damaged);
    }
    return static_cast<int>(report->repaired > 0 ? ExitCode::repaired : ExitCode::ok);
}

}  // namespace

namespace {

constexpr int kLooksAgain = 2;

bool is_running(const StoreOptions& options) {
    const auto settled = settle_folder(options.common);
    return settled && node_answers(control_endpoint(settled->place));
}

}  // namespace

int store(StoreOptions options) {
    if (options.verb == "scrub") {
        return scrub(options);
    }
    if (options.verb == "cover") {
        return store_cover(options);
    }
    const Format format = options.common.format;
    auto look = [&]() -> Result<store::Inspection> {
        const Settled settled = TRY(settle_folder(options.common));
        auto data = TRY(open_folders({data_folder(settled.place)}, MakeFolders::no));
        auto logs = TRY(open_log_folders(settled.place.logs));
        ProgressLine line;
        auto found = store::inspect(
            *data.front(), borrow(logs), options.verb == "verify",
            [&](std::uint64_t done, std::uint64_t total) { line.show("reading", done, total); });
        line.finish();
        return found;
    };
    Result<store::Inspection> found = look();
    // Beside a running node, what is just being written stands on one log disk and not yet on the other.
    for (int again = 0; again < kLooksAgain && (!found || !found->is_sound()) && is_running(options);
         ++again) {
        found = look();
    }
    if (!found) {
        return fail(found.error(), format);
    }
    if (format == Format::json) {
        print_line(json::serialize(inspection_json(*found)));
    } else {
        for (const std::string& line : inspection_lines(*found)) {
            print_line(line);
        }
    }
    return static_cast<int>(exit_code_of(found->soundness));
}

}  // namespace firedrill::cli
