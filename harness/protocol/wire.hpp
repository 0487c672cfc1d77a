// What all connections of one worker share: the event loop, the clock of deadlines, one read
// buffer, pooled exchanges and the counts of traffic. Used on the worker's thread only.
#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/connection.hpp"
#include "harness/failure.hpp"
#include "harness/measure/connection_figures.hpp"
#include "harness/measure/stream_counts.hpp"
#include "harness/outcome.hpp"
#include "harness/protocol/task.hpp"
#include "harness/protocol/timer_heap.hpp"
#include "harness/time.hpp"

namespace stampede {

namespace asio = boost::asio;

// Of any family: IPv4, IPv6, Unix domain.
using SocketAddress = asio::generic::stream_protocol::endpoint;

// Of an answer's body that is kept, unless a step says otherwise (`body_max`).
inline constexpr std::size_t body_size_max = 1 << 20;
// Of an answer's header, and of a chunk's header or trailers.
inline constexpr std::size_t header_bytes_max = 64 << 10;
inline constexpr std::size_t header_count_max = 256;
// What is kept of the body of an error (400…) that no capture needs: for `code` and the examples.
inline constexpr std::size_t body_excerpt_max = 2 << 10;
inline constexpr std::size_t scratch_size = 64 << 10;

// A coroutine's bed: it sleeps until somebody on the same thread wakes it. Waking is posted, never
// run on the waker's stack, so a waker need not fear what the coroutine does.
class Sleeper {
 public:
  explicit Sleeper(EventLoop& loop) : loop_(loop) {}
  // co_await sleeper.sleep(): one task at a time.
  auto sleep() noexcept { return Bed{this}; }
  void wake();
  [[nodiscard]] bool asleep() const noexcept { return static_cast<bool>(waiting_); }

 private:
  struct Bed {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const noexcept {
      sleeper->waiting_ = waiting;
    }
    void await_resume() const noexcept {}
    Sleeper* sleeper;
  };
  EventLoop& loop_;
  std::coroutine_handle<> waiting_;
};

struct AnswerExtras;
class PlainAnswerMemory;

// Headers that were kept of an answer, in the memory of those before.
class KeptHeaders {
 public:
  using Entry = std::pair<std::string, std::string>;  // name, value
  void add(std::string_view name, std::string_view value);
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] const Entry& operator[](std::size_t at) const noexcept { return entries_[at]; }
  [[nodiscard]] const Entry* begin() const noexcept { return entries_.data(); }
  [[nodiscard]] const Entry* end() const noexcept { return entries_.data() + count_; }
  [[nodiscard]] std::size_t memory() const noexcept;  // bytes owned
  bool operator==(const KeptHeaders& other) const;

 private:
  std::vector<Entry> entries_;
  std::size_t count_ = 0;
};

// One request and what became of it. Pooled: it holds memory only while a request is in flight.
struct Exchange {
  Exchange();
  ~Exchange();
  // Asked.
  std::string request;  // the whole text as it goes out
  bool repeatable =
      false;              // may be sent again when nothing of an answer was seen (RFC 9110 §9.2.2)
  bool head = false;      // the answer has no body whatever it says
  bool keep_body = true;  // false: it is counted, and an excerpt kept of an error's
  std::uint64_t body_max = body_size_max;       // a longer one (decoded) makes the answer malformed
  std::span<const std::string> wanted_headers;  // of who asks, and stay until the answer is there
  AnswerExtras* wants = nullptr;                // more of the answer: extras(), or nothing
  PlainAnswerMemory* memory = nullptr;          // of answers to the same question, or nothing
  // Answered. `outcome` is ok when a complete answer came; what its status means is not decided
  // here.
  Outcome outcome = Outcome::ok;
  Failure failure = Failure::none;  // why there is no answer
  unsigned status = 0;
  TimePoint sent, first_byte, done;
  std::string body;
  std::uint64_t body_bytes = 0;  // of the body (decoded), kept or not
  KeptHeaders headers;           // the wanted ones that came
  std::string problem;           // for people: why there is no answer
  // While reading.
  std::string carry;  // received and not yet parsed

  void reset();
  // Forgets the answer, so that another request can follow.
  void forget_answer();
  // Made when first asked for, and kept with the pooled exchange.
  AnswerExtras& extras();

