// Order and payment ids: 41 bits of milliseconds | 10 bits of node | 12 bits of sequence. The
// sequence's upper 4 bits are the thread's, so that threads of one process share nothing.
#pragma once

#include <chrono>
#include <cstdint>

namespace boxoffice {

inline constexpr std::uint32_t order_id_nodes = 1024;
inline constexpr std::uint32_t order_id_threads = 16;

// Unique and rising per thread, also when the clock steps back or one millisecond asks for more
// than 256 ids: the id then runs ahead of the clock.
class OrderIds {
 public:
  OrderIds(std::uint32_t node, std::uint32_t thread) noexcept;
  std::uint64_t next(std::chrono::system_clock::time_point now) noexcept;

 private:
  std::uint64_t fixed_bits_;
  std::uint64_t milliseconds_ = 0;
  std::uint64_t sequence_ = 0;
};

// The smallest id that could be made at `time`: ids are in the order of time, so a range of ids is
// a range of time.
std::uint64_t first_order_id_at(std::chrono::system_clock::time_point time) noexcept;

}  // namespace boxoffice
