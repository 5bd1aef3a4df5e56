#include "cli/output.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "cli/exit_codes.h"
#include "posix/terminal.h"

namespace firedrill::cli {

int fail(const Error& error, Format format) {
    if (format == Format::json) {
        boost::json::object out{{"fault", fault_name(error.fault)}, {"text", error.text}};
        print_line(boost::json::serialize(out));
    }
    note(fmt::format("firedrill: {}", error.text));
    return static_cast<int>(exit_code(error.fault));
}

void print_line(std::string_view line) {
    // No buffer: what is shown once, a password, must not stay in one.
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

void note(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fputc('\n', stderr);
    std::fflush(stderr);
}

void ProgressLine::show(std::string_view what, std::uint64_t done, std::uint64_t total,
                        std::string_view unit) {
    const bool is_terminal = posix::shows_progress_on_terminal();
    const std::uint64_t tenth = total == 0 ? 10 : done * 10 / total;
    if (!is_terminal && what == what_ && tenth == tenth_) {
        return;
    }
    if (is_open_ && what != what_) {
        finish();
    }
    what_ = what;
    tenth_ = tenth;
    const std::string line =
        unit == "bytes" ? fmt::format("{:8} {:7.1f} of {:.1f} MiB", what, static_cast<double>(done) / 1048576,
                                      static_cast<double>(total) / 1048576)
                        : fmt::format("{:8} {} of {} {}", what, done, total, unit);
    if (is_terminal) {
        std::fprintf(stderr, "\r%s", line.c_str());
        std::fflush(stderr);
        is_open_ = true;
    } else {
        note(line);
    }
}

void ProgressLine::finish() {
    if (is_open_) {
        std::fputc('\n', stderr);
        is_open_ = false;
    }
}

}  // namespace firedrill::cli
