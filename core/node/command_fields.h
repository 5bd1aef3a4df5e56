// CommandFields: the fields of one operator's request. Every field must be taken by the verb; each is a text.
//
// Loop only; used inside node/. docs/control.md lists verbs and fields.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"

namespace firedrill::node {

class CommandFields {
  public:
    /// bad_usage: not one JSON object.
    static Result<CommandFields> parse(std::string_view request);
    /// bad_usage: missing, or not a text.
    Result<std::string> take(std::string_view name);
    /// As take(); no other copy of it stays here.
    Result<crypto::Secret> take_secret(std::string_view name);
    [[nodiscard]] bool has(std::string_view name) const { return object_.contains(name); }
    /// bad_usage: the verb does not know what is left.
    [[nodiscard]] Status expect_no_more() const;

  private:
    boost::json::object object_;
};

}  // namespace firedrill::node
