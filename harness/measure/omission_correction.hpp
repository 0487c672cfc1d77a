// HdrHistogram's copyCorrectedForCoordinatedOmission: a repair of somebody else's data, from a
// client that waited for an answer instead of sending what was due. Our own data never needs it,
// because a request's time counts from when it was due.
#pragma once

#include <optional>

#include "harness/measure/histogram.hpp"

namespace stampede {

inline constexpr std::int64_t omissions_per_value_max = 10'000'000;

// For each value v adds v − interval, v − 2·interval, … as far as these are at least the interval:
// what the requests left out would have seen. nullopt: interval ≤ 0, or one value would add more
// than omissions_per_value_max.
std::optional<Histogram> corrected_for_coordinated_omission(const Histogram& raw, Nanos interval);

}  // namespace stampede
