// A plain HTTP server on loopback for end-to-end tests: answers every request alike, and can freeze
// for a while.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace stampede::test {

class AnsweringServer {
 public:
  struct Manner {
    int status = 200;
    std::chrono::milliseconds delay{0};         // before each answer
    std::chrono::milliseconds freeze_after{0};  // from the first request on; 0: never
    std::chrono::milliseconds freeze{0};        // how long the whole server then stands still
  };
  AnsweringServer() : AnsweringServer(Manner{}) {}
  explicit AnsweringServer(Manner manner);
  ~AnsweringServer();
  AnsweringServer(AnsweringServer&&) = delete;
  [[nodiscard]] std::string url() const;
  // Has a request come?
  [[nodiscard]] bool asked() const noexcept { return asked_; }

 private:
  void serve();
  Manner manner_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> done_{false}, asked_{false};
  std::thread thread_;
};

}  // namespace stampede::test
