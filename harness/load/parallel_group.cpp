#include "harness/load/parallel_group.hpp"

#include <algorithm>

namespace stampede {

ParallelGroup::~ParallelGroup() = default;

Task<void> ParallelGroup::run(const ParallelStep& step, TimePoint due) {
  const std::size_t wanted =
      std::min<std::size_t>(step.connections, std::max<std::size_t>(1, step.branches.size()));
  while (lanes_.size() < wanted) {
    // The first lane uses the connection that the user has anyway, as a page's requests do.
    HttpClient* const shared = lanes_.empty() ? &owner_.http_ : nullptr;
    lanes_.push_back(std::make_unique<VirtualUser>(owner_.worker_, owner_.scenario_,
                                                   owner_.scenario_index_, shared));
  }
  (void)owner_.http_session();  // its cookies are those of all branches
  if (endings_.size() < step.branches.size()) endings_.resize(step.branches.size());
  next_ = 0;
  seed_ = owner_.random_.next();
  ended_ = due;
  failed_ = false;
  running_ = wanted;
  for (std::size_t at = 0; at < wanted; ++at) {
    spawn(run_lane(*lanes_[at], step, due), [this](const std::exception_ptr& error) {
      // As in Worker::spawn: a bug, or the end of memory.
      if (error) std::rethrow_exception(error);
      if (--running_ == 0) owner_.sleeper_.wake();
    });
  }
  while (running_ > 0) co_await owner_.sleeper_.sleep();
  conclude(step);
}

// A lane that is free takes the next branch, as a browser's connection does; its first step is due
// when the lane is.
Task<void> ParallelGroup::run_lane(VirtualUser& lane, const ParallelStep& step, TimePoint due) {
  while (next_ < step.branches.size() && !owner_.cancelled() && !failed_) {
    const std::size_t branch = next_++;
    lane.begin_branch(owner_, Random(seed_, branch));
    co_await lane.run(step.branches[branch].steps, due);
    due = lane.due_;
    note_ending(lane, step.branches[branch], endings_[branch]);
    failed_ = failed_ || lane.state_ == VirtualUser::State::failed;
    ended_ = std::max(ended_, due);
  }
}

void ParallelGroup::note_ending(const VirtualUser& lane, const ParallelStep::Branch& branch,
                                Ending& ending) {
  ending.outcome = lane.trouble_;
  ending.status = lane.variables_.get(slot_status);
  ending.code = lane.variables_.get(slot_code);
  ending.values.clear();
  for (const std::uint32_t slot : branch.sets) {
    const Value& value = lane.variables_.get(slot);
    // Subtle: the owner's variables rest while branches run. What a branch has not changed must not
    // undo what another has.
    ending.values.push_back(value == owner_.variables_.get(slot) ? std::nullopt
                                                                 : std::optional(value));
  }
}

void ParallelGroup::conclude(const ParallelStep& step) {
  outcome_ = Outcome::ok;
  for (std::size_t branch = 0; branch < std::min(next_, step.branches.size()); ++branch) {
    if (outcome_ == Outcome::ok) outcome_ = endings_[branch].outcome;
  }
  if (owner_.cancelled()) {
    outcome_ = Outcome::unfinished;
    ended_ = now();
  }
}

void ParallelGroup::give_variables(const ParallelStep& step, Variables& to) {
  const Ending* telling = nullptr;
  for (std::size_t branch = 0; branch < std::min(next_, step.branches.size()); ++branch) {
    Ending& ending = endings_[branch];
    const auto& slots = step.branches[branch].sets;
    for (std::size_t at = 0; at < slots.size(); ++at) {
      if (ending.values[at]) to.set(slots[at], std::move(*ending.values[at]));
    }
    const bool tells_more = telling == nullptr || telling->outcome == Outcome::ok;
    if (tells_more) telling = &ending;
  }
  if (telling == nullptr) return;
  to.set(slot_status, telling->status);
  to.set(slot_code, telling->code);
  to.set_text(slot_outcome, name_of(outcome_));
}

void ParallelGroup::cancel() {
  for (const auto& lane : lanes_) lane->cancel();
}

void ParallelGroup::close_connections() noexcept {
  for (const auto& lane : lanes_) (void)lane->finish(false);
}

}  // namespace stampede
