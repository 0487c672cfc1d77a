// A Redis of the test's own: a child process on a free loopback port, no files, ended at the end.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace boxoffice {

class PrivateRedis {
 public:
  PrivateRedis();  // throws std::runtime_error when it does not come up
  ~PrivateRedis();
  PrivateRedis(PrivateRedis&&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void start();  // on the same port, empty
  void kill();   // SIGKILL and waits
  void pause();  // SIGSTOP
  void resume();
  static bool installed();

 private:
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t child_ = -1;
};

}  // namespace boxoffice
