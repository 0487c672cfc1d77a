#include "harness/measure/stream_counts.hpp"

namespace stampede {

void StreamCounts::count_close(std::uint16_t code, std::uint64_t times) {
  const bool room = close_codes.size() < close_codes_max || close_codes.contains(code);
  close_codes[room ? code : std::uint16_t{0}] += times;
}

StreamCounts& StreamCounts::operator+=(const StreamCounts& other) {
  messages_in += other.messages_in;
  binary_in += other.binary_in;
  pings_answered += other.pings_answered;
  events += other.events;
  reconnects += other.reconnects;
  unread_dropped += other.unread_dropped;
  malformed += other.malformed;
  push_lag_negative += other.push_lag_negative;
  push_lag_unusable += other.push_lag_unusable;
  for (const auto& [code, times] : other.close_codes) count_close(code, times);
  return *this;
}

}  // namespace stampede
