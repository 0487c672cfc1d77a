// Asks the system for the addresses of names, on a thread of its own that exists once somebody
// asks: the system's call blocks, and a worker must not.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <thread>

#include "harness/protocol/event_loop.hpp"

namespace stampede {

class Resolver {
 public:
  using Found = boost::asio::ip::tcp::resolver::results_type;
  using Done = std::function<void(const boost::system::error_code&, const Found&)>;

  explicit Resolver(EventLoop& loop);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  // Waits for the answer of the question that is being asked; the others are dropped.
  ~Resolver();

  // One after another. `done` runs on the loop's thread, and the loop runs until then.
  void resolve(const std::string& host, const std::string& port, Done done);

 private:
  EventLoop& loop_;
  boost::asio::io_context questions_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> more_;
  std::thread thread_;
};

}  // namespace stampede
