#include "target/service/order_ids.hpp"

namespace boxoffice {

namespace {

constexpr int thread_bits = 8, node_bits = 12, time_bits = 22;
constexpr std::uint64_t sequence_max = (1U << thread_bits) - 1;
// 2020-01-01T00:00:00Z: 41 bits then last until 2089.
constexpr std::int64_t origin_ms = 1'577'836'800'000;

std::uint64_t since_origin(std::chrono::system_clock::time_point time) noexcept {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return ms <= origin_ms ? 0 : static_cast<std::uint64_t>(ms - origin_ms);
}

}  // namespace

OrderIds::OrderIds(std::uint32_t node, std::uint32_t thread) noexcept
    : fixed_bits_((static_cast<std::uint64_t>(node % order_id_nodes) << node_bits) |
                  (static_cast<std::uint64_t>(thread % order_id_threads) << thread_bits)) {}

std::uint64_t OrderIds::next(std::chrono::system_clock::time_point now) noexcept {
  const std::uint64_t ms = since_origin(now);
  if (ms > milliseconds_) {
    milliseconds_ = ms;
    sequence_ = 0;
  } else if (sequence_ < sequence_max) {
    ++sequence_;
  } else {
    ++milliseconds_;
    sequence_ = 0;
  }
  return (milliseconds_ << time_bits) | fixed_bits_ | sequence_;
}

std::uint64_t first_order_id_at(std::chrono::system_clock::time_point time) noexcept {
  return since_origin(time) << time_bits;
}

}  // namespace boxoffice
