#include "sim/judge_secrecy.h"

#include <numeric>

namespace firedrill::sim {

namespace {
constexpr std::size_t kLeaksKept = 20;
}

std::string_view medium_name(Medium medium) noexcept {
    switch (medium) {
        case Medium::data_disk: return "data disk";
        case Medium::log_disk: return "log disk";
        case Medium::packet: return "packet";
        case Medium::journal: return "journal";
    }
    return "";
}

std::uint64_t SecrecyJudge::Summary::total_leaks() const noexcept {
    return std::accumulate(leaks.begin(), leaks.end(), std::uint64_t{0});
}

SecrecyJudge::SecrecyJudge() {
    for (Encoded& one : encode_all_ways(as_bytes(kCanaryPrefix))) {
        secrets_.push_back({"canary", std::string(one.encoding)});
        patterns_.push_back(std::move(one.bytes));
    }
    rebuild();
}

SecrecyJudge::~SecrecyJudge() = default;

void SecrecyJudge::rebuild() {
    search_ = std::make_unique<PatternSearch>(patterns_);
    for (auto& [name, position] : files_) {
        position.state = 0;  // states belong to the old table
    }
    for (auto& [name, state] : flows_) {
        state = 0;
    }
}

void SecrecyJudge::plant(const std::string& canary) {
    if (planted_.insert(canary).second) {
        ++summary_.planted;
    }
}

void SecrecyJudge::watch(std::string_view what, ByteView secret) {
    if (secret.size() < 16 || secret.size() > 64 || watched_.size() >= kWatchLimit ||
        !watched_.emplace(secret.begin(), secret.end()).second) {
        return;
    }
    for (Encoded& one : encode_all_ways(secret)) {
        secrets_.push_back({std::string(what), std::string(one.encoding)});
        patterns_.push_back(std::move(one.bytes));
    }
    rebuild();
}

void SecrecyJudge::saw_plaintext(ByteView plain) {
    for (const std::string& canary : find_canaries(as_text(plain))) {
        if (planted_.contains(canary) && seen_.insert(canary).second) {
            ++summary_.seen;
        }
    }
}

PatternSearch::State SecrecyJudge::search(Medium medium, const std::string& place, PatternSearch::State state,
                                          ByteView bytes, Instant now) {
    const auto index = static_cast<std::size_t>(medium);
    summary_.bytes[index] += bytes.size();
    return search_->scan(state, bytes, [&](std::size_t pattern, std::size_t) {
        ++summary_.leaks[index];
        if (summary_.first_leaks.size() < kLeaksKept) {
            summary_.first_leaks.push_back(
                {medium, place, secrets_[pattern].what, secrets_[pattern].encoding, now});
        }
    });
}

void SecrecyJudge::sector(Medium medium, const std::string& disk, const std::string& file,
                          std::uint64_t offset, ByteView bytes, Instant now) {
    const std::string place = disk + "/" + file;
    Position& position = files_[place];
    const PatternSearch::State state = position.next == offset ? position.state : 0;
    position.state = search(medium, place, state, bytes, now);
    position.next = offset + bytes.size();
}

void SecrecyJudge::packet(const std::string& flow, std::uint64_t connection, ByteView bytes, Instant now) {
    PatternSearch::State& state = flows_[{flow, connection}];
    state = search(Medium::packet, flow, state, bytes, now);
}

void SecrecyJudge::journal(std::string_view line, Instant now) {
    search(Medium::journal, "journal", 0, as_bytes(line), now);
}

SecrecyJudge::Summary SecrecyJudge::summary() const {
    return summary_;
}

}  // namespace firedrill::sim
