// What a user does when steps are tried again, run side by side, or wait for other users.
#include <algorithm>
#include <charconv>

#include "harness/load/parallel_group.hpp"
#include "harness/load/rendezvous.hpp"
#include "harness/load/virtual_user.hpp"
#include "harness/protocol/request_text.hpp"
#include "harness/protocol/retry_after.hpp"

namespace stampede {

// A branch of a parallel step: the owner's session in all but the random numbers.
void VirtualUser::begin_branch(const VirtualUser& owner, Random random) {
  state_ = State::running;
  attention_ = false;
  trouble_ = Outcome::ok;
  strict_ = owner.strict_;
  user_ = owner.user_;
  session_ = owner.session_;
  entered_ = true;
  last_named_ = owner.last_named_;
  variables_ = owner.variables_;
  http_session_ = owner.http_session_;
  random_ = random;
}

void VirtualUser::note_outcome(const CompiledStep& step, Outcome outcome) noexcept {
  attention_ = true;
  last_outcome_ = outcome;
  last_series_ = step.series;
  fatal_ = false;
  retry_after_ = Nanos{0};
}

void VirtualUser::note_retry_after(const Exchange& exchange) {
  for (const auto& [name, value] : exchange.headers) {
    if (!same_header(name, "retry-after")) continue;
    retry_after_ = parse_retry_after(value, std::chrono::system_clock::now()).value_or(Nanos{0});
  }
}

std::int64_t wait_asked_for_ms(unsigned status, std::string_view body,
                               std::string_view retry_after) noexcept {
  constexpr std::string_view name = "\"retryAfterMs\"";
  constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
  const std::size_t member = status >= 400 ? body.find(name) : std::string_view::npos;
  const std::size_t at = member == std::string_view::npos
                             ? std::string_view::npos
                             : body.find_first_not_of(" :", member + name.size());
  std::int64_t ms = 0;
  if (at != std::string_view::npos &&
      std::from_chars(body.data() + at, body.data() + body.size(), ms).ec == std::errc{}) {
    return std::clamp<std::int64_t>(ms, 0, day_ms);
  }
  if (retry_after.empty()) return 0;
  const auto wait = parse_retry_after(retry_after, std::chrono::system_clock::now());
  return wait ? std::chrono::ceil<std::chrono::milliseconds>(*wait).count() : 0;
}

void VirtualUser::note_wait_asked_for(const Exchange& exchange) {
  std::string_view header;
  for (const auto& [name, value] : exchange.headers) {
    if (same_header(name, "retry-after")) header = value;
  }
  variables_.set_integer(slot_retry_after_ms,
                         wait_asked_for_ms(exchange.status, exchange.body, header));
}

Nanos VirtualUser::think_time(const ThinkStep& step) {
  if (!step.ms) {
    const Nanos drawn = draw(step.duration, random_);
    worker_.draws.think(step, drawn);
    return drawn;
  }
  const auto value = worker_.expressions.evaluate(*step.ms, variables_, random_);
  if (!value) {
    fail_script(*step.ms, value.error());
    return Nanos{0};
  }
  const auto* const whole = std::get_if<std::int64_t>(&*value);
  const auto* const number = std::get_if<double>(&*value);
  if (whole == nullptr && number == nullptr) {
    fail_script(*step.ms, "it is no number of milliseconds");
    return Nanos{0};
  }
  const double ms = whole != nullptr ? static_cast<double>(*whole) : *number;
  if (!(ms <= think_ms_max)) {
    fail_script(*step.ms, fmt::format("{} ms is no time to think: 7 days are the most", ms));
    return Nanos{0};
  }
  return ms > 0 ? from_seconds(ms / 1e3) : Nanos{0};
}

void VirtualUser::fail_unless_retried(const CompiledStep& step, Outcome kind, std::string text) {
  if (!step.guarded) return fail(kind, std::move(text));
  fatal_ = true;  // attend() sees to it
}

bool VirtualUser::attend() {
  attention_ = false;
  if (last_outcome_ == Outcome::ok) return false;
  for (std::size_t depth = stack_.size(); depth-- > 0;) {
    Cursor& cursor = stack_[depth];
    if (cursor.retry == nullptr || (cursor.retry->on & set_of(last_outcome_)) == 0) continue;
    const RetryStep& retry = *cursor.retry;
    if (cursor.passes < retry.times) {
      worker_.recorder_at(due_).count(retry.retries);
      due_ += retry_wait(retry, cursor.passes++);
      cursor.next = 0;
      stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(depth) + 1, stack_.end());
      return true;
    }
    // Used up: what is left of it is passed over, and the next retry around it is asked.
    worker_.recorder_at(due_).count(retry.exhausted);
    stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(depth), stack_.end());
  }
  if (trouble_ == Outcome::ok) trouble_ = last_outcome_;
  if (strict_ || fatal_) {
    fail(last_outcome_, fmt::format("{} ended as {}", worker_.plan.run->series[last_series_].step,
                                    name_of(last_outcome_)));
  }
  return false;
}

