// YAML → Profile. The only file (with its .cpp) that knows yaml-cpp. Reports every problem of a
// profile at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profile.hpp"

namespace stampede {

// `sets` are "dotted.path=value" overrides from the command line (value is YAML), applied before
// checking; a problem in one is reported with the file name "--set". Limits: 1 MiB of text, 64
// levels of nesting.
[[nodiscard]] Checked<Profile> read_profile(std::string_view yaml, std::string_view file_name,
                                            const std::vector<std::string>& sets = {});

}  // namespace stampede
