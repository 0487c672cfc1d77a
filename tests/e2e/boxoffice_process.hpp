// A real boxoffice as a child process on free loopback ports, and a blocking client that sees every
// byte of its answers.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boxoffice::test {

std::uint16_t free_port();
std::string boxoffice_binary();

class BoxofficeProcess {
 public:
  static constexpr std::string_view admin_token = "an admin token for tests";

  // `arguments` come after --port and --admin-port; `variables` are NAME=value. Port 0: a free one.
  explicit BoxofficeProcess(const std::vector<std::string>& arguments,
                            std::vector<std::string> variables = {}, std::uint16_t port = 0);
  ~BoxofficeProcess();  // SIGKILL if it still runs
  BoxofficeProcess(BoxofficeProcess&&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t admin_port() const noexcept { return admin_port_; }
  void wait_ready(std::chrono::seconds limit);  // throws std::runtime_error with its log
  void signal(int number) const;
  void pause() const;  // SIGSTOP, and waits until it has stopped
  // The exit code (128 + signal when ended by one); nullopt: still running after `limit`.
  std::optional<int> wait_exit(std::chrono::milliseconds limit);
  [[nodiscard]] std::string log() const;

 private:
  std::string folder_;
  std::uint16_t port_, admin_port_;
  pid_t child_ = -1;
  std::optional<int> exit_;
};

struct Answer {
  int status = 0;  // 0: the connection ended without one
  std::string head, body;
  [[nodiscard]] nlohmann::json json() const;  // discarded if it is none
};

class RawClient {
 public:
  // `from`: the address on this machine that it has for the server, such as 127.0.0.2.
  explicit RawClient(std::uint16_t port, const char* from = nullptr);
  ~RawClient();
  RawClient(RawClient&&) = delete;

  void send(std::string_view bytes) const;
  Answer answer();
  std::string take(std::size_t bytes);  // fewer when the server says no more
  bool closed();                        // the server says no more

  // `fields` are whole header lines. A body is sent as JSON.
  Answer exchange(std::string_view method, std::string_view path, std::string_view fields = "",
                  std::string_view body = "");
  void start(std::string_view method, std::string_view path, std::string_view fields,
             std::string_view body) const;

 private:
  bool more();
  int socket_ = -1;
  std::string read_;
  bool over_ = false;
};

}  // namespace boxoffice::test
