#include "harness/profile/profile.hpp"

#include <algorithm>

namespace stampede {

namespace {

Nanos sum_of(const std::vector<Stage>& stages) {
  Nanos sum{0};
  for (const Stage& stage : stages) sum += stage.duration;
  return sum;
}

}  // namespace

bool is_json_pointer(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    const std::string_view escape = text.substr(at, 2);
    if (escape != "~0" && escape != "~1") return false;
  }
  return true;
}

// Subtle: each round of an instant load owns the whole of `every`, so that the last round's
// sessions run inside the load and not in the drain.
Nanos load_length(const LoadShape& load) {
  if (const auto* open = std::get_if<OpenLoad>(&load)) return sum_of(open->stages);
  if (const auto* closed = std::get_if<ClosedLoad>(&load)) return sum_of(closed->stages);
  const auto& instant = std::get<InstantLoad>(load);
  return instant.every * static_cast<std::int64_t>(instant.rounds);
}

Nanos run_length(const Profile& profile) {
  Nanos end = profile.warm_up;
  for (const ScenarioSpec& scenario : profile.scenarios) {
    end = std::max(end, scenario.start_at + load_length(scenario.load));
  }
  return end;
}

}  // namespace stampede
