// The coordinator of a load: makes the workers, joins what they hand over, and keeps the totals.
#include <pthread.h>
#include <sys/resource.h>

#include <stdexcept>
#include <thread>

#include "harness/load/crowd_size.hpp"
#include "harness/load/self_monitor.hpp"
#include "harness/load/server_address.hpp"
#include "harness/load/worker.hpp"

namespace stampede {

namespace {

constexpr std::uint64_t descriptors_of_the_process = 200;

// HTTP connections of one user at once.
std::uint64_t http_connections(const Steps& steps) {
  std::uint64_t most = 1;
  for (const CompiledStep& step : steps) {
    if (const auto* parallel = std::get_if<ParallelStep>(&step.action)) {
      most = std::max<std::uint64_t>(
          most, std::min<std::size_t>(parallel->connections, parallel->branches.size()));
    }
    for (const Steps* list : nested_steps(step)) most = std::max(most, http_connections(*list));
  }
  return most;
}

// Every user with its HTTP connections, and with a WebSocket and an event stream beside them where
// its steps open one.
struct Connections {
  std::uint64_t least = 0, most = 0;
};
Connections connections_planned(const CompiledRun& run) {
  Connections planned;
  for (const CompiledScenario& scenario : run.scenarios) {
    planned.least += users_highest(scenario);
    const std::uint64_t http =
        std::max(http_connections(scenario.steps), http_connections(scenario.prepare));
    planned.most += users_highest(scenario) * (http + streams_at_once(scenario));
  }
  return planned;
}

// The limit after trying to have `wanted`; only a privileged process may raise the hard limit.
std::uint64_t raise_descriptor_limit(std::uint64_t wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const rlimit raised{wanted, wanted};
  if (limit.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  return limit.rlim_max;
}

std::string descriptor_text(std::uint64_t needed, std::uint64_t limit) {
  return fmt::format(
      "{} open files, and the limit is {}: raise it with `ulimit -Hn {}` as root, in "
      "/etc/security/limits.conf (nofile), or with LimitNOFILE= of the service",
      needed, limit, needed);
}

void require_descriptors(const Connections& planned) {
  const std::uint64_t limit = raise_descriptor_limit(planned.most + descriptors_of_the_process);
  const std::uint64_t least = planned.least + descriptors_of_the_process;
  if (limit < least) {
    throw std::runtime_error("this load needs " + descriptor_text(least, limit));
  }
}

std::uint64_t arrivals_measured(const LoadPlan& plan) {
  std::uint64_t total = 0;
  std::uint32_t index = 0;
  for (const CompiledScenario& scenario : plan.run->scenarios) {
    const Nanos from = plan.warm_up - scenario.start_at, to = plan.length - scenario.start_at;
    if (const auto* open = std::get_if<OpenLoad>(&scenario.load)) {
      total += count_arrivals(*open, schedule_seed(plan.seed, index), from, to);
    } else if (const auto* instant = std::get_if<InstantLoad>(&scenario.load)) {
      for (std::uint32_t round = 0; round < instant->rounds; ++round) {
        const Nanos at = round * instant->every;
        if (at >= from && at < to) total += instant->users;
      }
    }
    ++index;
  }
  return total;
}

// Puts the workers' seconds together: a second is complete when every worker has told of it or has
// finished.
class Assembly {
 public:
  Assembly(const LoadPlan& plan, LoadOutcome& outcome,
           const std::function<void(const LoadSecond&)>& each_second)
      : plan_(plan), outcome_(outcome), each_second_(each_second), told_(plan.workers) {}

  void add(WorkerSecond part) {
    LoadSecond& second = at(part.second);
    second.delta_warm_up += part.warm_up;
    second.delta_measured += part.measured;
    second.gauges.users_alive += part.gauges.users_alive;
    second.gauges.requests_in_flight += part.gauges.requests_in_flight;
    second.gauges.connections_open += part.gauges.connections_open;
    second.gauges.websockets_open += part.gauges.websockets_open;
    second.worker_cpu = std::max(second.worker_cpu, part.cpu_share);
    keep_apart(part);
    outcome_.warm_up += part.warm_up;
    outcome_.measured += part.measured;
    told_[part.worker] = part.last ? finished : part.second + 1;
    deliver();
  }
  [[nodiscard]] bool complete() const {
    return std::all_of(told_.begin(), told_.end(), [](std::uint64_t t) { return t == finished; });
  }

 private:
  // L16: what each worker was answered, in all and by second.
  void keep_apart(const WorkerSecond& part) {
    constexpr std::uint64_t answers_of_a_second_min = 20;
    if (plan_.workers < 2) return;
    std::vector<WorkerAnswers>& workers = outcome_.self.workers;
    workers.resize(plan_.workers);
    Histogram answers;
    for (std::size_t id = 0; id < part.measured.series.size(); ++id) {
      if (plan_.run->series[id].waits) continue;
      for (std::size_t i = 0; i < outcome_count; ++i) {
        if (is_answered(static_cast<Outcome>(i))) answers += part.measured.series[id].response[i];
      }
    }
    if (answers.empty()) return;
    WorkerAnswers& into = workers[part.worker];
    if (answers.count() >= answers_of_a_second_min) {
      into.p95_seconds.push_back(to_seconds(*answers.quantile(0.95)));
    }
    into.response += answers;
  }

  static constexpr std::uint64_t finished = ~std::uint64_t{0};

  LoadSecond& at(std::uint32_t number) {
    while (delivered_ + open_.size() <= number) {
      LoadSecond second;
      second.second = static_cast<std::uint32_t>(delivered_ + open_.size());
      const Nanos start = std::chrono::seconds{second.second};
      second.warm_up = start < plan_.warm_up;
      second.drain = start >= plan_.length;
      open_.push_back(std::move(second));
    }
    return open_[number - delivered_];
  }
  void deliver() {
    const std::uint64_t told = *std::min_element(told_.begin(), told_.end());
    while (!open_.empty() && delivered_ < told) {
      LoadSecond& second = open_.front();
      second.delta = second.delta_measured;
      second.delta += second.delta_warm_up;
      if (each_second_) each_second_(second);
      open_.pop_front();
      ++delivered_;
    }
  }

  const LoadPlan& plan_;
  LoadOutcome& outcome_;
  const std::function<void(const LoadSecond&)>& each_second_;
  std::vector<std::uint64_t> told_;  // by worker: seconds complete so far
  std::deque<LoadSecond> open_;
  std::size_t delivered_ = 0;
};

}  // namespace

std::string descriptor_warning(const CompiledRun& run) {
  const std::uint64_t most = connections_planned(run).most + descriptors_of_the_process;
  const std::uint64_t limit = raise_descriptor_limit(most);
  if (limit >= most) return {};
  return "with every user connected twice at once this load needs " + descriptor_text(most, limit);
}

namespace {

// L12, L13: the workers' books put together.
void join_books(const std::vector<std::unique_ptr<Worker>>& workers, const LoadPlan& plan,
                bool ended_early, SelfMeasure& self) {
  LittleIdentity identity;
  std::uint64_t service = 0, left = 0;
  for (const auto& worker : workers) {
    identity.integral += worker->books().integral();
    identity.residence += worker->books().residence();
    identity.left_over += worker->books().inside();
    service += worker->books().service();
    left += worker->books().left();
  }
  self.identity = identity;
  if (!self.in_flight) return;
  // A load that ended before its time was watched for as long as it lasted.
  const double window =
      ended_early ? self.in_flight->watched_seconds : to_seconds(plan.length - plan.warm_up);
  const double seconds = static_cast<double>(service) / 1e9;
  if (window > 0) self.in_flight->computed_mean = seconds / window;
  // Looks misjudge each request's time by half the time between two at most, independently.
  if (seconds > 0) {
    self.in_flight->standard_error =
        self.in_flight->interval_rms / 2 * std::sqrt(static_cast<double>(left)) / seconds;
  }
  for (const ThreadUse& thread : self.threads) {
    self.in_flight->unclocked_max +=
        std::min(1.0, thread.cpu_share + thread.run_queue_share.value_or(0));
  }
}

// L3–L9 and L18, after the workers have finished.
void join_self(const std::vector<std::unique_ptr<Worker>>& workers, const LoadPlan& plan,
               const Snapshot& measured, bool ended_early, SelfMeasure& self) {
  std::vector<std::string> open_names;
  for (const CompiledScenario& scenario : plan.run->scenarios) {
    if (std::holds_alternative<OpenLoad>(scenario.load)) open_names.push_back(scenario.name);
  }
  std::vector<const DrawCounts*> draws;
  self.connections = measured.connections;
  for (const auto& worker : workers) {
    self.threads.push_back(worker->thread_use());
    self.connections += worker->connections_at_start();
    draws.push_back(&worker->draws());
    if (self.hiccups) {
      self.hiccups->samples += worker->taint().samples();
      self.hiccups->tainted += worker->taint().tainted();
    }
    const auto meters = worker->arrivals();
    for (std::size_t i = 0; i < meters.size(); ++i) {
      ArrivalShape shape = meters[i]->shape();
      shape.scenario = open_names[i];
      if (i < self.arrivals.size()) {
        join(self.arrivals[i], shape);
      } else {
        self.arrivals.push_back(std::move(shape));
      }
      self.arrival_seconds = joined(std::move(self.arrival_seconds), meters[i]->seconds());
    }
  }
  self.draws = DrawCounts::joined(*plan.run, draws);
  join_books(workers, plan, ended_early, self);
}

}  // namespace

LoadOutcome drive(const LoadPlan& plan, std::stop_token stop,
                  const std::function<void(const LoadSecond&)>& each_second) {
  const Connections connections = connections_planned(*plan.run);
  require_descriptors(connections);
  const Servers servers = servers_of(plan, connections.most);

  LoadOutcome outcome;
  outcome.ledger = Ledger(plan.ledger_entries_max);
  outcome.scheduled_measured = arrivals_measured(plan);
  Mailbox mailbox;
  RendezvousHall hall(plan.run->rendezvous);
  std::vector<std::unique_ptr<Worker>> workers;
  // A little ahead, so that no worker begins late.
  outcome.started = now() + std::chrono::milliseconds{20};
  SelfMonitor monitor({outcome.started + plan.warm_up, outcome.started + plan.length},
                      plan.slo / 10);
  std::vector<const ResidenceBooks*> books;
  for (std::uint32_t i = 0; i < plan.workers; ++i) {
    workers.push_back(std::make_unique<Worker>(plan, servers, i, outcome.started, mailbox, hall,
                                               monitor.hiccups()));
    books.push_back(&workers.back()->books());
  }
  if (plan.watch_self) monitor.start(std::move(books));
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    threads.emplace_back([&worker = *workers[i]] { worker.run(); });
    pthread_setname_np(threads.back().native_handle(), fmt::format("load-{}", i).c_str());
  }
  const auto interrupt_all = [&workers] {
    for (auto& worker : workers) worker->interrupt();
  };

