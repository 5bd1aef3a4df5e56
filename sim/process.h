// Child processes of the simulator's verbs: our own program started again. The only unit of sim that forks
// and kills.
//
// Blocking; used by verbs on the main thread, never in a universe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace firedrill::sim {

/// Path of the running program.
std::string own_program();

enum class Signal : std::uint8_t { terminate, kill };

class ChildProcess {
  public:
    /// `arguments` begin with the program's path. Standard output is captured; standard error goes to
    /// `error_file`, or nowhere when that is empty.
    static Result<ChildProcess> start(const std::vector<std::string>& arguments,
                                      const std::string& error_file);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ~ChildProcess();  ///< kills it if it still runs

    void signal(Signal signal) const;
    /// Reads what is there; false once its standard output is at its end.
    bool read_more(std::string& out, Duration wait);
    /// Waits for its end: its exit code, or 128 and the signal that ended it.
    int wait();
    [[nodiscard]] int output_handle() const noexcept { return output_; }
    [[nodiscard]] int id() const noexcept { return pid_; }

  private:
    ChildProcess(int pid, int output) : pid_(pid), output_(output) {}
    int pid_ = -1;
    int output_ = -1;
};

struct Finished {
    int exit_code = 0;
    std::string output;
    bool is_timeout = false;
};
/// Runs all commands, at most `jobs` at once; `on_done(index, result)` in the order in which they end. A
/// command that takes longer than `limit` is killed.
void run_all(const std::vector<std::vector<std::string>>& commands, std::uint32_t jobs, Duration limit,
             const std::function<void(std::size_t, const Finished&)>& on_done);

}  // namespace firedrill::sim
