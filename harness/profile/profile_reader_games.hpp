// Auctions and practice rooms of `data`.
#pragma once

#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

// One of two words; whether it is the second. Absent: it is not.
void read_word(const YamlNode* node, const Values& values, Problems& problems,
               const std::vector<std::string>& known, bool& second);
void read_games(const Fields& data, const Values& values, Problems& problems, DataSpec& into);

}  // namespace stampede
