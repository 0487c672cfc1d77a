// Figures for people: three significant digits, the unit that fits, thousands separated.
// Machine-read forms never use these.
#pragma once

#include <cstdint>
#include <string>

#include "harness/time.hpp"

namespace stampede {

std::string human_duration(Nanos duration);    // "143 ms", "1.26 s", "98.3 µs", "0 ms"
std::string human_count(std::uint64_t count);  // "68,214"
std::string human_rate(double per_second);     // "1,012/s", "12.3/s", "0/s"
std::string human_share(double share);         // "0.42 %", "0 %"
std::string human_bytes(std::uint64_t bytes);  // "1.26 GiB", "512 B"
std::string human_number(double number);       // "1,012", "12.3", "0.00012"

}  // namespace stampede
