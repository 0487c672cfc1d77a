// What the tests of the profile reader share: a profile's text read, and its problems told.
#pragma once

#include <string>

#include "harness/profile/profile_reader.hpp"

namespace stampede::test {

// The profile of a text that must be good; an empty one, and a failed test, if it is not.
Profile read_good(const std::string& text);
// "line:column message | hint", one line per problem.
std::string told(const Diagnostics& problems);
// Of a text; "no problem" if there is none.
std::string problems_of(const std::string& text);

}  // namespace stampede::test
