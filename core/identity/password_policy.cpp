#include "identity/password_policy.h"

#include <fmt/format.h>
#include <utf8proc.h>
#include <zxcvbn.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"
#include "crypto/hash.h"

// The filter stands in the program: no file to lose, no file to swap.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "firedrill_common_passwords:\n"
    ".incbin \"" FIREDRILL_COMMON_PASSWORDS
    "\"\n"
    "firedrill_common_passwords_end:\n"
    ".previous\n");
extern "C" {
extern const unsigned char firedrill_common_passwords[];
extern const unsigned char firedrill_common_passwords_end[];
}

namespace firedrill::identity {

namespace {

constexpr std::size_t kHeaderSize = 24;
constexpr std::uint32_t kFieldBits = 1u << 23;
constexpr std::size_t kGuessedCharacters = 100;

struct Rule {
    std::size_t characters;
    double bits;
};

Rule rule_of(PasswordUse use) {
    switch (use) {
        case PasswordUse::staff_alone: return {15, 50};
        case PasswordUse::staff_second_factor: return {12, 40};
        case PasswordUse::patient_second_factor: return {8, 30};
    }
    return {15, 50};
}

ByteView filter_field() {
    const ByteView all(firedrill_common_passwords, firedrill_common_passwords_end);
    CHECK(all.size() == kHeaderSize + kFieldBits / 8);
    CHECK(as_text(all.first(8)) == "FDCOMMON");
    return all.subspan(kHeaderSize);
}

crypto::Secret lower_case(ByteView text) {
    crypto::Secret out(text);
    for (Byte& byte : out.mutable_view()) {
        if (byte >= 'A' && byte <= 'Z') {
            byte = static_cast<Byte>(byte - 'A' + 'a');
        }
    }
    return out;
}

/// A word around the account makes up most of the password.
bool leans_on(std::string_view password, std::string_view word) {
    return word.size() >= 4 && password.find(word) != std::string_view::npos &&
           password.size() < word.size() + 10;
}

}  // namespace

Result<crypto::Secret> normalise_password(ByteView typed) {
    if (typed.empty() || typed.size() > kLongestPassword || !is_utf8(as_text(typed))) {
        return Error{Fault::bad_input,
                     fmt::format("a password is 1 to {} bytes of UTF-8 text", kLongestPassword)};
    }
    utf8proc_uint8_t* composed = nullptr;
    const utf8proc_ssize_t size =
        utf8proc_map(typed.data(), static_cast<utf8proc_ssize_t>(typed.size()), &composed,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (size < 0) {
        return Error{Fault::bad_input,
                     "the password has characters that cannot be normalised; choose others"};
    }
    crypto::Secret out(ByteView(composed, static_cast<std::size_t>(size)));
    crypto::zeroise(MutableBytes(composed, static_cast<std::size_t>(size)));
    std::free(composed);  // NOLINT: utf8proc gives memory of malloc
    return out;
}

bool is_common_password(ByteView password) {
    const crypto::Secret lower = lower_case(password);
    const Digest digest = crypto::sha256(lower.view());
    const ByteView field = filter_field();
    for (std::size_t i = 0; i < 8; ++i) {
        const std::uint32_t bit = load_u32(digest.bytes.data() + 4 * i) % kFieldBits;
        if ((field[bit / 8] >> (bit % 8) & 1) == 0) {
            return false;
        }
    }
    return true;
}

double guess_bits(ByteView password, std::span<const std::string_view> around) {
    std::string text(as_text(password.first(std::min(password.size(), kGuessedCharacters))));
    std::replace(text.begin(), text.end(), '\0', ' ');
    std::vector<std::string> words(around.begin(), around.end());
    std::vector<const char*> list;
    for (const std::string& word : words) {
        list.push_back(word.c_str());
    }
    list.push_back(nullptr);
    const double bits = ZxcvbnMatch(text.c_str(), list.data(), nullptr);
    crypto::zeroise(text);
    return bits;
}

Status check_new_password(const crypto::Secret& normalised, PasswordUse use,
                          std::span<const std::string_view> around) {
    const Rule rule = rule_of(use);
    const ByteView password = normalised.view();
    if (count_characters(as_text(password)) < rule.characters) {
        return Error{Fault::bad_input,
                     fmt::format("the password needs at least {} characters; four or five words that "
                                 "do not belong together are easy to remember",
                                 rule.characters)};
    }
    if (is_common_password(password)) {
        return Error{Fault::bad_input, "this password is among the million most common ones; choose another"};
    }
    const crypto::Secret lower = lower_case(password);
    for (const std::string_view word : around) {
        if (leans_on(as_text(lower.view()), word)) {
            return Error{
                Fault::bad_input,
                "the password is built on the name of the practice or the person; choose other words"};
        }
    }
    if (guess_bits(password, around) < rule.bits) {
        return Error{Fault::bad_input,
                     "the password is easy to guess (repeats, sequences, dates or common words); add "
                     "words that do not belong together"};
    }
    return {};
}

}  // namespace firedrill::identity
