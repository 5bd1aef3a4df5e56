// The commit this program was built from. Written by the build into one small generated file, so that a new
// commit recompiles nothing else.
#pragma once

#include <string_view>

namespace firedrill::cli {

/// 40 hex digits, followed by "-dirty" when the tree differed from the commit; 40 zeroes outside a git
/// checkout.
std::string_view build_commit() noexcept;

}  // namespace firedrill::cli
