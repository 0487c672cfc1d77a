// One keep-alive HTTP/1.1 connection of one user. Lean on purpose: while no request is in flight it
// is a socket and a few bytes. It never throws for what the network or the server does: the result
// is a value (Exchange).
#pragma once

#include <string>

#include "harness/protocol/transport.hpp"

namespace stampede {

class HttpClient {
 public:
  explicit HttpClient(Wire& wire);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Sends exchange.request and reads the answer; connects first if need be. A reused connection
  // that the server closed before it said anything is tried once more on a new one, if the request
  // may be repeated. exchange.sent is now, or unset.
  Task<void> perform(Exchange& exchange, TimePoint deadline);
  // Connects ahead of the first request: ok, connect_failed, timed_out or unfinished.
  Task<void> connect(Exchange& exchange, TimePoint deadline);
  // Open, and the server has not closed it meanwhile (as far as can be seen without a request).
  // Costs a system call.
  bool usable();
  // What is in flight ends as unfinished.
  void abort() noexcept;
  void close() noexcept;
  // The next session is another user's: it resumes no TLS session of this one's.
  void forget_user() noexcept { transport_.forget_user(); }

 private:
  enum class Cut : std::uint8_t { none, deadline, abort };
  enum class Attempt : std::uint8_t { finished, stale };

  void begin(Exchange& exchange, TimePoint deadline);
  void finish(Exchange& exchange, TimePoint deadline);
  void cut_off(Cut cut) noexcept;
  bool was_cut(Exchange& exchange) noexcept;
  Task<bool> open(Exchange& exchange, TimePoint deadline);
  [[nodiscard]] bool worn_out(TimePoint at) const noexcept;
  Task<Attempt> attempt(Exchange& exchange, bool reused);
  Task<boost::system::error_code> send(const std::string& text, std::size_t& sent);
  Attempt lost(Exchange& exchange, bool repeat, const boost::system::error_code& error,
               bool sending);

  Wire& wire_;
  Transport transport_;
  Timer deadline_;
  TimePoint last_used_, opened_at_;
  std::uint32_t answers_ = 0;  // over this connection
  Cut cut_ = Cut::none;
  bool open_ = false;
};

}  // namespace stampede
