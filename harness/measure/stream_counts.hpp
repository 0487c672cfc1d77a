// What WebSockets and event streams did beside the samples they made: plain sums, merged like the
// rest of a snapshot.
#pragma once

#include <cstdint>
#include <map>

namespace stampede {

struct StreamCounts {
  // Distinct close codes that are counted apart; what comes after them is counted under code 0.
  static constexpr std::size_t close_codes_max = 64;

  std::uint64_t messages_in = 0;     // whole text messages of WebSockets
  std::uint64_t binary_in = 0;       // whole binary messages
  std::uint64_t pings_answered = 0;  // the server's
  std::uint64_t events = 0;          // of event streams
  std::uint64_t reconnects = 0;      // of event streams: tries
  std::uint64_t unread_dropped = 0;  // nobody waited for them, and newer ones came
  std::uint64_t malformed = 0;       // streams that this side gave up: forbidden, or over a limit
  std::uint64_t push_lag_negative = 0;  // stamped later than received: not one clock
  std::uint64_t push_lag_unusable = 0;  // no number at the pointer, or older than an hour
  // How WebSockets ended, by the code that came: 1005 a close frame without one, 1006 no close
  // frame at all (RFC 6455 §7.1.5).
  std::map<std::uint16_t, std::uint64_t> close_codes;

  void count_close(std::uint16_t code, std::uint64_t times = 1);
  StreamCounts& operator+=(const StreamCounts& other);
  bool operator==(const StreamCounts&) const = default;
};

}  // namespace stampede
