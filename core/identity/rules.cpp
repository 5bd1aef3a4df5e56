#include "identity/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace firedrill::identity {

namespace {

constexpr std::size_t kShortestWord = 4;  // of a title, that counts as a word around the password

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has_only(std::string_view text, std::string_view allowed, std::size_t least, std::size_t most) {
    return text.size() >= least && text.size() <= most &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

std::string lower_ascii(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end >= kShortestWord) {
            out.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

Status check_login(std::string_view login) {
    constexpr std::string_view kLoginBytes = "abcdefghijklmnopqrstuvwxyz0123456789._@-";
    if (!has_only(login, kLoginBytes, 2, 64)) {
        return Error{Fault::bad_input, "login: it must be 2 to 64 of a-z, 0-9, '.', '_', '@' and '-'"};
    }
    return {};
}

Result<crypto::Secret> take_new_password(const crypto::Secret& typed, PasswordUse use,
                                         std::string_view practice, std::string_view title,
                                         std::string_view login) {
    crypto::Secret password = TRY(normalise_password(typed.view()));
    const std::string lower_title = lower_ascii(title);
    std::vector<std::string_view> around = words_of(lower_title);
    around.insert(around.end(), {practice, login, lower_title});
    TRY(check_new_password(password, use, around));
    return password;
}

Status check_new_practice(const NewPractice& request) {
    constexpr std::string_view kNameBytes = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (!has_only(request.name, kNameBytes, 2, 40) || request.name.front() == '-' ||
        request.name.back() == '-') {
        return Error{Fault::bad_input, "practice name: it must be 2 to 40 of a-z, 0-9 and inner '-'"};
    }
    if (request.title.empty() || request.title.size() > 200 || !is_plain_text(request.title, false) ||
        is_blank(request.title)) {
        return Error{Fault::bad_input, "practice title: it must be 1 to 200 bytes of ordinary text"};
    }
    return check_login(request.owner_login);
}

}  // namespace firedrill::identity
