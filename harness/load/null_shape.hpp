// The requests of a run, changed so that a server that knows one answer ("ok") can take them: what
// the instrument is calibrated with (L10). Method, path, headers, body, connection policy and users
// are the run's own, and so is the mix of scenarios and branches. What needs a real answer is left
// out: captures, checks, records, conditions, streams, waits between steps. A variable that an
// answer would set holds a text of ordinary length.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/scenario/scenario.hpp"
#include "harness/time.hpp"

namespace stampede {

class NullShape {
 public:
  // nullopt: the run has no HTTP request that counts in the totals.
  [[nodiscard]] static std::optional<NullShape> of(const CompiledRun& run);

  // About `users` users (at least one a scenario) ask one request after the other for so long. A
  // scenario has as many of them as its part of the load: sessions a second, or users.
  [[nodiscard]] CompiledRun hurried(std::uint32_t users, Nanos length) const;
  // One user a scenario; all together ask one request every `between`.
  [[nodiscard]] CompiledRun leisurely(Nanos between, Nanos length) const;

 private:
  CompiledRun run_;
  std::vector<double> weights_;  // of its scenarios, sum 1
};

}  // namespace stampede