 private:
  std::unique_ptr<AnswerExtras> extras_;
};

// Counted since the last take; gauges stay.
struct Traffic {
  std::uint64_t bytes_in = 0, bytes_out = 0, connections = 0, frames_in = 0, frames_out = 0;
  std::uint64_t redirects = 0;  // requests that followed one
  StreamCounts streams;
};
struct OpenCounts {
  std::uint64_t connections = 0, websockets = 0, requests = 0;
};

// The addresses of one host: IPv4 before IPv6. Connections take those of the first kind in turn,
// and turn to the others when these do not answer.
struct AddressList {
  std::vector<SocketAddress> all;
  std::size_t preferred = 0;  // of the first kind
  void add(const asio::ip::tcp::endpoint& endpoint);
  void add_unix(const std::string& path);
  // Which to try at the n-th attempt of a turn.
  [[nodiscard]] const SocketAddress& at(std::size_t turn, std::size_t attempt) const noexcept {
    return all[attempt < preferred ? (turn + attempt) % preferred : attempt];
  }
};

struct ServerAddress {
  AddressList addresses;                 // at least one, unless each connection asks
  std::string lookup_host, lookup_port;  // each connection asks for the addresses of these
  std::string host_header;
  std::string path_prefix;
  // Addresses to connect from, in turn (none: the system chooses). One address has 28,232 ports.
  std::vector<asio::ip::address> sources;
  Nanos connect_timeout{0};        // 0: none but the request's deadline
  std::uint32_t max_requests = 0;  // of one connection; 0: no limit
  Nanos max_age{0};                // of a connection that takes a request; 0: no limit
  std::optional<TlsSpec> tls;
  std::string tls_host;  // whose certificate is expected
};

class Resolver;
class TlsContext;
class WebSocketClient;

class Wire {
 public:
  // Throws std::runtime_error when the TLS files are not usable.
  Wire(EventLoop& loop, ServerAddress server, std::uint64_t seed);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
  [[nodiscard]] const ServerAddress& server() const noexcept { return server_; }
  TimerHeap& timers() noexcept { return timers_; }
  std::array<char, scratch_size>& scratch() noexcept { return *scratch_; }
  Traffic& traffic() noexcept { return traffic_; }
  OpenCounts& open() noexcept { return open_; }
  std::uint32_t next_mask() noexcept;

  struct GiveBack {
    Wire* wire;
    void operator()(Exchange* exchange) const { wire->give_back(exchange); }
  };
  using BorrowedExchange = std::unique_ptr<Exchange, GiveBack>;
  BorrowedExchange borrow();

  ConnectionFigures& figures() noexcept { return figures_; }
  TlsContext* tls() noexcept { return tls_.get(); }
  Resolver& resolver();
  std::size_t next_turn() noexcept { return turns_++; }
  // A non-blocking socket for connecting to `address`, the caller's: no delay, and a source address
  // when there is a pool of them. -1: none, and `error` says why; with an error it may be open.
  int open_socket(const SocketAddress& address, boost::system::error_code& error);

  void enlist(WebSocketClient& client);
  void strike_off(WebSocketClient& client) noexcept;
  // Closes what still says goodbye after its session has ended.
  void close_websockets();

 private:
  void give_back(Exchange* exchange);

  EventLoop& loop_;
  ServerAddress server_;
  TimerHeap timers_;
  std::unique_ptr<std::array<char, scratch_size>> scratch_;
  std::vector<std::unique_ptr<Exchange>> spare_;
  std::vector<WebSocketClient*> websockets_;
  Traffic traffic_;
  ConnectionFigures figures_;
  std::unique_ptr<TlsContext> tls_;     // none: the target speaks plainly
  std::unique_ptr<Resolver> resolver_;  // none: nobody has asked yet
  std::vector<asio::ip::address> sources_v4_, sources_v6_;
  OpenCounts open_;
  std::uint64_t mask_state_;
  std::size_t sources_used_ = 0, turns_ = 0;
};

Failure failure_of_connect(const boost::system::error_code& error) noexcept;
// "Connection refused", … with what to do about it where that is short.
std::string describe_connect_error(const boost::system::error_code& error, Failure failure);

}  // namespace stampede
