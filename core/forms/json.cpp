#include "forms/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <optional>

#include "base/text.h"

namespace firedrill::forms {

namespace {

namespace bj = boost::json;

// Boost.JSON's parser does the grammar; this handler builds our tree and keeps the text of numbers, which its
// own tree would turn into doubles.
struct TreeBuilder {
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    std::vector<Json> open;  // containers not yet closed, outermost first
    std::vector<std::string> keys;
    std::string part;
    std::optional<Json> root;

    bool place(Json value, bj::error_code& failed) {
        if (open.empty()) {
            root = std::move(value);
            return true;
        }
        Json& parent = open.back();
        if (parent.is(Json::Kind::array)) {
            parent.elements.push_back(std::move(value));
            return true;
        }
        if (parent.find(keys.back()) != nullptr) {
            failed = bj::make_error_code(bj::error::syntax);
            return false;
        }
        parent.members.emplace_back(std::move(keys.back()), std::move(value));
        keys.pop_back();
        return true;
    }
    bool scalar(Json::Kind kind, std::string text, bj::error_code& failed) {
        return place(Json{kind, std::move(text), {}, {}}, failed);
    }
    bool push(Json::Kind kind) {
        open.push_back(Json{kind, {}, {}, {}});
        return true;
    }
    bool pop(bj::error_code& failed) {
        Json done = std::move(open.back());
        open.pop_back();
        return place(std::move(done), failed);
    }
    std::string take(bj::string_view last) {
        part.append(last.data(), last.size());
        return std::exchange(part, {});
    }
    bool more(bj::string_view text) {
        part.append(text.data(), text.size());
        return true;
    }

    bool on_document_begin(bj::error_code&) { return true; }
    bool on_document_end(bj::error_code&) { return true; }
    bool on_object_begin(bj::error_code&) { return push(Json::Kind::object); }
    bool on_object_end(std::size_t, bj::error_code& failed) { return pop(failed); }
    bool on_array_begin(bj::error_code&) { return push(Json::Kind::array); }
    bool on_array_end(std::size_t, bj::error_code& failed) { return pop(failed); }
    bool on_key_part(bj::string_view text, std::size_t, bj::error_code&) { return more(text); }
    bool on_key(bj::string_view text, std::size_t, bj::error_code&) {
        keys.push_back(take(text));
        return true;
    }
    bool on_string_part(bj::string_view text, std::size_t, bj::error_code&) { return more(text); }
    bool on_string(bj::string_view text, std::size_t, bj::error_code& failed) {
        return scalar(Json::Kind::string, take(text), failed);
    }
    bool on_number_part(bj::string_view text, bj::error_code&) { return more(text); }
    bool on_int64(std::int64_t, bj::string_view text, bj::error_code& failed) {
        return scalar(Json::Kind::number, take(text), failed);
    }
    bool on_uint64(std::uint64_t, bj::string_view text, bj::error_code& failed) {
        return scalar(Json::Kind::number, take(text), failed);
    }
    bool on_double(double, bj::string_view text, bj::error_code& failed) {
        return scalar(Json::Kind::number, take(text), failed);
    }
    bool on_bool(bool value, bj::error_code& failed) {
        return scalar(Json::Kind::boolean, value ? "true" : "false", failed);
    }
    bool on_null(bj::error_code& failed) { return scalar(Json::Kind::null, {}, failed); }
    bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
    bool on_comment(bj::string_view, bj::error_code&) { return true; }
};

}  // namespace

const Json* Json::find(std::string_view name) const noexcept {
    const auto at =
        std::ranges::find_if(members, [name](const auto& member) { return member.first == name; });
    return at == members.end() ? nullptr : &at->second;
}

Result<Json> parse_json(std::string_view text) {
    bj::parse_options options;
    options.max_depth = kMaxJsonDepth;
    bj::basic_parser<TreeBuilder> parser(options);
    bj::error_code failed;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), failed);
    if (failed || !parser.done() || !is_blank(text.substr(used)) || !parser.handler().root) {
        return Error{Fault::bad_input,
                     fmt::format("JSON: not well formed, or a key stands twice, near byte {}", used)};
    }
    return std::move(*parser.handler().root);
}

void append_json_string(std::string& out, std::string_view text) {
    out.push_back('"');
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
                } else {
                    out.push_back(c);
                }
        }
    }
    out.push_back('"');
}

}  // namespace firedrill::forms
