// A parsed JSON text as a small tree that keeps numbers as they were written. Pure; used inside forms/ only,
// but for append_json_string.
//
// Refused: anything outside RFC 8259, invalid UTF-8, the same key twice in one object, nesting beyond
// kMaxJsonDepth.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace firedrill::forms {

inline constexpr std::size_t kMaxJsonDepth = 32;

struct JsonMember;

struct Json {
    enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

    Kind kind = Kind::null;
    std::string text;                 ///< string: its value; number, boolean: as written
    std::vector<Json> elements;       ///< array
    std::vector<JsonMember> members;  ///< object, in the order written

    [[nodiscard]] bool is(Kind wanted) const noexcept { return kind == wanted; }
    /// The member of that name; null when there is none or this is no object.
    [[nodiscard]] const Json* find(std::string_view name) const noexcept;
};

struct JsonMember {
    std::string first;  ///< name
    Json second;        ///< value
};

/// bad_input naming the place (byte offset), never the contents.
Result<Json> parse_json(std::string_view text);

/// Appends `text` as a JSON string with its quotes. `text` is valid UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace firedrill::forms
