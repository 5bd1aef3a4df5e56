// errno to Fault, in one place. Private to posix.
#pragma once

#include <string_view>

#include "base/result.h"

namespace firedrill::posix {

/// "{object}: {what}: {reason of the operating system}; {way out}".
Error system_error(int error_number, std::string_view object, std::string_view what);

}  // namespace firedrill::posix
