// Compares a text with a file below tests/golden. UPDATE_GOLDEN=1 in the environment rewrites the
// file.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace stampede {

testing::AssertionResult matches_golden(const std::string& name, const std::string& text);

}  // namespace stampede
