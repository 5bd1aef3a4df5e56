#include "identity/guess_watch.h"

#include <fmt/format.h>

#include "crypto/hash.h"

namespace firedrill::identity {

namespace {

Digest key_of(std::initializer_list<std::string_view> words) {
    crypto::Sha256 hash;
    for (const std::string_view word : words) {
        std::array<Byte, 8> size{};
        store_u64(size.data(), word.size());
        hash.update(size);
        hash.update(as_bytes(word));
    }
    return hash.finish();
}

}  // namespace

bool GuessWatch::reaches(Tallies& tallies, const Digest& key, const Digest& member, std::size_t limit) {
    // Beyond the bound all new keys share one tally: an alert too many rather than one too few.
    const bool is_full = tallies.size() >= kWatchedKeys && !tallies.contains(key);
    std::set<Digest>& tally = tallies[is_full ? Digest{} : key];
    if (tally.size() >= limit) {
        return false;
    }
    return tally.insert(member).second && tally.size() == limit;
}

std::vector<std::string> GuessWatch::refused(std::string_view practice, std::string_view login,
                                             std::string_view known_practice, std::string_view source,
                                             Instant now) {
    if (!has_begun_ || now - since_ >= kWatchWindow) {
        *this = GuessWatch();
        has_begun_ = true;
        since_ = now;
    }
    const Digest account = key_of({practice, login});
    const Digest by_source = key_of({source});
    const std::string where =
        known_practice.empty() ? "no practice of this node" : fmt::format("practice {}", known_practice);
    std::vector<std::string> out;
    if (reaches(sources_by_account_, account, by_source, kSourcesOfOneAccount)) {
        out.push_back(fmt::format(
            "sign-in: guessing at one account of {} from {} sources within an hour; somebody spreads guesses",
            where, kSourcesOfOneAccount));
    }
    if (reaches(accounts_by_source_, by_source, account, kAccountsOfOneSource)) {
        out.push_back(fmt::format("sign-in: {} was refused for {} different accounts within an hour", source,
                                  kAccountsOfOneSource));
    }
    if (accounts_.size() < kAccountsOfAll && accounts_.insert(account).second &&
        accounts_.size() == kAccountsOfAll) {
        out.push_back(fmt::format(
            "sign-in: {} different accounts were refused within an hour; passwords are being tried on many",
            kAccountsOfAll));
    }
    return out;
}

}  // namespace firedrill::identity
