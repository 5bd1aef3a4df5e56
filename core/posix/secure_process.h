// What the process asks of the kernel before it handles secrets. Called once, first thing in main().
#pragma once

#include <string>

#include "base/result.h"

namespace firedrill::posix {

/// A standard stream that was closed becomes /dev/null: else the next file that is opened would take its
/// number, and messages would be written into it.
Status keep_standard_streams_open();
/// The above; as many open files as the system allows, up to 16,384; no core file, no debugger of the same
/// user, and as much lockable memory as the system allows. On error the process must not handle secrets.
/// Yields a sentence for the journal when memory cannot be locked freely, else "".
Result<std::string> secure_process();

}  // namespace firedrill::posix
