#include "harness/measure/omission_correction.hpp"

#include <algorithm>

#include "harness/measure/hdr_encoding.hpp"

namespace stampede {

std::optional<Histogram> corrected_for_coordinated_omission(const Histogram& raw, Nanos interval) {
  if (interval <= Nanos{0}) return std::nullopt;
  if (!raw.empty() && *raw.max() / interval > omissions_per_value_max) return std::nullopt;
  Histogram out = raw;
  const HdrLayout layout;
  const std::int64_t largest = raw.empty() ? 0 : raw.max()->count();
  raw.each_bucket([&](std::uint32_t index, std::uint64_t count) {
    const Nanos value{std::min(layout.highest_in(index), largest)};
    for (Nanos missing = value - interval; missing >= interval; missing -= interval) {
      out.record(missing, count);
    }
  });
  return out;
}

}  // namespace stampede
