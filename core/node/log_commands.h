// log.show and log.cover: what the log's copies are compared with, and the operator's word that a copy is
// whole and sound. Loop only; used inside node/. docs/control.md.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "node/command_fields.h"
#include "store/storage.h"

namespace firedrill::node {

struct LogTargets {
    NodeId node;
    store::Storage& storage;
    WallTime now;
    std::function<void(std::string_view)> journal;  ///< empty: none
};

/// Where the log begins, and its cover or null.
boost::json::object describe_log(const store::Health& health);

/// `verb` begins with "log.". bad_usage: unknown verb or field; nothing was done.
void run_log_command(LogTargets targets, std::string_view verb, CommandFields& fields,
                     std::function<void(Result<std::string>)> then);

}  // namespace firedrill::node
