// The `shape` of an open scenario: one named curve with its settings.
#pragma once

#include "harness/profile/load_shape.hpp"
#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

inline constexpr double rate_max = 1e6;  // sessions per second

// Reports what is wrong; an empty plan then.
StagePlan read_shape(const YamlNode& node, Problems& problems, const Values& values);

}  // namespace stampede
