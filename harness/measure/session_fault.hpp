// Why a session ended early for a reason of the profile, not of the target: no outcome of a request
// tells of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace stampede {

enum class SessionFault : std::uint8_t {
  script_error,    // an expression or a function of the profile ended in an error
  data_exhausted,  // a feeder had no row left
};
inline constexpr std::size_t session_fault_count = 2;
inline constexpr std::array<std::string_view, session_fault_count> session_fault_names{
    "script_error", "data_exhausted"};

struct FaultTally {
  std::uint64_t sessions = 0;
  std::string example;  // of one of them; merging keeps the first in alphabetical order

  FaultTally& operator+=(const FaultTally& other) {
    sessions += other.sessions;
    if (example.empty() || (!other.example.empty() && other.example < example)) {
      example = other.example;
    }
    return *this;
  }
  bool operator==(const FaultTally&) const = default;
};
using FaultTallies = std::array<FaultTally, session_fault_count>;

}  // namespace stampede
