// YAML → Profile. The only file (with its .cpp) that knows yaml-cpp. Reports every problem of a
// profile at once.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/profile/profile.hpp"

namespace stampede {

// `sets` are "dotted.path=value" overrides from the command line (value is YAML), applied before
// checking; a problem in one is reported with the file name "--set". Limits: 1 MiB of text, 64
// levels of nesting.
[[nodiscard]] Checked<Profile> read_profile(std::string_view yaml, std::string_view file_name,
                                            const std::vector<std::string>& sets = {});

// Of a profile with problems: what is not certain because of them.
struct Doubts {
  // Names that the text gives to variables somewhere, whether it could be read there or not; and
  // those of its feeders and of its secrets, which stand before a dot.
  std::set<std::string> names, groups;
  std::set<std::string> sections;          // top-level keys that hold a problem
  bool everything = false;                 // a problem that lies in none of them
  std::set<std::pair<int, int>> places{};  // of the problems: line and column
  [[nodiscard]] bool in(const std::string& section) const {
    return everything || sections.contains(section);
  }
  // Has a problem been told at just this place?
  [[nodiscard]] bool at(Place place) const { return places.contains({place.line, place.column}); }
};
// A profile with problems as far as it could be read, for those who look for more of them; it must
// not be run. Without any it is what read_profile() gives, and there are no doubts.
struct ProfileReading {
  Profile profile;
  Diagnostics problems;
  std::optional<Doubts> doubts;
  bool readable = true;  // false: not even a tree of YAML
};
[[nodiscard]] ProfileReading read_profile_in_part(std::string_view yaml, std::string_view file_name,
                                                  const std::vector<std::string>& sets = {});

}  // namespace stampede
