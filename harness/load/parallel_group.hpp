// The branches of a `parallel` step: lanes of one user, each with a connection of its own that the
// user keeps, run them side by side. A lane is a user of its own kind: it acts as the session, with
// a copy of its variables and random numbers that depend on the branch alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "harness/load/virtual_user.hpp"

namespace stampede {

class ParallelGroup {
 public:
  explicit ParallelGroup(VirtualUser& owner) : owner_(owner) {}
  ParallelGroup(const ParallelGroup&) = delete;
  ParallelGroup& operator=(const ParallelGroup&) = delete;
  ~ParallelGroup();

  // Runs all branches; the owner's coroutine waits, whatever happens to the session, until the last
  // has ended. `due` is when they are intended to start.
  Task<void> run(const ParallelStep& step, TimePoint due);
  // All that is in flight ends as unfinished.
  void cancel();
  void close_connections() noexcept;

  // Of the last run:
  [[nodiscard]] TimePoint ended() const noexcept { return ended_; }
  // ok, or that of the first branch (in the profile's order) that had another.
  [[nodiscard]] Outcome outcome() const noexcept { return outcome_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // Hands the branches' variables to the owner, in the profile's order.
  void give_variables(const ParallelStep& step, Variables& to);

 private:
  struct Ending {
    Outcome outcome = Outcome::ok;
    // In the order of Branch::sets; nullopt: as it was before.
    std::vector<std::optional<Value>> values;
    Value status, code;
  };
  Task<void> run_lane(VirtualUser& lane, const ParallelStep& step, TimePoint due);
  void note_ending(const VirtualUser& lane, const ParallelStep::Branch& branch, Ending& ending);
  void conclude(const ParallelStep& step);

  VirtualUser& owner_;
  std::vector<std::unique_ptr<VirtualUser>> lanes_;
  std::vector<Ending> endings_;  // by branch
  std::size_t next_ = 0;         // branch
  std::size_t running_ = 0;      // lanes
  std::uint64_t seed_ = 0;
  TimePoint ended_;
  Outcome outcome_ = Outcome::ok;
  bool failed_ = false;
};

}  // namespace stampede
