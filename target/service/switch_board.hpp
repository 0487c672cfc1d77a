// Where instances that share a Redis follow each other's switches: what an operator changes at one
// of them is written here, and each looks several times a second.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "target/domain/task.hpp"

namespace boxoffice {

struct SwitchNote {
  std::uint64_t version = 0;  // grows; Redis' clock in microseconds
  std::string text;           // JSON, see http/shared_switches.cpp
};

// Redis. All throw StoreUnavailable("redis").
class SwitchBoard {
 public:
  virtual ~SwitchBoard() = default;
  virtual Task<std::uint64_t> publish(std::string text) = 0;  // its version
  // The newest note, if there is one; and that `instance` lives and has applied `version`.
  virtual Task<std::optional<SwitchNote>> look(std::string instance, std::uint64_t version) = 0;
  // True when every instance that looked within the last two seconds has applied `version`.
  virtual Task<bool> followed(std::uint64_t version) = 0;
};

}  // namespace boxoffice
