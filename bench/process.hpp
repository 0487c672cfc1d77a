// Children of the benchmark: started on a core, watched while they run, ended with it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

// No core of its own: wherever the system puts it.
inline constexpr int any_core = -1;

// One child. Its standard output is kept, its standard error goes to a file beside it.
class Process {
 public:
  // Throws std::runtime_error when it cannot be started.
  Process(const std::vector<std::string>& command, int core, const std::string& error_file);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // ends it

  // CPU time of all its threads so far, in seconds: exact to the nanosecond, also while it runs.
  [[nodiscard]] double cpu_seconds() const;
  [[nodiscard]] std::uint64_t resident_bytes() const;
  // The first line that it prints.
  std::string read_line();
  // Waits for its end; its exit code, or 128 + signal.
  int wait();
  // What it printed, after wait().
  [[nodiscard]] const std::string& output() const noexcept { return output_; }

 private:
  pid_t pid_ = -1;
  int input_ = -1, pipe_ = -1;
  std::string output_;
};

// GET of a path on 127.0.0.1; the answer as it came. Throws std::runtime_error.
std::string fetch(std::uint16_t port, const std::string& path);
// A loopback port that nobody listens on now.
std::uint16_t free_port();
// The full path of a program, or "" when it is not installed.
std::string find_program(const std::string& name);
void sleep_seconds(double seconds);
unsigned cores();

}  // namespace bench
