// The self-checks of a load that was really driven, for tests that plant a fault and look at its
// row.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/judge/validity.hpp"
#include "harness/load/null_target.hpp"
#include "tests/integration/load/profile_builder.hpp"

namespace stampede::test {

struct JudgedWith {
  std::optional<NullTarget> null_target{};
  ValiditySpec limits{};
  bool steady_plan = false;
};
std::vector<Finding> judged(const Driven& driven, const JudgedWith& with = {});

// Throws when there is none.
Finding row_of(const std::vector<Finding>& findings, const std::string& rule);
void expect_held(const std::vector<Finding>& findings, const std::vector<std::string>& rules);
void expect_invalid(const std::vector<Finding>& findings, const std::string& rule);
// It may warn: how quiet this machine is decides no test.
void expect_not_invalid(const std::vector<Finding>& findings, const std::string& rule);

}  // namespace stampede::test
