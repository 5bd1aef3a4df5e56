// store cover: a copy of the log is verified here, without any key, and the running node told. The node
// compares the answer with its own log before it believes it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "cli/place.h"
#include "cli/real_world.h"
#include "cli/verbs.h"
#include "posix/paths.h"
#include "store/copy_check.h"

namespace firedrill::cli {

namespace {

namespace json = boost::json;

/// A copy that dies with the log is none.
Status check_elsewhere(const std::string& copy, const Place& place) {
    std::vector<std::string> folders = place.logs;
    folders.push_back(data_folder(place));
    for (const std::string& folder : folders) {
        const auto is_same = posix::is_same_device(copy, folder);
        if (!is_same && is_same.error().fault != Fault::not_found) {
            return is_same.error();
        }
        if (is_same && *is_same) {
            return Error{
                Fault::refused,
                fmt::format("the copy {} is on the same device as {}: it would be lost with it; copy "
                            "the log to another disk or a mounted folder of another machine, and "
                            "name that",
                            copy, folder)};
        }
    }
    return {};
}

Result<json::object> ask(const Place& place, const json::object& request) {
    Result<std::string> answer =
        call_running_node(control_endpoint(place), json::serialize(request), node::OnProgress());
    if (!answer && answer.error().fault == Fault::unavailable && !node_answers(control_endpoint(place))) {
        return Error{Fault::unavailable,
                     fmt::format("no node runs in {}, and only a running one can be told of a copy; start it "
                                 "(firedrill serve), then repeat",
                                 place.data)};
    }
    return json::parse(TRY(std::move(answer))).as_object();
}

Result<store::CopyOwner> owner_of(const json::object& shown) {
    store::CopyOwner owner;
    const auto read = [](const json::value& text, auto& out) {
        const auto bytes = from_hex(std::string_view(text.as_string()));
        const bool is_read = bytes && bytes->size() == out.size();
        if (is_read) {
            std::copy(bytes->begin(), bytes->end(), out.begin());
        }
        return is_read;
    };
    bool is_read = read(shown.at("node"), owner.node.bytes);
    for (const json::value& each : shown.at("signers").as_array()) {
        is_read = read(each, owner.signers.emplace_back()) && is_read;
    }
    return is_read ? Result<store::CopyOwner>(std::move(owner))
                   : Result<store::CopyOwner>(Error{
                         Fault::internal, "the node's answer does not have its required shape; report it"});
}

struct Covered {
    store::CopyReport copy;
    json::object log;  ///< as the node sees it now
};

Result<Covered> verify_and_tell(const StoreOptions& options) {
    const Settled settled = TRY(settle_folder(options.common));
    if (!TRY(node_exists(settled.place))) {
        return no_node(settled.place, "");
    }
    const std::string where = posix::absolute_path(options.copy);
    auto copy = TRY(open_folders({where}, MakeFolders::no));
    TRY(check_elsewhere(where, settled.place));
    const json::object shown = TRY(ask(settled.place, {{"verb", "log.show"}}));
    const store::CopyOwner owner = TRY(owner_of(shown));
    ProgressLine line;
    auto report = store::check_log_copy(
        *copy.front(), owner,
        [&line](std::uint64_t done, std::uint64_t total) { line.show("verifying", done, total); });
    line.finish();
    Covered out;
    out.copy = TRY(std::move(report));
    out.log = TRY(ask(settled.place, {{"verb", "log.cover"},
                                      {"through", std::to_string(out.copy.through)},
                                      {"chain", to_hex(out.copy.chain.view())},
                                      {"timeline", to_hex(out.copy.timeline)},
                                      {"where", where}}));
    return out;
}

}  // namespace

int store_cover(const StoreOptions& options) {
    const Format format = options.common.format;
    Result<Covered> covered = verify_and_tell(options);
    if (!covered) {
        return fail(covered.error(), format);
    }
    const store::CopyReport& copy = covered->copy;
    if (format == Format::json) {
        json::object out = std::move(covered->log);
        out["segments"] = copy.segments;
        out["bytes"] = copy.bytes;
        out["not_counted"] = json::array(copy.uncounted.begin(), copy.uncounted.end());
        print_line(json::serialize(out));
        return 0;
    }
    for (const std::string& text : copy.uncounted) {
        note(text);
    }
    print_line(fmt::format("verified  {} closed segments, {} bytes: LSN 1 to {}, the last closed at {}",
                           copy.segments, copy.bytes, copy.through, format_utc(copy.closed)));
    print_line(fmt::format("covered   through LSN {}; the node's own log begins at LSN {}", copy.through,
                           json::serialize(covered->log.at("begins"))));
    print_line("What is folded of it goes from the node's log disks within minutes (firedrill status).");
    return 0;
}

}  // namespace firedrill::cli
