// What people type as a code, and what an app is given: a code is read in one way only, matches its step and
// no earlier one, and an address gives back exactly what went into it.
#include <algorithm>
#include <iterator>
#include <string>

#include "base/check.h"
#include "crypto/totp.h"
#include "identity/codes.h"
#include "tests/support/authenticator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace firedrill;
    constexpr std::size_t kHead = 24;  // secret, then a small step
    const ByteView input(data, size);
    const std::string_view typed = as_text(input);

    std::string digits;
    std::ranges::copy_if(typed, std::back_inserter(digits), [](char c) { return c != ' ' && c != '-'; });
    const bool is_code = typed.size() <= 32 && digits.size() == crypto::kTotpDigits &&
                         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    const auto code = crypto::read_totp_code(typed);
    CHECK(code.has_value() == is_code);
    CHECK(!code || crypto::write_totp_code(*code) == digits);
    const auto spare = identity::read_code(identity::CodeKind::spare, typed);
    CHECK(!spare || identity::read_code(identity::CodeKind::spare,
                                        identity::write_code(identity::CodeKind::spare, *spare)));
    CHECK(!spare || !code);

    const auto back = test::from_base32(crypto::to_base32(input));
    CHECK(back && equal(*back, input));
    if (size < kHead) {
        return 0;
    }
    const ByteView secret = input.first(crypto::kTotpSecretSize);
    const std::uint64_t step = load_u32(data + crypto::kTotpSecretSize) + std::uint64_t{2};
    const auto found = crypto::match_totp(secret, crypto::totp_code(secret, step), step, 0);
    CHECK(found && (*found == step || *found == step - 1));
    CHECK(crypto::match_totp(secret, crypto::totp_code(secret, step), step, step + 1) == std::nullopt);
    const std::string_view rest = typed.substr(kHead);
    const std::string_view issuer = rest.substr(0, rest.size() / 2);
    const std::string_view account = rest.substr(rest.size() / 2);
    const auto read = test::read_otpauth(crypto::write_otpauth(issuer, account, secret));
    CHECK(read && read->issuer == issuer && read->account == account && equal(read->secret, secret));
    return 0;
}