  Assembly assembly(plan, outcome, each_second);
  bool interrupted = false;
  while (!assembly.complete()) {
    auto part = mailbox.take(interrupted ? std::stop_token{} : stop);
    const bool stopped = !part;
    if (stopped || part->failed) interrupt_all();
    if (part) assembly.add(std::move(*part));
    interrupted = interrupted || stopped;
  }
  threads.clear();
  outcome.ended = now();
  monitor.stop();
  monitor.tell(outcome.self);
  outcome.interrupted = interrupted;
  outcome.ended_early =
      !interrupted && std::ranges::all_of(workers, [](const auto& w) { return w->ended_early(); });
  join_self(workers, plan, outcome.measured, outcome.ended_early, outcome.self);
  if (interrupted) outcome.stopped_because = "interrupted";
  for (auto& worker : workers) {
    if (worker->failure()) {
      // Its suspended sessions refer to each other in no safe order of destruction: they are left
      // alone.
      std::rethrow_exception(worker.release()->failure());
    }
    outcome.ledger.join(worker->take_ledger());
    outcome.worker_cpu_seconds += worker->cpu_seconds();
    outcome.worker_cpu_max = std::max(outcome.worker_cpu_max, worker->measured_cpu_share());
  }
  return outcome;
}

}  // namespace stampede
