#include "cli/inspection_text.h"

#include <boost/json.hpp>

#include <fmt/format.h>

namespace firedrill::cli {

namespace json = boost::json;

namespace {

json::object describe(const store::Inspection::Store& store) {
    json::array damaged;
    for (store::PageNumber page : store.damaged) {
        damaged.emplace_back(page);
    }
    return {{"store", to_hex(store.store)},   {"folded_sequence", store.folded_sequence},
            {"sequence", store.sequence},     {"pages", store.pages},
            {"file_bytes", store.file_bytes}, {"verdict", store::soundness_name(store.soundness)},
            {"damaged", std::move(damaged)}};
}

json::value describe(const std::optional<store::Inspection::LogDamage>& damage) {
    if (!damage) {
        return nullptr;
    }
    return json::object{{"segment", damage->segment},
                        {"offset", damage->offset},
                        {"first", damage->first},
                        {"last", damage->last},
                        {"text", damage->text}};
}

std::string store_line(const store::Inspection::Store& store) {
    std::string state(store::soundness_name(store.soundness));
    if (store.soundness != store::Soundness::sound) {
        state = fmt::format("{}: {} pages", store.soundness == store::Soundness::damaged ? "DAMAGED" : state,
                            store.damaged.size());
    }
    return fmt::format("store     {}  {} pages, commit {} (folded {}), {} bytes  {}", to_hex(store.store),
                       store.pages, store.sequence, store.folded_sequence, store.file_bytes, state);
}

}  // namespace

json::object log_json(const store::LogScan& scan) {
    json::array members;
    for (const store::LogScan::Member& member : scan.members) {
        members.push_back(json::object{{"label", member.label},
                                       {"is_present", member.is_present},
                                       {"is_stale", member.is_stale},
                                       {"last", member.last},
                                       {"bytes", member.bytes},
                                       {"segments", member.segments}});
    }
    json::array notes;
    for (const std::string& text : scan.notes) {
        notes.emplace_back(text);
    }
    return {{"node", to_hex(scan.identity.node)},
            {"timeline", to_hex(scan.identity.timeline)},
            {"first", scan.first},
            {"last", scan.last},
            {"torn_bytes", scan.torn_bytes},
            {"repaired_records", scan.repaired_records},
            {"disks", std::move(members)},
            {"notes", std::move(notes)}};
}

json::object inspection_json(const store::Inspection& found) {
    json::array stores;
    for (const store::Inspection::Store& store : found.stores) {
        stores.push_back(describe(store));
    }
    return {{"verdict", store::soundness_name(found.soundness)},
            {"is_sound", found.soundness == store::Soundness::sound},
            {"log", log_json(found.log)},
            {"log_damage", describe(found.log_damage)},
            {"stores", std::move(stores)}};
}

std::vector<std::string> inspection_lines(const store::Inspection& found) {
    std::vector<std::string> out;
    out.push_back(fmt::format("log       LSN {} to {}, timeline {}", found.log.first, found.log.last,
                              to_hex(found.log.identity.timeline)));
    for (const store::LogScan::Member& member : found.log.members) {
        out.push_back(fmt::format("log disk  {}  through LSN {}, {} segments, {} bytes{}", member.label,
                                  member.last, member.segments, member.bytes,
                                  member.is_stale ? "  STALE" : ""));
    }
    for (const store::Inspection::Store& store : found.stores) {
        out.push_back(store_line(store));
    }
    for (const std::string& text : found.log.notes) {
        out.push_back(fmt::format("note      {}", text));
    }
    if (found.log_damage) {
        out.push_back(fmt::format("DAMAGED   {}", found.log_damage->text));
    }
    switch (found.soundness) {
        case store::Soundness::sound: out.emplace_back("sound"); break;
        case store::Soundness::repairable:
            out.emplace_back(
                "REPAIRABLE: nothing is lost; \"firedrill store scrub\" or the next start makes it whole");
            break;
        case store::Soundness::damaged:
            out.emplace_back(
                "DAMAGED: \"firedrill store scrub\" mends what it can; for the rest attach a good mirror or "
                "restore from a copy");
            break;
    }
    return out;
}

ExitCode exit_code_of(store::Soundness soundness) noexcept {
    switch (soundness) {
        case store::Soundness::sound: return ExitCode::ok;
        case store::Soundness::repairable: return ExitCode::repairable;
        case store::Soundness::damaged: return ExitCode::damaged;
    }
    return ExitCode::internal;
}

}  // namespace firedrill::cli
