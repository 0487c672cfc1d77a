// How connections were made, and why requests failed: monoids that are part of a snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "harness/failure.hpp"
#include "harness/measure/histogram.hpp"

namespace stampede {

// What the kernel told of connections when they were closed (TCP_INFO, SO_MEMINFO): of their whole
// life, the making included.
struct SegmentFigures {
  std::uint64_t connections = 0;  // asked about; a Unix-domain socket has no segments
  std::uint64_t repeated = 0;     // segments sent again
  std::uint64_t unacknowledged = 0;
  std::uint64_t dropped = 0;  // on their way in, for want of memory
  SegmentFigures& operator+=(const SegmentFigures& other);
  bool operator==(const SegmentFigures&) const = default;
};

// Parts of making a connection, apart from any request: successful ones only. And its segments.
struct ConnectionFigures {
  Histogram dns;                  // asking for the host's addresses, where each connection asks
  Histogram connect;              // TCP (or Unix-domain) connect
  Histogram tls;                  // the handshake
  std::uint64_t tls_resumed = 0;  // of these handshakes
  SegmentFigures segments;
  ConnectionFigures& operator+=(const ConnectionFigures& other);
  bool operator==(const ConnectionFigures&) const = default;
  // The content, compact; *this is empty afterwards and keeps its memory.
  [[nodiscard]] ConnectionFigures take();
};

// By Failure.
struct FailureCounts {
  std::array<std::uint64_t, failure_count> count{};
  std::array<std::string, failure_count> example;  // merging keeps the first in alphabetical order

  static constexpr std::size_t example_bytes_max = 240;
  void add(Failure failure, std::string_view text);
  FailureCounts& operator+=(const FailureCounts& other);
  bool operator==(const FailureCounts&) const = default;
};

}  // namespace stampede
