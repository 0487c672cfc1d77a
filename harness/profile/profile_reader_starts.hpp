// When scenarios start that follow others (`start_after`).
#pragma once

#include <vector>

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

class ScenarioStarts {
 public:
  // To be called for every scenario, in order, with its `start_after` (nullptr: none).
  void note(const YamlNode* node) { nodes_.push_back(node); }
  // Moves the start of each scenario that follows another to the end of the other's load, plus its
  // own `start_at`. Reports unknown names and circles.
  void resolve(std::vector<ScenarioSpec>& scenarios, Problems& problems) const;

 private:
  std::vector<const YamlNode*> nodes_;
};

}  // namespace stampede
