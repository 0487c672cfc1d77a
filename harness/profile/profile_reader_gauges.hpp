// `gauges`: figures of the target that are read once a second beside the load.
#pragma once

#include <vector>

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

void read_gauges(const YamlNode* node, const Values& values, Problems& problems,
                 std::vector<GaugeSpec>& into);

}  // namespace stampede
