// The gates on gauges, which begin with the word `gauge`; threshold.hpp has the grammar.
#pragma once

#include <string_view>

#include "harness/profile/threshold.hpp"

namespace stampede {

[[nodiscard]] bool is_gauge_gate(std::string_view expression);
// A failure holds one diagnostic whose column counts from 1 within `expression`.
[[nodiscard]] Checked<Threshold> parse_gauge_gate(std::string_view expression);

}  // namespace stampede
