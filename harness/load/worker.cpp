#include "harness/load/worker.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <ctime>

namespace stampede {

namespace {

constexpr Nanos probe_every{std::chrono::milliseconds{10}};
constexpr Nanos closed_tick{std::chrono::milliseconds{20}};
// A closed user whose session failed does not fall upon a dead target in a tight loop.
constexpr Nanos pause_after_failure{std::chrono::milliseconds{100}};
// Users are prepared over this part of the time that is left before the first instant, and not so
// early that a server would close their idle connections before it comes.
constexpr double prepare_spread = 0.6;
constexpr Nanos prepare_lead_max{std::chrono::seconds{25}};
constexpr std::uint64_t pacing_stream = 0x7061'6369'6E67ULL;  // "pacing"
constexpr std::uint64_t unlimited = ~std::uint64_t{0};

}  // namespace

void Mailbox::put(WorkerSecond second) {
  {
    const std::lock_guard lock(mutex_);
    seconds_.push_back(std::move(second));
  }
  arrived_.notify_one();
}

std::optional<WorkerSecond> Mailbox::take(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait(lock, stop, [this] { return !seconds_.empty(); })) return std::nullopt;
  WorkerSecond second = std::move(seconds_.front());
  seconds_.pop_front();
  return second;
}

Worker::OpenRun::OpenRun(Worker& the_worker, const CompiledScenario& the_scenario,
                         std::uint32_t scenario_index)
    : worker(the_worker),
      scenario(the_scenario),
      index(scenario_index),
      schedule(std::get<OpenLoad>(the_scenario.load), the_worker.stripe(),
               schedule_seed(the_worker.plan_.seed, scenario_index)),
      next(schedule.next()),
      users_max(the_scenario.users_max == 0 ? unlimited
                                            : the_worker.share_of(the_scenario.users_max)),
      waits(std::get<OpenLoad>(the_scenario.load).waits_when_full),
      keeps_connections(the_scenario.model == "open"),
      meter(std::get<OpenLoad>(the_scenario.load), the_worker.plan_.workers, the_scenario.start_at,
            {the_worker.plan_.warm_up, the_worker.plan_.length}),
      timer(
          [](void* self) {
            auto* run = static_cast<OpenRun*>(self);
            run->worker.serve_arrivals(*run, true);
          },
          this) {}

Worker::ClosedRun::ClosedRun(Worker& the_worker, const CompiledScenario& the_scenario,
                             std::uint32_t scenario_index)
    : worker(the_worker),
      scenario(the_scenario),
      index(scenario_index),
      users_highest(closed_users_max(std::get<ClosedLoad>(the_scenario.load))),
      sessions_left(the_worker.sessions_of(std::get<ClosedLoad>(the_scenario.load))),
      loops(users_highest),
      looping(users_highest),
      timer(
          [](void* self) {
            auto* run = static_cast<ClosedRun*>(self);
            run->worker.adjust_closed(*run);
          },
          this) {}

bool Worker::ClosedRun::take_session() noexcept {
  if (sessions_left == 0) return false;
  if (sessions_left != unlimited) --sessions_left;
  return true;
}

// A worker has sessions in proportion to its users, so that those with a user more, or without one,
// end together.
std::uint64_t Worker::sessions_of(const ClosedLoad& load) const noexcept {
  if (load.sessions_max == 0) return unlimited;
  const std::uint64_t users = closed_users_max(load);
  std::uint64_t sessions = 0;
  for (std::uint64_t user = index_; user < users; user += plan_.workers) {
    sessions += load.sessions_max / users + (user < load.sessions_max % users ? 1 : 0);
  }
  return sessions;
}

bool Worker::exhausted() const noexcept {
  return open_.empty() && instant_.empty() && !closed_.empty() && tasks_ == 0 &&
         std::ranges::all_of(closed_, [](const ClosedRun& run) { return run.sessions_left == 0; });
}

std::uint32_t Worker::ClosedRun::wanted(TimePoint at) const {
  const auto& load = std::get<ClosedLoad>(scenario.load);
  if (!worker.may_start() || at >= worker.end_) return 0;
  const Nanos offset = at - worker.start_ - scenario.start_at;
  if (offset < Nanos{0}) return 0;
  return static_cast<std::uint32_t>(std::ceil(target_at(load.start_users, load.stages, offset)));
}

