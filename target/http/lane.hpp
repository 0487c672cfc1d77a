// What the connections of one thread share, and the counters all threads share.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "target/config.hpp"
#include "target/http/api.hpp"
#include "target/http/jwt.hpp"
#include "target/http/request_parser.hpp"
#include "target/http/router.hpp"
#include "target/http/watch_list.hpp"
#include "target/metrics.hpp"
#include "target/switches.hpp"

namespace boxoffice {

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
// Errors as values: a connection that breaks is ordinary and must not cost an exception.
inline constexpr auto await_tuple = asio::as_tuple(asio::deferred);

// How long a peer may take. Deadlines are looked at every `deadline_grain`.
struct ServerLimits {
  Millis request_read{10000};  // from a request's first byte to its last
  Millis idle{120000};         // between requests
  Millis write{10000};         // of one answer
  Millis linger{2000};         // reading on after our last word, so that it is not lost
  Millis ws_ping{30000};       // after so much silence the peer is asked
  Millis ws_silence{75000};    // not even a pong
  Millis ws_close{5000};       // for the answer to our close
  Millis stream_ping{15000};   // after so much silence an event stream gets a comment
  Millis stream_stall{30000};  // a stream whose peer takes nothing for so long is cut
  Millis deadline_grain{250};
};

// Counters of the whole process, for the limits that are per process.
class ServerLoad {
 public:
  std::atomic<std::uint32_t> connections{0}, websockets{0}, event_streams{0};

  static constexpr std::array<std::string_view, 11> roles{
      "",        "catalog",  "queue",  "reservation", "order", "payment",
      "auction", "practice", "worker", "admin",       "pg"};
  std::atomic<std::uint32_t>& in_flight(std::string_view role) noexcept {
    for (std::size_t i = 1; i < roles.size(); ++i) {
      if (roles[i] == role) return in_flight_[i];
    }
    return in_flight_[0];
  }

 private:
  std::array<std::atomic<std::uint32_t>, roles.size()> in_flight_{};
};

// The memory of one request in progress; borrowed only while there is one.
struct RequestBuffer {
  static constexpr std::size_t size = header_bytes_max + body_bytes_max + 2048;
  std::unique_ptr<char[]> bytes{new char[size]};  // not zeroed: untouched pages cost nothing
  std::size_t begin = 0, end = 0;                 // read and not yet consumed
  HttpRequest request;
  std::string chunked_body, out;

  [[nodiscard]] std::string_view unread() const { return {bytes.get() + begin, end - begin}; }
};

// A coroutine of ours that fails is a bug; it ends alone, and is told once.
void report_failure(std::exception_ptr failure, std::string_view what);

// Lives as long as the last connection.
struct Lane : std::enable_shared_from_this<Lane> {
  Lane(asio::io_context& context, const Config& settings, const ServerLimits& bounds,
       Metrics& figures, const Switches& changes, ServerLoad& process, const RouteTable& table)
      : io(context),
        config(settings),
        limits(bounds),
        metrics(figures),
        switches(changes),
        load(process),
        main_router(table, Surface::main, settings.roles),
        admin_router(table, Surface::admin, settings.roles),
        tokens(settings.jwt_secret) {}

  asio::io_context& io;
  const Config& config;
  const ServerLimits limits;
  Metrics& metrics;
  const Switches& switches;
  ServerLoad& load;
  const Router main_router, admin_router;
  TokenVerifier tokens;
  WatchList watched;
  std::array<char, 16 * 1024> scratch;  // for reads that are consumed before the next suspension
  bool draining = false;

  std::shared_ptr<WatchList> watch_list() { return {shared_from_this(), &watched}; }
  std::unique_ptr<RequestBuffer> borrow();
  void give_back(std::unique_ptr<RequestBuffer> buffer);
  std::string new_trace_id();
  // Stands for a request that never came, or never came to its end.
  HttpRequest no_request();
  std::string_view date();  // of the Date header; made once a second

 private:
  static constexpr std::size_t spare_max = 256;
  std::vector<std::unique_ptr<RequestBuffer>> spare_;
  std::uint64_t random_state_ = 0;
  std::time_t date_second_ = 0;
  std::string date_;
};

}  // namespace boxoffice
