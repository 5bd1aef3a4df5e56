// Text rules of the web: percent-encoding, lower case. Pure; callable from any thread. Linear time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace firedrill::web {

enum class Plus : bool { is_plus, is_space };
/// Decodes %HH once. nullopt when a '%' is not followed by two hex digits or the outcome is not UTF-8.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, Plus plus);
/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3): one path segment or query value.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// ASCII letters only; other bytes stay.
[[nodiscard]] std::string lower_case(std::string_view text);
/// Without leading and trailing spaces and tabs.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace firedrill::web
