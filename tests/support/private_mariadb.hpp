// A MariaDB of the test's own: started in a temporary directory on a free loopback port, stopped
// and removed at the end. The installed data directory is made once per build folder and copied.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace boxoffice {

class PrivateMariadb {
 public:
  PrivateMariadb();  // throws std::runtime_error with the end of the server's log
  ~PrivateMariadb();
  PrivateMariadb(PrivateMariadb&&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  // By another way than the driver under test: one blocking connection of the client library. Rows
  // of text; NULL is "NULL". Throws std::runtime_error.
  std::vector<std::vector<std::string>> sql(const std::string& statement,
                                            const std::string& database = "");
  void stop();          // asks it to end and waits
  void kill();          // SIGKILL and waits
  void pause() const;   // SIGSTOP
  void resume() const;  // SIGCONT
  void start();         // on the same port and data
  static bool installed();

 private:
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t child_ = -1;
};

}  // namespace boxoffice
