// The layers of the house: which folder may include which, and where each library and the operating system
// may be named.
#pragma once

#include "tidy/source_tree.h"

namespace firedrill::tidy {

/// Findings for the #include lines of one file.
Findings check_layers(const SourceFile& file);

}  // namespace firedrill::tidy
