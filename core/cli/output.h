// What verbs print: results on standard output, progress and errors on standard error. With --json standard
// output is exactly one JSON value, errors included.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace firedrill::cli {

enum class Format : bool { text, json };

/// Prints an error (text: "firedrill: …" on standard error; JSON: {"fault","text"} on standard output too)
/// and returns its exit code.
int fail(const Error& error, Format format);
void print_line(std::string_view line);  ///< standard output, flushed
void note(std::string_view line);        ///< standard error

/// A progress line on standard error: rewritten in place on a terminal, one line a tenth otherwise.
class ProgressLine {
  public:
    /// Bytes are shown as MiB, another unit as it is.
    void show(std::string_view what, std::uint64_t done, std::uint64_t total,
              std::string_view unit = "bytes");
    void finish();

  private:
    std::string what_;
    std::uint64_t tenth_ = ~0ull;
    bool is_open_ = false;
};

}  // namespace firedrill::cli
