// The second factor of a person: codes from an app (crypto/totp.h), and spare codes for when it is not at
// hand.
//
// The app's secret stands in the wrap of the private half, so that only the password opens it and nobody can
// take it away unnoticed; spare codes stand as tags under a key that the private half gives. Checks are pure;
// rows are read and written on Lane::directory. Used inside identity/. docs/formats/key_slots.md, part 2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "identity/credentials.h"
#include "store/database.h"

namespace firedrill::identity {

inline constexpr std::size_t kSpareCodes = 10;

/// What a typed code was found to be.
enum class CodeUse : std::uint8_t {
    not_needed,  ///< there is no second factor
    wrong,
    step,   ///< of the app; its step must be consumed
    spare,  ///< a spare code; it must be consumed
};
struct CodeCheck {
    CodeUse use = CodeUse::wrong;
    std::uint64_t step = 0;
    Digest spare_code;  ///< its tag
};
/// The same work whatever the code is and whether there is a second factor. With `takes_app_codes` false only
/// a spare code is right: too many wrong ones came before.
CodeCheck check_code(const Credentials& credentials, const OpenedAccount& account, ByteView typed,
                     std::uint64_t now_step, bool takes_app_codes);
/// The work of check_code() after a wrong password.
void pretend_to_check_code(const Credentials& credentials, ByteView typed, std::uint64_t now_step);

/// The tag of a spare code of this person.
Digest spare_code_tag(const crypto::Secret& private_key, PersonId person, ByteView code);
/// Ten fresh ones: as they are shown, and their tags.
struct SpareCodes {
    std::vector<std::string> shown;
    std::vector<Digest> tags;
};
SpareCodes draw_spare_codes(const crypto::Secret& private_key, PersonId person, Entropy& entropy);

/// Empty when there is none.
Result<SecondFactorRow> load_second_factor(store::Database& database, PersonId person);
/// In place of whatever was there.
Status store_second_factor(store::Database& database, PersonId person, const SecondFactorRow& row);
Status store_spare_codes(store::Database& database, PersonId person, const std::vector<Digest>& tags);
Status delete_second_factor(store::Database& database, PersonId person);
/// Takes what the check found, once: refused when somebody was faster. Durable with the transaction.
Status consume_code(store::Database& database, PersonId person, const CodeCheck& check);

}  // namespace firedrill::identity
