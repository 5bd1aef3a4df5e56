// The textual header of an age v1 file, parsed strictly. Pure. Within crypto only.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace firedrill::crypto {

struct AgeStanza {
    std::vector<std::string_view> arguments;  ///< at least one: the type; views into the file
    Bytes body;
};

struct AgeHeader {
    std::vector<AgeStanza> stanzas;  ///< 1–256
    ByteView authenticated;          ///< what the MAC covers: from the first byte to "---"
    std::array<Byte, 32> mac{};
    ByteView payload;  ///< everything after the header
};

/// bad_input for everything that the format does not allow, including base64 that is not canonical.
Result<AgeHeader> parse_age_header(ByteView file);
/// Appends "-> arguments", then the body in lines of 64 digits.
void write_age_stanza(std::string& out, std::string_view arguments, ByteView body);

inline constexpr std::string_view kAgeVersionLine = "age-encryption.org/v1\n";
inline constexpr std::string_view kAgeMacMark = "---";

}  // namespace firedrill::crypto
