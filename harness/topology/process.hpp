// One child process: started with nothing inherited but what its specification names, ended by
// RAII.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "harness/topology/topology.hpp"

namespace stampede {

class Guardian;

struct ProcessSpec {
  std::string role;
  std::filesystem::path executable;
  std::vector<std::string> arguments;  // without the program's name
  std::vector<std::string>
      environment;                  // "NAME=value"; the whole environment but for PATH, HOME, LANG
  std::filesystem::path directory;  // working directory and HOME
  std::filesystem::path log;        // standard output and error
};

class Process {
 public:
  // Throws TopologyError when the program cannot be executed. `guardian` may be null.
  Process(const ProcessSpec& spec, Guardian* guardian);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // stop() with a grace of 10 s

  [[nodiscard]] const std::string& role() const noexcept { return role_; }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // Reaps. False once the child has ended, by itself or by stop().
  [[nodiscard]] bool alive() noexcept;
  // "exited with status 1", "ended by signal 9 (Killed)"; empty while alive.
  [[nodiscard]] std::string ending();
  // Waits for the end: the exit status as wait(2) gives it, or nothing at the deadline.
  [[nodiscard]] std::optional<int> wait_for(std::chrono::milliseconds longest) noexcept;
  // The end of the log, bounded.
  [[nodiscard]] std::string last_words() const;
  // SIGTERM, after `grace` SIGKILL to the whole group.
  void stop(std::chrono::milliseconds grace) noexcept;
  [[nodiscard]] std::optional<ProcessUsage> usage() const;  // looks closely

 private:
  std::string role_;
  std::filesystem::path log_;
  Guardian* guardian_;
  pid_t pid_ = -1;
  std::optional<int> status_;  // set once reaped; the pid is ours only before that
};

// Of any process that may be looked at; nothing when there is none.
[[nodiscard]] std::optional<ProcessUsage> usage_of(const std::string& role, pid_t pid);
// Adds what takes a look at each of its threads and descriptors, which is milliseconds where there
// are thousands: switches of its threads that live, and sockets.
void look_closely(ProcessUsage& usage);
// The end of a text file for people: at most `lines_max` lines and 2000 characters.
[[nodiscard]] std::string tail_of(const std::filesystem::path& file, std::size_t lines_max);
// In clock ticks since boot; nothing when there is no such process, or only its unread exit status.
[[nodiscard]] std::optional<unsigned long long> start_time_of(pid_t pid);
// Low-level part shared with the guardian: fork and exec with clean signals and no inherited
// descriptors but 0, 1 and 2. Returns the pid; throws TopologyError naming `role`.
struct SpawnPlan {
  std::string role;
  std::vector<std::string> arguments;  // [0] is the file to execute
  std::vector<std::string> environment;
  std::filesystem::path directory;
  int input = -1, output = -1;  // descriptors for 0 and for 1, 2; -1: /dev/null
  bool dies_with_parent = true;
  bool own_session = false;  // else an own process group
};
[[nodiscard]] pid_t spawn(const SpawnPlan& plan);

}  // namespace stampede
