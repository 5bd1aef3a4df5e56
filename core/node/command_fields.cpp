#include "node/command_fields.h"

#include <fmt/format.h>

namespace firedrill::node {

namespace json = boost::json;

Result<CommandFields> CommandFields::parse(std::string_view request) {
    boost::system::error_code failed;
    json::value parsed = json::parse(request, failed);
    if (failed || !parsed.is_object()) {
        return Error{Fault::bad_usage, "a command must be one JSON object with a \"verb\""};
    }
    CommandFields out;
    out.object_ = std::move(parsed.get_object());
    return out;
}

Result<std::string> CommandFields::take(std::string_view name) {
    auto at = object_.find(name);
    if (at == object_.end() || !at->value().is_string()) {
        return Error{Fault::bad_usage, fmt::format("the command lacks the text field \"{}\"", name)};
    }
    std::string out(at->value().get_string());
    json::string& held = at->value().get_string();
    crypto::zeroise(MutableBytes(reinterpret_cast<Byte*>(held.data()), held.size()));
    object_.erase(at);
    return out;
}

Result<crypto::Secret> CommandFields::take_secret(std::string_view name) {
    std::string text = TRY(take(name));
    crypto::Secret out(as_bytes(text));
    crypto::zeroise(text);
    return out;
}

Status CommandFields::expect_no_more() const {
    if (!object_.empty()) {
        return Error{Fault::bad_usage, fmt::format("the command has an unknown field \"{}\"",
                                                   std::string(object_.begin()->key()))};
    }
    return {};
}

}  // namespace firedrill::node
