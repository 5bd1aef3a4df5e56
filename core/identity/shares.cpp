#include "identity/shares.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/hash.h"
#include "identity/codes.h"

namespace firedrill::identity {

namespace {

constexpr Byte kVersion = 1;
constexpr std::size_t kDataLetters = kShareLineLetters - 1;
constexpr std::size_t kBytes = 1 + crypto::kShareSize;
static_assert(kShareLines * kDataLetters * 5 - kBytes * 8 < 5);  // the last letter is used, in part

// GF(32) over x^5 + x^2 + 1: its element 2 has order 31, so every place of a line has a weight of its own.
std::uint32_t twice(std::uint32_t value) {
    return ((value << 1U) ^ ((value & 16U) != 0 ? 0x25U : 0U)) & 31U;
}

// Any one wrong letter, and any two exchanged, of a line give another check letter.
std::uint32_t check_letter(std::size_t line, std::span<const std::uint32_t> letters) {
    auto sum = static_cast<std::uint32_t>(line + 1);
    for (const std::uint32_t letter : letters) {
        sum = twice(sum) ^ letter;
    }
    return twice(sum);
}

Error wrong_length(std::size_t letters) {
    return Error{Fault::bad_input,
                 fmt::format("a share has {} lines of {} letters and digits; {} were given in all",
                             kShareLines, kShareLineLetters, letters)};
}

// Values of the letters that count, or bad_input naming the line of the first that is none.
Result<std::vector<std::uint32_t>> take_letters(std::string_view text, std::size_t most) {
    std::vector<std::uint32_t> out;
    for (const char typed : text) {
        if (typed == '-' || typed == ' ' || typed == '\n' || typed == '\r' || typed == '\t') {
            continue;
        }
        const char letter = typed >= 'A' && typed <= 'Z' ? static_cast<char>(typed - 'A' + 'a') : typed;
        const std::size_t value = kCodeLetters.find(letter);
        if (value == std::string_view::npos) {
            return Error{Fault::bad_input,
                         fmt::format("line {} holds a character that no share has; compare it with the paper",
                                     out.size() / kShareLineLetters + 1)};
        }
        if (out.size() == most) {
            return wrong_length(most + 1);
        }
        out.push_back(static_cast<std::uint32_t>(value));
    }
    return out;
}

template <std::size_t Size>
std::array<Byte, Size> start_of(const Digest& digest) {
    std::array<Byte, Size> out{};
    std::copy_n(digest.bytes.begin(), Size, out.begin());
    return out;
}

}  // namespace

ShareLines write_share(const crypto::Secret& share) {
    crypto::Secret all(kBytes);
    all.mutable_view()[0] = kVersion;
    std::ranges::copy(share.view(), all.mutable_view().begin() + 1);
    ShareLines out;
    for (std::size_t line = 0; line < kShareLines; ++line) {
        std::array<std::uint32_t, kShareLineLetters> letters{};
        for (std::size_t i = 0; i < kDataLetters; ++i) {
            for (std::size_t bit = 0; bit < 5; ++bit) {
                const std::size_t at = (line * kDataLetters + i) * 5 + bit;
                const std::uint32_t one = at / 8 < kBytes ? (all.view()[at / 8] >> (7 - at % 8)) & 1U : 0U;
                letters[i] = (letters[i] << 1U) | one;
            }
        }
        letters[kDataLetters] = check_letter(line, std::span(letters).first(kDataLetters));
        for (std::size_t i = 0; i < letters.size(); ++i) {
            out[line] += i > 0 && i % 4 == 0 ? "-" : "";
            out[line] += kCodeLetters[letters[i]];
        }
    }
    return out;
}

Result<crypto::Secret> read_share(std::string_view text) {
    const auto letters = TRY(take_letters(text, kShareLines * kShareLineLetters));
    for (std::size_t line = 0; (line + 1) * kShareLineLetters <= letters.size(); ++line) {
        const auto here = std::span(letters).subspan(line * kShareLineLetters, kShareLineLetters);
        if (check_letter(line, here.first(kDataLetters)) != here.back()) {
            return Error{Fault::bad_input,
                         fmt::format("line {} is mistyped; compare it with the paper", line + 1)};
        }
    }
    if (letters.size() != kShareLines * kShareLineLetters) {
        return wrong_length(letters.size());
    }
    crypto::Secret all(kBytes + 1);  // the last, started byte holds the unused bits
    std::size_t at = 0;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        if (i % kShareLineLetters == kDataLetters) {
            continue;
        }
        for (std::uint32_t bit = 5; bit-- > 0; ++at) {
            all.mutable_view()[at / 8] |= static_cast<Byte>(((letters[i] >> bit) & 1U) << (7 - at % 8));
        }
    }
    crypto::Secret share(all.view().subspan(1, crypto::kShareSize));
    if (all.view()[0] != kVersion || all.view().back() != 0 || !crypto::read_share_head(share.view())) {
        return Error{Fault::bad_input, "this is not a share of this version; compare it with the paper"};
    }
    return share;
}

ShareFingerprint share_fingerprint(const crypto::Secret& share) {
    return start_of<16>(crypto::sha256({as_bytes("firedrill escrow share v1"), share.view()}));
}

ShareChecksum share_checksum(const crypto::Secret& share) {
    return start_of<5>(crypto::sha256({as_bytes("firedrill escrow share checksum v1"), share.view()}));
}

std::string write_checksum(const ShareChecksum& checksum) {
    std::uint64_t bits = 0;
    for (const Byte byte : checksum) {
        bits = (bits << 8U) | byte;
    }
    std::string out;
    for (std::size_t i = 8; i-- > 0;) {
        out += kCodeLetters[(bits >> (i * 5)) & 31U];
        out += i == 4 ? "-" : "";
    }
    return out;
}

Result<ShareChecksum> read_checksum(std::string_view text) {
    const auto letters = take_letters(text, 8);
    if (!letters || letters->size() != 8) {
        return Error{Fault::bad_input, "a checksum has eight letters and digits; compare it with the paper"};
    }
    std::uint64_t bits = 0;
    for (const std::uint32_t letter : *letters) {
        bits = (bits << 5U) | letter;
    }
    ShareChecksum out{};
    for (std::size_t i = out.size(); i-- > 0; bits >>= 8U) {
        out[i] = static_cast<Byte>(bits);
    }
    return out;
}

}  // namespace firedrill::identity