Worker::Worker(const LoadPlan& plan, const Servers& servers, std::uint32_t index, TimePoint start,
               Mailbox& mailbox, RendezvousHall& hall, const HiccupTable& hiccups)
    : plan_(plan),
      index_(index),
      start_(start),
      end_(start + plan.length),
      mailbox_(mailbox),
      state_(loop_, plan, servers, index, start, hiccups),
      desk_(hall, loop_),
      second_(*this, &Worker::on_second),
      probe_(*this, &Worker::on_probe),
      length_(*this, &Worker::on_length),
      drained_(*this, &Worker::on_drained),
      measured_(*this, &Worker::on_measured) {
  state_.rendezvous = &desk_;
  std::uint32_t number = 0;
  for (const CompiledScenario& scenario : plan.run->scenarios) {
    if (std::holds_alternative<OpenLoad>(scenario.load)) {
      open_.emplace_back(*this, scenario, number);
    } else if (std::holds_alternative<ClosedLoad>(scenario.load)) {
      closed_.emplace_back(*this, scenario, number);
    } else {
      instant_.push_back({scenario, std::get<InstantLoad>(scenario.load), number});
    }
    ++number;
  }
}

Worker::~Worker() = default;

std::vector<const ArrivalMeter*> Worker::arrivals() const {
  std::vector<const ArrivalMeter*> meters;
  for (const OpenRun& run : open_) meters.push_back(&run.meter);
  return meters;
}

std::uint64_t Worker::share_of(std::uint64_t total) const noexcept {
  return total / plan_.workers + (index_ < total % plan_.workers ? 1 : 0);
}

namespace {

// Late generators measure themselves: where the machine is shared with the target, this thread goes
// first. Needs privilege; without it the run is made as it is, and the start lag tells.
void ask_for_priority() noexcept {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), generator_niceness);
}

}  // namespace

void Worker::run() noexcept {
  ask_for_priority();
  try {
    begin();
    loop_.run();
  } catch (...) {
    failure_ = std::current_exception();
    WorkerSecond last;
    last.worker = index_;
    last.second = second_number_;
    last.last = last.failed = true;
    mailbox_.put(std::move(last));
  }
}

void Worker::interrupt() {
  loop_.submit([this] {
    closing_ = true;
    if (!finished_) cancel_all();
  });
}

void Worker::begin() {
  TimerHeap& timers = state_.wire.timers();
  cpu_at_start_ = cpu_at_second_ = cpu_at_measured_ = read_cpu();
  probe_due_ = start_ + probe_every;
  timers.arm(probe_.timer, probe_due_);
  timers.arm(second_.timer, start_ + std::chrono::seconds{1});
  timers.arm(length_.timer, end_);
  timers.arm(measured_.timer, state_.measured_from);
  for (OpenRun& run : open_) serve_arrivals(run, false);
  for (ClosedRun& run : closed_) timers.arm(run.timer, start_ + run.scenario.start_at);
  for (InstantRun& run : instant_) {
    for (std::uint32_t user = index_; user < run.load.users; user += plan_.workers) {
      spawn(instant_user(run, user));
    }
  }
}

void Worker::spawn(Task<void> task) {
  ++tasks_;
  stampede::spawn(std::move(task), [this](const std::exception_ptr& error) {
    --tasks_;
    // A session ends by value; what is thrown here is a bug or the end of memory: it ends the
    // worker.
    if (error) std::rethrow_exception(error);
    finish_when_idle();
  });
}

void Worker::enlist(VirtualUser& user) {
  user.roster_place = alive_.size();
  alive_.push_back(&user);
}

void Worker::strike_off(VirtualUser& user) noexcept {
  alive_[user.roster_place] = alive_.back();
  alive_[user.roster_place]->roster_place = user.roster_place;
  alive_.pop_back();
}

