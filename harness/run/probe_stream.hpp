// L11: beside the load, one idempotent step of the profile is repeated at a low rate by a thread
// and connections of its own. What queues inside the generator's workers does not delay it, so if
// the load's answers take longer than the probes' the difference was made here.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "harness/load/load.hpp"
#include "harness/measure/self_measure.hpp"
#include "harness/profile/profile.hpp"
#include "harness/topology/boxoffice_admin.hpp"

namespace stampede {

// The step to repeat as a profile of its own, or why there is none.
struct ProbeChoice {
  std::optional<Profile> profile;  // one scenario, one step
  std::string scenario, step;
  std::string absent;
  bool applicable = true;
};
// The first GET of an open scenario that needs nothing of an earlier answer, at most 1 % of the
// sessions a second, and only if that gives enough probes to compare.
[[nodiscard]] ProbeChoice choose_probe(const Profile& profile);

class ProbeStreamRun {
 public:
  // `plan`: of the load; what it refers to outlives this object.
  ProbeStreamRun(const Profile& profile, const LoadPlan& plan);
  ~ProbeStreamRun();  // cuts the stream off
  ProbeStreamRun(ProbeStreamRun&&) = delete;
  void start(std::stop_token stop);
  // Waits for its end and tells what it saw.
  void finish(SelfMeasure& into);

 private:
  ProbeChoice choice_;
  CompiledRun compiled_;
  LoadPlan plan_;
  std::optional<Histogram> response_;
  std::stop_source cut_;
  std::thread thread_;
};

}  // namespace stampede
