#include "harness/profile/profile_reader_starts.hpp"

#include <algorithm>
#include <optional>

namespace stampede {

namespace {

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::optional<std::size_t> find(const std::vector<ScenarioSpec>& scenarios, std::string_view name) {
  for (std::size_t at = 0; at < scenarios.size(); ++at) {
    if (scenarios[at].name == name) return at;
  }
  return std::nullopt;
}

std::string hint_of(const std::string& name, const std::vector<ScenarioSpec>& scenarios) {
  std::vector<std::string> names;
  for (const ScenarioSpec& scenario : scenarios) names.push_back(scenario.name);
  const std::string_view near = nearest(name, names);
  if (!near.empty()) return "did you mean " + in_quotes(near) + "?";
  std::string all;
  for (const std::string& each : names) all += (all.empty() ? "known are " : ", ") + each;
  return all;
}

}  // namespace

// Each scenario follows one other at most, so whoever can be placed hangs on a chain that begins
// with one that follows none; what is left over goes round in a circle.
void ScenarioStarts::resolve(std::vector<ScenarioSpec>& scenarios, Problems& problems) const {
  std::vector<std::optional<std::size_t>> follows(scenarios.size());
  std::vector<bool> placed(scenarios.size());
  for (std::size_t at = 0; at < scenarios.size(); ++at) {
    const YamlNode* const node = at < nodes_.size() ? nodes_[at] : nullptr;
    if (node != nullptr) follows[at] = find(scenarios, scenarios[at].start_after);
    placed[at] = !follows[at];
    if (node == nullptr || follows[at] || node->kind != YamlNode::Kind::scalar) continue;
    problems.report(*node, "unknown scenario " + in_quotes(scenarios[at].start_after),
                    hint_of(scenarios[at].start_after, scenarios));
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t at = 0; at < scenarios.size(); ++at) {
      if (placed[at] || !placed[*follows[at]]) continue;
      const ScenarioSpec& other = scenarios[*follows[at]];
      scenarios[at].start_at += other.start_at + load_length(other.load);
      placed[at] = moved = true;
    }
  }
  for (std::size_t at = 0; at < scenarios.size(); ++at) {
    if (placed[at]) continue;
    placed[at] = true;
    std::string circle = scenarios[at].name;
    for (std::size_t next = *follows[at];; next = *follows[next]) {
      circle += " → " + scenarios[next].name;
      // A scenario that only leads into the circle ends where it would go round again.
      if (placed[next]) break;
      placed[next] = true;
    }
    problems.report(*nodes_[at], "scenarios that start after each other: " + circle,
                    "one of them must start by itself");
  }
}

}  // namespace stampede
