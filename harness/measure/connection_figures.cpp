#include "harness/measure/connection_figures.hpp"

#include <utility>

namespace stampede {

SegmentFigures& SegmentFigures::operator+=(const SegmentFigures& other) {
  connections += other.connections;
  repeated += other.repeated;
  unacknowledged += other.unacknowledged;
  dropped += other.dropped;
  return *this;
}

ConnectionFigures& ConnectionFigures::operator+=(const ConnectionFigures& other) {
  dns += other.dns;
  connect += other.connect;
  tls += other.tls;
  tls_resumed += other.tls_resumed;
  segments += other.segments;
  return *this;
}

ConnectionFigures ConnectionFigures::take() {
  ConnectionFigures out;
  out.dns = dns.take();
  out.connect = connect.take();
  out.tls = tls.take();
  out.tls_resumed = std::exchange(tls_resumed, 0);
  out.segments = std::exchange(segments, {});
  return out;
}

void FailureCounts::add(Failure failure, std::string_view text) {
  if (failure == Failure::none) return;
  const auto at = static_cast<std::size_t>(failure);
  ++count[at];
  if (example[at].empty()) example[at] = text.substr(0, example_bytes_max);
}

FailureCounts& FailureCounts::operator+=(const FailureCounts& other) {
  for (std::size_t i = 0; i < failure_count; ++i) {
    count[i] += other.count[i];
    const std::string& theirs = other.example[i];
    if (!theirs.empty() && (example[i].empty() || theirs < example[i])) example[i] = theirs;
  }
  return *this;
}

}  // namespace stampede
