// A real HTTP server on loopback that behaves as a queue of known answers: one server, first in,
// first out, with given service times and freezes. It keeps the queue in virtual time: an answer is
// due when the queue's arithmetic says so, and is sent at the first moment at or after that. So a
// late wake-up of this thread delays one answer and not all that follow. What it really did (when
// requests came, when answers were due, when they were sent) is handed back.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tests/support/queue_truth.hpp"

namespace test {

class KnownAnswerServer {
 public:
  struct Plan {
    std::function<Nanos(std::uint64_t)> service;  // of the n-th request that comes, from 0
    Freezes freezes;  // from the first request's due time on: see `planned`
    // When the n-th request is due, from the first. The clock of the freezes is set by the request
    // that comes least late before the first freeze. Empty: by the first request.
    std::function<Nanos(std::uint64_t)> planned;
  };
  // CLOCK_MONOTONIC, from the server's origin.
  struct Served {
    Nanos arrived, service, due, sent;
  };

  explicit KnownAnswerServer(Plan plan);
  ~KnownAnswerServer();
  KnownAnswerServer(KnownAnswerServer&&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // Ends the server. In the order in which the requests came.
  std::vector<Served> stop();

 private:
  struct Answer {
    int socket;
    std::uint64_t number;
  };
  void serve();
  void accept_all();
  // False when the client is gone.
  bool read_from(int socket);
  void take_request(int socket);
  void answer_due();
  void set_timer();
  [[nodiscard]] Nanos since_origin() const;

  Plan plan_;
  FifoServer queue_;
  int listener_ = -1, poll_ = -1, timer_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> done_{false};
  Nanos origin_{0};
  std::unordered_map<int, std::string> clients_;  // what was read and is no whole request yet
  std::deque<Answer> waiting_;
  std::vector<Served> served_;
  std::thread thread_;
};

}  // namespace test
