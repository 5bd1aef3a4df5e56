// Which program this is.
#pragma once

#include <string_view>

namespace firedrill {

std::string_view version() noexcept;  ///< "0.1.0"
/// 40 hex digits of the source's commit, "+" behind them when the tree had changes; zeroes outside a
/// repository.
std::string_view build_commit() noexcept;

}  // namespace firedrill
