#include "crypto/threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <botan/exceptn.h>
#include <botan/tss.h>

#include "base/check.h"
#include "crypto/botan_rng.h"

namespace firedrill::crypto {

namespace {

constexpr Byte kHashIsSha256 = 2;
constexpr std::size_t kHeadSize = 20;
constexpr std::size_t kBodySize = kShareSize - kHeadSize;  // as the head counts it: with the number

}  // namespace

std::vector<Secret> split_secret(const Secret& secret, std::uint8_t needed, std::uint8_t count,
                                 const ShareIdentifier& identifier, Entropy& entropy) {
    CHECK(secret.size_bytes() == kSharedSecretSize);
    CHECK(needed >= 2);
    CHECK(needed <= count);
    CHECK(count <= kMostShares);
    EntropyRng rng(entropy);
    const auto shares = Botan::RTSS_Share::split(
        needed, count, secret.view().data(), static_cast<std::uint16_t>(secret.size_bytes()),
        std::vector<std::uint8_t>(identifier.begin(), identifier.end()), "SHA-256", rng);
    std::vector<Secret> out;
    for (const Botan::RTSS_Share& share : shares) {
        out.emplace_back(ByteView(share.data().data(), share.data().size()));
        CHECK(read_share_head(out.back().view()).is_ok());
    }
    return out;
}

Result<ShareHead> read_share_head(ByteView share) {
    const bool is_sound = share.size() == kShareSize && share[16] == kHashIsSha256 && share[17] >= 2 &&
                          share[17] <= kMostShares && share[18] == 0 && share[19] == kBodySize &&
                          share[20] >= 1 && share[20] <= kMostShares;
    if (!is_sound) {
        return Error{Fault::bad_input, "this is not a share"};
    }
    ShareHead out;
    std::copy_n(share.begin(), out.identifier.size(), out.identifier.begin());
    out.needed = share[17];
    out.number = share[20];
    return out;
}

Result<Secret> join_shares(std::span<const Secret> shares) {
    std::vector<Botan::RTSS_Share> held;
    std::set<std::uint8_t> numbers;
    std::optional<ShareHead> first;
    for (const Secret& share : shares) {
        const ShareHead head = TRY(read_share_head(share.view()));
        if (!first) {
            first = head;
        }
        if (head.identifier != first->identifier || head.needed != first->needed) {
            return Error{Fault::bad_input,
                         fmt::format("share {} is of another set than share {}", head.number, first->number)};
        }
        if (!numbers.insert(head.number).second) {
            return Error{Fault::bad_input, fmt::format("share {} was given twice", head.number)};
        }
        held.emplace_back(share.view().data(), share.size_bytes());
    }
    if (!first || numbers.size() < first->needed) {
        return Error{Fault::bad_input, first ? fmt::format("{} shares are needed, and only {} were given",
                                                           first->needed, numbers.size())
                                             : std::string("no share was given")};
    }
    try {
        const auto secret = Botan::RTSS_Share::reconstruct(held);
        if (secret.size() == kSharedSecretSize) {
            return Secret(ByteView(secret.data(), secret.size()));
        }
    } catch (const Botan::Exception&) {  // the hash inside does not fit
    }
    return Error{Fault::bad_input, "the shares do not fit together: one of them was altered"};
}

}  // namespace firedrill::crypto
