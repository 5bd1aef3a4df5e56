#include "identity/sessions.h"

#include <algorithm>

#include "crypto/hash.h"

namespace firedrill::identity {

namespace {

constexpr std::size_t kTokenLength = 43;  // base64url of 32 bytes

bool is_past(const Session& session, Instant now) {
    return now - session.seen >= kIdleLimit || now - session.started >= kAbsoluteLimit;
}

std::string draw_token(Entropy& entropy) {
    std::array<Byte, 32> raw{};
    entropy.fill(raw);
    std::string out = to_base64url(raw);
    crypto::zeroise(MutableBytes(raw));
    return out;
}

Digest key_of(std::string_view token) {
    return crypto::sha256(as_bytes(token));
}

// Names a session to its own person; says nothing about the token.
std::string id_of(const Digest& key) {
    return to_hex(key.view().first(8));
}

}  // namespace

SignedIn SessionTable::add(Session session, Instant now) {
    session.started = now;
    session.seen = now;
    session.csrf = draw_token(entropy_);
    std::size_t count = 0;
    auto oldest = sessions_.end();
    for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
        if (at->second.person == session.person) {
            ++count;
            oldest = oldest == sessions_.end() || at->second.seen < oldest->second.seen ? at : oldest;
        }
    }
    if (count >= kSessionsPerPerson) {
        sessions_.erase(oldest);
    }
    SignedIn out{draw_token(entropy_), session};
    sessions_.emplace(key_of(out.token), std::move(session));
    return out;
}

const Session* SessionTable::find(std::string_view token, Instant now, std::vector<StoreId>& ended) {
    if (token.size() != kTokenLength) {
        return nullptr;
    }
    const auto found = sessions_.find(key_of(token));
    if (found == sessions_.end()) {
        return nullptr;
    }
    if (is_past(found->second, now)) {
        ended.push_back(found->second.practice);
        sessions_.erase(found);
        return nullptr;
    }
    found->second.seen = now;
    return &found->second;
}

void SessionTable::remove(std::string_view token, std::vector<StoreId>& ended) {
    if (const auto found = sessions_.find(key_of(token)); found != sessions_.end()) {
        ended.push_back(found->second.practice);
        sessions_.erase(found);
    }
}

void SessionTable::remove_person(StoreId practice, PersonId person, std::string_view except_token,
                                 std::vector<StoreId>& ended) {
    const Digest kept = key_of(except_token);
    std::erase_if(sessions_, [&](const auto& entry) {
        const bool is_theirs = entry.second.practice == practice && entry.second.person == person;
        if (is_theirs && entry.first != kept) {
            ended.push_back(practice);
            return true;
        }
        return false;
    });
}

std::optional<SignedIn> SessionTable::renew(std::string_view token, bool has_second_factor) {
    const auto found = sessions_.find(key_of(token));
    if (found == sessions_.end()) {
        return std::nullopt;
    }
    Session session = std::move(found->second);
    sessions_.erase(found);
    session.csrf = draw_token(entropy_);
    session.has_second_factor = has_second_factor;
    session.needs_second_factor = session.needs_second_factor && !has_second_factor;
    SignedIn out{draw_token(entropy_), session};
    sessions_.emplace(key_of(out.token), std::move(session));
    return out;
}

void SessionTable::set_second_factor(std::string_view token, bool has_second_factor) {
    if (const auto found = sessions_.find(key_of(token)); found != sessions_.end()) {
        found->second.has_second_factor = has_second_factor;
    }
}

std::vector<SessionInfo> SessionTable::list_person(StoreId practice, PersonId person, std::string_view token,
                                                   Instant now) const {
    const Digest own = key_of(token);
    std::vector<SessionInfo> out;
    for (const auto& [key, session] : sessions_) {
        if (session.practice == practice && session.person == person && !is_past(session, now)) {
            out.push_back({id_of(key), session.source, session.started, session.seen, key == own});
        }
    }
    return out;
}

bool SessionTable::remove_one(StoreId practice, PersonId person, std::string_view id,
                              std::vector<StoreId>& ended) {
    return std::erase_if(sessions_, [&](const auto& entry) {
               if (entry.second.practice == practice && entry.second.person == person &&
                   id_of(entry.first) == id) {
                   ended.push_back(practice);
                   return true;
               }
               return false;
           }) > 0;
}

std::size_t SessionTable::remove_practice(StoreId practice) {
    return std::erase_if(sessions_, [&](const auto& entry) { return entry.second.practice == practice; });
}

void SessionTable::expire(Instant now, std::vector<StoreId>& ended) {
    std::erase_if(sessions_, [&](const auto& entry) {
        if (is_past(entry.second, now)) {
            ended.push_back(entry.second.practice);
            return true;
        }
        return false;
    });
}

bool SessionTable::has_any(StoreId practice) const {
    return std::ranges::any_of(sessions_,
                               [&](const auto& entry) { return entry.second.practice == practice; });
}

}  // namespace firedrill::identity
