#include "node/log_commands.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace firedrill::node {

namespace {

namespace json = boost::json;
using Then = std::function<void(Result<std::string>)>;

json::object describe(const store::Cover& cover) {
    return {{"through", cover.through},
            {"chain", to_hex(cover.chain.view())},
            {"timeline", to_hex(cover.timeline)},
            {"at", format_utc(cover.at)},
            {"where", cover.where}};
}

template <std::size_t N>
Status take_hex(CommandFields& fields, std::string_view field, std::array<Byte, N>& out) {
    const auto bytes = from_hex(TRY(fields.take(field)));
    if (!bytes || bytes->size() != N) {
        return Error{Fault::bad_usage, fmt::format("\"{}\" must be {} hexadecimal digits", field, 2 * N)};
    }
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return {};
}

Result<store::Cover> read_cover(CommandFields& fields, WallTime now) {
    store::Cover cover;
    const std::string through = TRY(fields.take("through"));
    const auto read = std::from_chars(through.data(), through.data() + through.size(), cover.through);
    if (read.ec != std::errc() || read.ptr != through.data() + through.size() || cover.through == 0) {
        return Error{Fault::bad_usage, "\"through\" must be an LSN: a number from 1 on"};
    }
    TRY(take_hex(fields, "chain", cover.chain.bytes));
    TRY(take_hex(fields, "timeline", cover.timeline.bytes));
    cover.where = TRY(fields.take("where"));
    cover.at = now;
    TRY(fields.expect_no_more());
    return cover;
}

void show(const LogTargets& targets, const Then& then) {
    json::object out = describe_log(targets.storage.health());
    out["node"] = to_hex(targets.node);
    out["timeline"] = to_hex(targets.storage.timeline());
    json::array signers;
    for (const store::SignerKey& key : targets.storage.log_signers()) {
        signers.emplace_back(to_hex(key));
    }
    out["signers"] = std::move(signers);
    then(json::serialize(out));
}

void cover(LogTargets targets, CommandFields& fields, Then then) {
    Result<store::Cover> wanted = read_cover(fields, targets.now);
    if (!wanted) {
        then(std::move(wanted).error());
        return;
    }
    store::Storage& storage = targets.storage;
    storage.cover(*wanted, [&storage, wanted = *wanted, journal = std::move(targets.journal),
                            then = std::move(then)](const Status& covered) {
        if (!covered) {
            if (journal) {
                journal(fmt::format("the operator's word about a copy of the log at {} was not believed: {}",
                                    wanted.where, covered.error().text));
            }
            then(covered.error());
            return;
        }
        if (journal) {
            journal(
                fmt::format("the operator covered the log through LSN {} by the copy at {}: closed "
                            "segments through there go",
                            wanted.through, wanted.where));
        }
        then(json::serialize(describe_log(storage.health())));
    });
}

}  // namespace

json::object describe_log(const store::Health& health) {
    return {{"begins", health.log_begin},
            {"cover", health.cover ? json::value(describe(*health.cover)) : json::value(nullptr)}};
}

void run_log_command(LogTargets targets, std::string_view verb, CommandFields& fields, Then then) {
    if (verb == "log.cover") {
        cover(std::move(targets), fields, std::move(then));
    } else if (verb != "log.show") {
        then(Error{Fault::bad_usage, fmt::format("unknown verb \"{}\"; known: log.cover, log.show", verb)});
    } else if (Status more = fields.expect_no_more(); !more) {
        then(std::move(more).error());
    } else {
        show(targets, then);
    }
}

}  // namespace firedrill::node