void Worker::count_end(TimePoint intended, SessionEnd end) {
  SessionCounts& counts = state_.recorder_at(intended).sessions();
  switch (end) {
    case SessionEnd::completed:
      ++counts.completed;
      break;
    case SessionEnd::failed:
      ++counts.failed;
      break;
    case SessionEnd::unfinished:
      ++counts.unfinished;
      break;
  }
}

// Starts what is due and sets the timer for the arrival after that.
void Worker::serve_arrivals(OpenRun& run, bool starting) {
  const std::uint32_t drop_every = plan_.mutation.drop_arrival_every;
  const std::uint32_t repeat_every = plan_.mutation.repeat_arrival_every;
  while (run.next && starting) {
    const TimePoint intended = due_of(run), at = now();
    if (intended > at || intended >= end_) break;
    // The schedule is the queue: the user who becomes free first asks for this arrival.
    if (run.waits && run.users_alive >= run.users_max && !over_) return;
    const bool dropped = drop_every > 0 && run.next->index % drop_every == 0;
    if (!dropped) start_open_session(run, *run.next, at);
    const bool repeated = repeat_every > 0 && run.next->index % repeat_every == 0;
    if (repeated) start_open_session(run, *run.next, at);
    run.next = run.schedule.next();
  }
  if (!run.next || !may_start()) return;
  const TimePoint intended = due_of(run);
  if (intended < end_) state_.wire.timers().arm(run.timer, intended);
}

TimePoint Worker::due_of(const OpenRun& run) const noexcept {
  Nanos offset = run.next->offset;
  const Nanos tick = plan_.mutation.arrival_tick;
  if (tick > Nanos{0}) offset = (offset / tick + 1) * tick;
  return start_ + run.scenario.start_at + offset;
}

void Worker::start_open_session(OpenRun& run, const ArrivalSchedule::Arrival& arrival,
                                TimePoint at) {
  const TimePoint intended = due_of(run);
  SessionCounts& counts = state_.recorder_at(intended).sessions();
  ++counts.scheduled;
  if (ending_ || run.users_alive >= run.users_max) {
    ++counts.not_sent;
    run.meter.omit(intended - start_);
    return;
  }
  run.meter.begin(intended - start_, at - start_);
  if (run.spare.empty()) {
    run.spare.push_back(std::make_unique<VirtualUser>(state_, run.scenario, run.index));
  }
  std::unique_ptr<VirtualUser> user = std::move(run.spare.back());
  run.spare.pop_back();
  ++run.users_alive;
  enlist(*user);
  spawn(open_session(run, std::move(user), {arrival.index, arrival.index, 0}, intended));
}

Task<void> Worker::open_session(OpenRun& run, std::unique_ptr<VirtualUser> user, SessionStart start,
                                TimePoint intended) {
  user->begin(start);
  co_await user->run(run.scenario.steps, intended);
  // A session that waited for nothing runs on the stack of whoever started it.
  if (!user->waited()) co_await loop_.turn();
  count_end(intended, user->finish(run.keeps_connections));
  strike_off(*user);
  --run.users_alive;
  run.spare.push_back(std::move(user));
  if (run.waits && may_start()) serve_arrivals(run, true);
}

// Starts the users that the shape wants by now and who are not at work.
void Worker::adjust_closed(ClosedRun& run) {
  const std::uint32_t wanted = std::min(run.users_highest, run.wanted(now()));
  for (std::uint32_t user = index_; user < wanted; user += plan_.workers) {
    if (run.looping[user]) continue;
    run.looping[user] = true;
    spawn(closed_user(run, user));
  }
  const Nanos length = load_length(run.scenario.load);
  const TimePoint due = round_up(now() + Nanos{1}, closed_tick);
  if (may_start() && due < std::min(end_, start_ + run.scenario.start_at + length)) {
    state_.wire.timers().arm(run.timer, due);
  }
  finish_when_idle();  // a worker without a user, or without a session for one
}

