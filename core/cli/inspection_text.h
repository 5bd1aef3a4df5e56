// What `store inspect` and `store verify` say of a node's folder: for people, as JSON, as an exit code. Pure.
//
// The JSON's shape is documented in docs/formats/inspection.md and held by a golden test.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <vector>

#include "cli/exit_codes.h"
#include "store/restore.h"

namespace firedrill::cli {

boost::json::object log_json(const store::LogScan& scan);
boost::json::object inspection_json(const store::Inspection& found);
std::vector<std::string> inspection_lines(const store::Inspection& found);
/// sound: ok; repairable and damaged: the codes of these names.
ExitCode exit_code_of(store::Soundness soundness) noexcept;

}  // namespace firedrill::cli
