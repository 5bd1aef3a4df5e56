// HTML that is escaped by construction: a Markup can be made only from literals (names) and escaped text.
//
// Pure values; callable from any thread. Everything that came from outside enters through text() or an
// attribute value, and both escape. Addresses are built by path() below, so that no other scheme or host can
// stand in a link.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firedrill::web::html {

/// A tag's or attribute's name: a literal of the program, checked when it is compiled.
class Name {
  public:
    consteval Name(const char* literal) : text_(literal) {  // NOLINT(google-explicit-constructor)
        for (const char c : text_) {
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
                throw "a name has lower-case letters, digits and hyphens";
            }
        }
    }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

  private:
    std::string_view text_;
};

struct Attribute {
    Name name;
    std::string value;  ///< empty: written as name="" (HTML takes that as set)
};
using Attributes = std::vector<Attribute>;

class Markup {
  public:
    Markup() = default;  ///< nothing
    Markup& operator+=(const Markup& more) {
        bytes_ += more.bytes_;
        return *this;
    }
    friend Markup operator+(Markup a, const Markup& b) {
        a += b;
        return a;
    }
    [[nodiscard]] bool is_empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

  private:
    friend Markup text(std::string_view);
    friend Markup element(Name, const Attributes&, const Markup&);
    friend Markup document(std::string_view, const Markup&);
    std::string bytes_;
};

/// Anything, as text.
Markup text(std::string_view anything);
/// CHECKs that void elements (input, meta, link …) have nothing inside, and that href, action and src begin
/// with a single '/' or '#': own addresses only.
Markup element(Name tag, const Attributes& attributes, const Markup& inside = {});
inline Markup element(Name tag, const Markup& inside) {
    return element(tag, {}, inside);
}
/// A whole document with doctype, head (title, viewport, style sheet) and `body`.
Markup document(std::string_view title, const Markup& body);

/// "/a/b/c" from segments, each percent-encoded.
std::string path(std::initializer_list<std::string_view> segments);

}  // namespace firedrill::web::html
