// The switches of all instances as one: what is changed at one of them is told on the board, and
// every instance follows.
#pragma once

#include <memory>

#include "target/parts.hpp"
#include "target/service/switch_board.hpp"

namespace boxoffice {

// Tells the others what this instance's switches are now and waits until those that live have
// followed, two seconds at most; false: one has not. Throws StoreUnavailable.
Task<bool> share_switches(SwitchBoard& board, const Switches& switches);

// share_switches() on a line of its own, for which the faults of the lab do not hold: else a Redis
// that drops everything could not be told to stop that. Connected when it is first needed.
class SwitchTeller {
 public:
  explicit SwitchTeller(ThreadContext& thread) noexcept : thread_(thread) {}
  // As share_switches().
  Task<bool> tell();
  // The line itself, connected or not; there after the first tell().
  [[nodiscard]] std::shared_ptr<RedisClient> line() const noexcept { return line_; }

 private:
  ThreadContext& thread_;
  std::shared_ptr<RedisClient> line_;
  std::unique_ptr<SwitchBoard> board_;
};

// Follows what others tell from now on (what was told before the start is not for us), until
// thread.stop. Defects and faults are followed in lab mode only. Sets *thread.following after the
// first look. Once per process.
[[nodiscard]] std::shared_ptr<void> follow_switches(ThreadContext& thread);

}  // namespace boxoffice
