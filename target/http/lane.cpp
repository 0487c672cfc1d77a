#include "target/http/lane.hpp"

#include <ctime>
#include <random>

#include "target/log.hpp"

namespace boxoffice {
namespace {

// SplitMix64: trace ids must differ, not be secret.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9E3779B97F4A7C15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// A seat map of 20,000 seats is 7 KB. Larger answers are rare, such as /metrics once a second, but
// come to every spare buffer in time: none may keep what such a one took.
constexpr std::size_t kept_string_bytes_max = 16 * 1024;

}  // namespace

void report_failure(std::exception_ptr failure, std::string_view what) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    log_error(what, {{"error", error.what()}});
  }
}

std::unique_ptr<RequestBuffer> Lane::borrow() {
  if (spare_.empty()) return std::make_unique<RequestBuffer>();
  auto buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

void Lane::give_back(std::unique_ptr<RequestBuffer> buffer) {
  if (spare_.size() >= spare_max) return;
  buffer->begin = buffer->end = 0;
  // Subtle: assigning an empty string would keep the capacity.
  if (buffer->out.capacity() > kept_string_bytes_max) std::string{}.swap(buffer->out);
  spare_.push_back(std::move(buffer));
}

std::string Lane::new_trace_id() {
  if (random_state_ == 0) {
    std::random_device device;
    random_state_ = (std::uint64_t{device()} << 32U | device()) | 1U;
  }
  std::array<char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    const std::uint64_t random = next_random(random_state_);
    for (std::size_t k = 0; k < 8; ++k) {
      bytes[i + k] = static_cast<char>((random >> (8 * k)) & 0xFFU);
    }
  }
  return to_hex({bytes.data(), bytes.size()});
}

HttpRequest Lane::no_request() {
  HttpRequest request;
  request.path = "/";
  request.trace_id = new_trace_id();
  return request;
}

std::string_view Lane::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    date_.assign(text, size);
  }
  return date_;
}

}  // namespace boxoffice
