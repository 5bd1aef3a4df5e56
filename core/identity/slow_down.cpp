#include "identity/slow_down.h"

#include <algorithm>
#include <iterator>

#include "crypto/hash.h"

namespace firedrill::identity {

namespace {

constexpr SlowDownRule kNoRule{UINT32_MAX, Duration::zero()};

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

Duration delay_after(std::uint32_t failures, const SlowDownRule& rule) {
    if (failures <= rule.free) {
        return Duration::zero();
    }
    const std::uint32_t doublings = std::min<std::uint32_t>(failures - rule.free - 1, 20);
    return std::min<Duration>(std::chrono::seconds(1ll << doublings), rule.longest);
}

}  // namespace

Duration SlowDown::Table::wait(const Digest& key, Instant now) const {
    const auto found = index_.find(key);
    if (found == index_.end()) {
        return Duration::zero();
    }
    return std::max(found->second->next - now, Duration::zero());
}

void SlowDown::Table::count(const Digest& key, const SlowDownRule& rule, Instant now) {
    auto found = index_.find(key);
    if (found == index_.end()) {
        if (index_.size() >= kSlowDownEntries) {
            index_.erase(entries_.front().key);
            entries_.pop_front();
        }
        entries_.push_back({key, 0, now, now});
        found = index_.emplace(key, std::prev(entries_.end())).first;
    }
    Entry& entry = *found->second;
    entry.failures = now - entry.last > kSlowDownMemory ? 1 : entry.failures + 1;
    entry.last = now;
    entry.next = now + delay_after(entry.failures, rule);
    entries_.splice(entries_.end(), entries_, found->second);
}

void SlowDown::Table::uncount(const Digest& key, const SlowDownRule& rule) {
    if (const auto found = index_.find(key); found != index_.end()) {
        Entry& entry = *found->second;
        entry.failures -= entry.failures > 0 ? 1 : 0;
        entry.next = entry.last + delay_after(entry.failures, rule);
    }
}

void SlowDown::Table::forgive(const Digest& key) {
    if (const auto found = index_.find(key); found != index_.end()) {
        entries_.erase(found->second);
        index_.erase(found);
    }
}

Duration SlowDown::admit(std::string_view practice, std::string_view login, std::string_view source,
                         Instant now) {
    const Digest by_source = key_of({source});
    const Digest by_account = key_of({practice, login});
    const Digest by_pair = key_of({practice, login, source});
    Duration wait = std::max(sources_.wait(by_source, now), pairs_.wait(by_pair, now));
    if (!known_.has(by_pair)) {
        wait = std::max(wait, accounts_.wait(by_account, now));
    }
    if (wait > Duration::zero()) {
        return wait;
    }
    sources_.count(by_source, kSourceRule, now);
    pairs_.count(by_pair, kPairRule, now);
    accounts_.count(by_account, kAccountRule, now);
    return Duration::zero();
}

bool SlowDown::takes_codes(std::string_view practice, std::string_view login, std::string_view source,
                           Instant now) const {
    const bool is_known = known_.has(key_of({practice, login, source}));
    const auto found = codes_.find(key_of({practice, login}));
    return found == codes_.end() || now - found->second.since >= kCodeDay ||
           found->second.count < (is_known ? kKnownWrongCodesADay : kWrongCodesADay);
}

bool SlowDown::wrong_code(std::string_view practice, std::string_view login, Instant now) {
    return count_code(codes_, practice, login, now);
}

void SlowDown::pretend_wrong_code(std::string_view practice, std::string_view login, Instant now) {
    if (pretended_.size() >= kSlowDownEntries) {  // anybody can fill it, with any names
        pretended_.clear();
    }
    (void)count_code(pretended_, practice, login, now);
}

bool SlowDown::count_code(std::map<Digest, WrongCodes>& codes, std::string_view practice,
                          std::string_view login, Instant now) {
    if (codes.size() >= kSlowDownEntries) {
        std::erase_if(codes, [&](const auto& entry) { return now - entry.second.since >= kCodeDay; });
    }
    WrongCodes& entry = codes[key_of({practice, login})];
    if (entry.count == 0 || now - entry.since >= kCodeDay) {
        entry = {0, now};
    }
    ++entry.count;
    return entry.count == kWrongCodesADay;
}

void SlowDown::succeeded(std::string_view practice, std::string_view login, std::string_view source,
                         Instant now) {
    const Digest by_pair = key_of({practice, login, source});
    sources_.uncount(key_of({source}), kSourceRule);  // not forgiven: it may guess at other accounts
    pairs_.forgive(by_pair);
    accounts_.forgive(key_of({practice, login}));
    known_.count(by_pair, kNoRule, now);
}

}  // namespace firedrill::identity
