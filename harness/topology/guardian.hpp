// The guardian: a small process that outlives the harness by a moment. It holds the reading end of
// a pipe; when the harness ends, by whatever cause, the pipe closes and the guardian ends the
// children that are still listed and removes the temporary directory. It never touches anything it
// was not told.
#pragma once

#include <filesystem>

#include <sys/types.h>

namespace stampede {

class Guardian {
 public:
  // Throws TopologyError when the process cannot be started.
  explicit Guardian(const std::filesystem::path& directory);
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;
  ~Guardian();  // closes the pipe and waits for the guardian, which removes the directory

  void watch(pid_t group_leader) noexcept;
  void forget(pid_t group_leader) noexcept;

 private:
  void tell(const char* verb, pid_t pid) noexcept;
  int pipe_ = -1;
  pid_t pid_ = -1;
};

}  // namespace stampede
