// What the instrument itself costs: the same workers against a server on loopback that does
// nothing, before the run. The result is the ceiling of the rate and the floor of the latency.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/load/load.hpp"
#include "harness/measure/self_measure.hpp"
#include "harness/time.hpp"

namespace stampede {

// An HTTP/1.1 server on 127.0.0.1 that answers every request alike, with as little as it can: one
// thread, epoll, one write per request. It reads bodies whose length is told, and no others.
class NullServer {
 public:
  static constexpr int connections_max = 1024;

  NullServer();  // not listening: error() says why
  ~NullServer();
  NullServer(NullServer&&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  std::string open();  // "" or why not
  void serve();
  void accept_all();
  bool answer(int connection);

  int listener_ = -1, poll_ = -1, wake_ = -1;
  std::uint16_t port_ = 0;
  std::string error_;
  struct Peer {
    bool open = false;
    bool head_only = false;       // the request is a HEAD
    std::uint64_t body_left = 0;  // of its body, still to come
    std::string head{};           // of it, as far as it has come
  };
  std::vector<Peer> peers_;  // by descriptor
  std::thread thread_;
};

struct Calibration {
  std::optional<NullTarget> result;
  std::string absent;  // why there is none
};
// At most about a second: the plan's workers with 16 connections each as fast as they can, then
// three looks of one request every 4 ms, of which the least p95 is the floor. What is asked are the
// plan's own requests (NullShape), over plain TCP. Nothing of it is in the run's figures.
[[nodiscard]] Calibration calibrate(const LoadPlan& plan, std::stop_token stop);

}  // namespace stampede
