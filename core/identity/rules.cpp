#include "identity/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace firedrill::identity {

namespace {

constexpr std::size_t kOwnCharacters = 8;  // what a password must have besides the words around it

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has_only(std::string_view text, std::string_view allowed, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() && std::ranges::equal(text.substr(0, word.size()), word,
                                                            [](char a, char b) { return lower(a) == b; });
}

// Bytes left when every occurrence of the words is taken out; looks in place, so that no copy is made.
std::size_t count_own(std::string_view password, std::initializer_list<std::string_view> words) {
    std::size_t own = 0;
    for (std::size_t at = 0; at < password.size();) {
        std::size_t skip = 0;
        for (const std::string_view word : words) {
            if (word.size() >= 2 && starts_with_word(password.substr(at), word)) {
                skip = std::max(skip, word.size());
            }
        }
        own += skip == 0 ? 1 : 0;
        at += std::max<std::size_t>(skip, 1);
    }
    return own;
}

}  // namespace

std::string lower_ascii(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

Status check_password(const crypto::Secret& password, std::string_view practice, std::string_view login) {
    const std::string_view text = as_text(password.view());
    if (text.size() < kShortestPassword || text.size() > kLongestPassword) {
        return Error{Fault::bad_input,
                     fmt::format("password: it must have {} to {} bytes; a few unrelated words do well",
                                 kShortestPassword, kLongestPassword)};
    }
    if (!is_utf8(text)) {
        return Error{Fault::bad_input, "password: it must be UTF-8 text"};
    }
    if (std::set<char>(text.begin(), text.end()).size() < 4 ||
        count_own(text, {practice, login}) < kOwnCharacters) {
        return Error{Fault::bad_input,
                     "password: it repeats itself or the names around it; choose a few unrelated words"};
    }
    return {};
}

Status check_new_practice(const NewPractice& request) {
    constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyz0123456789-";
    constexpr std::string_view kLoginBytes = "abcdefghijklmnopqrstuvwxyz0123456789._@-";
    if (!has_only(request.name, kNameBytes, 2, 40) || request.name.front() == '-' ||
        request.name.back() == '-') {
        return Error{Fault::bad_input, "practice name: it must be 2 to 40 of a-z, 0-9 and inner '-'"};
    }
    if (request.title.empty() || request.title.size() > 200 || !is_plain_text(request.title, false) ||
        is_blank(request.title)) {
        return Error{Fault::bad_input, "practice title: it must be 1 to 200 bytes of ordinary text"};
    }
    if (!has_only(request.owner_login, kLoginBytes, 2, 64)) {
        return Error{Fault::bad_input, "owner login: it must be 2 to 64 of a-z, 0-9, '.', '_', '@' and '-'"};
    }
    return check_password(request.owner_password, request.name, request.owner_login);
}

}  // namespace firedrill::identity