// Before the further try that follows on `tries` of them.
Nanos VirtualUser::retry_wait(const RetryStep& retry, std::uint32_t tries) {
  double seconds = to_seconds(draw(retry.wait, random_));
  const double most = to_seconds(retry.wait_max);
  for (std::uint32_t i = 0; i < tries && seconds < most; ++i) seconds *= retry.backoff;
  const Nanos wait = std::min(from_seconds(std::min(seconds, most)), retry.wait_max);
  if (!retry.retry_after) return wait;
  return std::max(wait, std::min(retry_after_, retry.wait_max));
}

Task<void> VirtualUser::perform_together(const CompiledStep& step) {
  if (const auto* parallel = std::get_if<ParallelStep>(&step.action)) {
    return perform_parallel(step, *parallel);
  }
  return perform_rendezvous(step, std::get<RendezvousStep>(step.action));
}

Task<void> VirtualUser::perform_parallel(const CompiledStep& step, const ParallelStep& parallel) {
  if (!group_) group_ = std::make_unique<ParallelGroup>(*this);
  const TimePoint due = due_, began = now();
  Recorder& recorder = worker_.recorder_at(due);
  recorder.begin_request(due);
  co_await group_->run(parallel, due);
  group_->give_variables(parallel, variables_);
  const Outcome outcome = group_->outcome();
  const TimePoint done = std::max(began, group_->ended());
  record_sample(step, recorder, {due, began, {}, done, outcome}, 0, "a branch ended so");
  due_ = done;
  // What failed has told why.
  if (!group_->failed() || !running()) co_return;
  if (step.guarded) {
    fatal_ = true;
  } else {
    state_ = State::failed;
  }
}

Task<void> VirtualUser::perform_rendezvous(const CompiledStep& step,
                                           const RendezvousStep& rendezvous) {
  const TimePoint began = now();
  Recorder& recorder = worker_.recorder_at(began);
  recorder.begin_request(began);
  RendezvousDesk& desk = *worker_.rendezvous;
  RendezvousDesk::Waiter waiter;
  waiter.point = rendezvous.point;
  waiter.bed = &sleeper_;
  desk.arrive(waiter);
  timer_fired_ = false;
  waited_ = true;
  worker_.wire.timers().arm(timer_, round_up(began + step.timeout, coarse_grid));
  while (!waiter.released && !cancelled()) {
    co_await sleeper_.sleep();
    // Whoever has waited longest lets all go; if they go already, the word of it is on its way.
    if (std::exchange(timer_fired_, false) && !waiter.released) desk.time_out(waiter);
  }
  worker_.wire.timers().disarm(timer_);
  desk.leave(waiter);
  if (waiter.released) co_await sleep_until(waiter.instant);
  Outcome outcome = waiter.complete ? Outcome::ok : Outcome::timed_out;
  if (cancelled()) outcome = Outcome::unfinished;
  variables_.set_text(slot_outcome, name_of(outcome));
  const TimePoint done = cancelled() ? now() : waiter.instant;
  record_sample(step, recorder, {began, began, {}, done, outcome}, 0, "not all came in time");
  due_ = done;
}

}  // namespace stampede