Task<void> Worker::closed_user(ClosedRun& run, std::uint32_t number) {
  VirtualUser user(state_, run.scenario, run.index);
  enlist(user);
  TimePoint intended = now();
  while (number < run.wanted(intended) && run.take_session()) {
    const std::uint64_t session = run.loops[number]++ * run.users_highest + number;
    SessionCounts& counts = state_.recorder_at(intended).sessions();
    ++counts.scheduled;
    ++counts.closed_loop;
    user.begin({session, session, 0});
    co_await user.run(run.scenario.steps, intended);
    const SessionEnd end = user.finish(true);
    count_end(intended, end);
    if (end == SessionEnd::failed) co_await user.sleep_until(now() + pause_after_failure);
    // Steps that wait for nothing must not keep the loop from its other work.
    if (!user.waited()) co_await loop_.turn();
    if (run.scenario.pacing) {
      intended = co_await keep_pace(run, user, intended, session);
    } else {
      intended = now();
    }
  }
  strike_off(user);
  run.looping[number] = false;
}

Task<TimePoint> Worker::keep_pace(const ClosedRun& run, VirtualUser& user, TimePoint started,
                                  std::uint64_t session) {
  // Random numbers of its own: with or without pacing a session chooses the same.
  Random random(plan_.seed ^ pacing_stream, session);
  const TimePoint due = started + draw(*run.scenario.pacing, random);
  if (due <= now()) {
    // Too late, and not made up for: the next session is paced from now on.
    if (may_start()) state_.recorder_at(started).count(run.scenario.pacing_missed);
    co_return now();
  }
  const TimePoint end =
      std::min(end_, start_ + run.scenario.start_at + load_length(run.scenario.load));
  co_await user.sleep_until(std::min(due, end));
  co_return due;
}

Task<void> Worker::instant_user(InstantRun& run, std::uint32_t number) {
  VirtualUser user(state_, run.scenario, run.index);
  enlist(user);
  const TimePoint first = start_ + run.scenario.start_at;
  const double place = static_cast<double>(number) / static_cast<double>(run.load.users);
  user.begin({number, number, 0});
  const TimePoint from = std::max(start_, first - prepare_lead_max);
  co_await user.sleep_until(from + from_seconds(to_seconds(first - from) * prepare_spread * place));
  for (std::uint32_t round = 0; round < run.load.rounds; ++round) {
    const TimePoint instant = first + round * run.load.every;
    if (instant >= end_) break;
    if (!may_start()) {
      // Came due while its user was still busy with the round before, and cannot start any more.
      if (now() < instant) break;
      SessionCounts& counts = state_.recorder_at(instant).sessions();
      ++counts.scheduled;
      ++counts.not_sent;
      continue;
    }
    const std::uint64_t session = std::uint64_t{round} * run.load.users + number;
    user.begin({session, number, round});
    co_await instant_session(run, user, instant);
  }
  strike_off(user);
}

// Prepares, waits for the instant, fires. What never came due is not counted.
Task<void> Worker::instant_session(InstantRun& run, VirtualUser& user, TimePoint instant) {
  co_await user.run(run.scenario.prepare, now());
  const Nanos reaction = draw(run.load.reaction, user.random());
  co_await user.sleep_until(instant + reaction);
  if (now() >= instant) {
    ++state_.recorder_at(instant).sessions().scheduled;
    co_await user.run(run.scenario.steps, instant + reaction);
    count_end(instant, user.finish(true));
  } else {
    (void)user.finish(true);
  }
}

void Worker::on_probe() {
  const TimePoint at = now();
  state_.recorder_at(at).loop_lag(at - probe_due_);
  state_.taint.settle();
  probe_due_ += probe_every;
  // After a long stall the missed probes are not made up for: one lateness tells of the whole of
  // it.
  if (probe_due_ <= at) probe_due_ = at + probe_every;
  state_.wire.timers().arm(probe_.timer, probe_due_);
}

void Worker::on_measured() {
  cpu_at_measured_ = read_cpu();
  thread_at_measured_ = read_thread();
  connections_at_start_ = 0;
  state_.each_wire([this](Wire& wire) {
    connections_at_start_ += wire.open().connections + wire.open().websockets;
  });
}

