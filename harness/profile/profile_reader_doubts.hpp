// What a profile with problems leaves open, so that whoever looks further at what could be read of
// it does not take a consequence of one problem for another. Knows the tree of nodes, not YAML.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "harness/profile/profile_reader.hpp"
#include "harness/profile/profile_reader_yaml.hpp"

namespace stampede {

// `problems` are those of the tree; `file` is its own.
[[nodiscard]] Doubts doubts_of(const YamlNode& root, const Diagnostics& problems,
                               std::string_view file);
// The names of all steps that are written anywhere, whether they can be read or not.
[[nodiscard]] std::set<std::string> step_names_in(const YamlNode& root);

}  // namespace stampede
