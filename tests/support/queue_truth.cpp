#include "tests/support/queue_truth.hpp"

#include <algorithm>
#include <cmath>

namespace test {

Nanos FifoServer::after_work(Nanos start, Nanos service) const {
  if (freezes_.every <= Nanos{0}) return start + service;
  Nanos at = start;
  while (true) {
    const std::int64_t number = at / freezes_.every;
    // Inside a freeze no work is done.
    if (number >= 1 && at - number * freezes_.every < freezes_.length) {
      at = number * freezes_.every + freezes_.length;
    }
    const Nanos next_freeze = (number + 1) * freezes_.every;
    if (at + service <= next_freeze) return at + service;
    service -= next_freeze - at;
    at = next_freeze;
  }
}

Nanos FifoServer::serve(Nanos arrival, Nanos service) {
  free_at_ = after_work(std::max(arrival, free_at_), service);
  return free_at_;
}

std::vector<Nanos> response_times(const std::vector<Nanos>& arrivals,
                                  const std::vector<Nanos>& services, Freezes freezes) {
  FifoServer server(freezes);
  std::vector<Nanos> responses;
  responses.reserve(arrivals.size());
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    responses.push_back(server.serve(arrivals[i], services[i]) - arrivals[i]);
  }
  return responses;
}

std::vector<Nanos> regular_arrivals(double per_second, Nanos length) {
  std::vector<Nanos> arrivals;
  for (std::int64_t i = 0;; ++i) {
    const Nanos at{std::llround(static_cast<double>(i) * 1e9 / per_second)};
    if (at >= length) return arrivals;
    arrivals.push_back(at);
  }
}

Nanos Exponential::operator()() {
  const double uniform = (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53;
  return Nanos{std::llround(-std::log(uniform) * mean_ * 1e9)};
}

Nanos quantile_of(std::vector<Nanos> values, double q) {
  std::ranges::sort(values);
  const double rank = std::ceil(q * static_cast<double>(values.size()) - 1e-9);
  return values[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

}  // namespace test