// L7 and L8: what this thread was given between the ends of the measured window.
void Worker::close_thread_use() {
  const CpuClock cpu = read_cpu();
  const ThreadCounters counters = read_thread();
  const Nanos wall = cpu.at - cpu_at_measured_.at;
  if (wall <= Nanos{0}) return;
  measured_cpu_share_ = (cpu.seconds - cpu_at_measured_.seconds) / to_seconds(wall);
  thread_use_.name = fmt::format("load-{}", index_);
  thread_use_.cpu_share = measured_cpu_share_;
  thread_use_.involuntary_switches =
      counters.involuntary_switches - thread_at_measured_.involuntary_switches;
  thread_use_.major_faults = counters.major_faults - thread_at_measured_.major_faults;
  if (counters.waited_ns && thread_at_measured_.waited_ns) {
    thread_use_.run_queue_share =
        static_cast<double>(*counters.waited_ns - *thread_at_measured_.waited_ns) /
        static_cast<double>(wall.count());
  }
}

void Worker::on_second() {
  hand_over(false);
  ++second_number_;
  state_.wire.timers().arm(second_.timer, start_ + std::chrono::seconds{second_number_ + 1});
}

void Worker::on_length() {
  over_ = true;
  // What came due before the end and has waited for this thread still starts.
  for (OpenRun& run : open_) serve_arrivals(run, true);
  closing_ = true;
  close_thread_use();
  state_.wire.timers().arm(drained_.timer, end_ + plan_.drain);
  finish_when_idle();
}

void Worker::on_drained() { cancel_all(); }

void Worker::cancel_all() {
  if (!ending_ && !drained_.timer.armed()) {
    // Interrupted: arrivals that came due and were not served yet are part of the balance.
    ending_ = over_ = true;
    for (OpenRun& run : open_) serve_arrivals(run, true);
  }
  ending_ = true;
  // Nothing is due any more, so the time that it takes to cut thousands short is nobody's lateness.
  state_.wire.timers().disarm(probe_.timer);
  for (VirtualUser* user : alive_) user->cancel();
  finish_when_idle();
}

void Worker::finish_when_idle() {
  if (!closing_ && exhausted()) {
    ended_early_ = true;
    on_length();  // comes back here
    return;
  }
  if (!closing_ || tasks_ > 0 || finished_) return;
  finished_ = true;
  state_.taint.settle();
  for (OpenRun& run : open_) run.spare.clear();
  state_.each_wire([](Wire& wire) { wire.close_websockets(); });
  cpu_seconds_ = read_cpu().seconds - cpu_at_start_.seconds;
  hand_over(true);
  state_.each_wire([](Wire& wire) { wire.timers().stop(); });
}

namespace {

void record_traffic(Wire& wire, Recorder& recorder) {
  const Traffic traffic = std::exchange(wire.traffic(), Traffic{});
  recorder.traffic(traffic.bytes_in, traffic.bytes_out);
  recorder.redirects(traffic.redirects);
  recorder.ws_frames(traffic.frames_in, traffic.frames_out);
  recorder.streams(traffic.streams);
  for (std::uint64_t i = 0; i < traffic.connections; ++i) recorder.connection();
  recorder.connecting(wire.figures().take());
}

}  // namespace

void Worker::hand_over(bool last) {
  const TimePoint at = now();
  Recorder& recorder = state_.recorder_at(at - Nanos{1});
  state_.each_wire([&recorder](Wire& wire) { record_traffic(wire, recorder); });
  WorkerSecond second;
  second.worker = index_;
  second.second = second_number_;
  second.last = last;
  second.warm_up = state_.warm_up.take();
  second.measured = state_.measured.take();
  Snapshot& current = at <= state_.measured_from ? second.warm_up : second.measured;
  current += std::exchange(state_.remarks, Snapshot{});
  second.gauges.users_alive = alive_.size();
  state_.each_wire([&second](Wire& wire) {
    second.gauges.requests_in_flight += wire.open().requests;
    second.gauges.connections_open += wire.open().connections;
    second.gauges.websockets_open += wire.open().websockets;
  });
  const CpuClock cpu = read_cpu();
  const double wall = to_seconds(cpu.at - cpu_at_second_.at);
  if (wall > 0) second.cpu_share = (cpu.seconds - cpu_at_second_.seconds) / wall;
  cpu_at_second_ = cpu;
  mailbox_.put(std::move(second));
}

Worker::CpuClock Worker::read_cpu() noexcept {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return {now(), static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9};
}

}  // namespace stampede
