// One worker thread of a load: an event loop with its stripe of every scenario. It shares nothing
// while it runs; once a second it hands its figures to the coordinator.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "harness/load/arrival_meter.hpp"
#include "harness/load/arrival_schedule.hpp"
#include "harness/load/load.hpp"
#include "harness/load/machine_counters.hpp"
#include "harness/load/rendezvous.hpp"
#include "harness/load/virtual_user.hpp"

namespace stampede {

// What one worker measured in one second.
struct WorkerSecond {
  std::uint32_t worker = 0, second = 0;
  bool last = false;    // the worker has finished
  bool failed = false;  // … by an exception
  Snapshot warm_up, measured;
  LoadGauges gauges;
  double cpu_share = 0;
};

// From the workers to the coordinator, a few messages a second.
class Mailbox {
 public:
  void put(WorkerSecond second);
  // nullopt: stop was requested and nothing has come. Waits otherwise.
  std::optional<WorkerSecond> take(std::stop_token stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<WorkerSecond> seconds_;
};

class Worker {
 public:
  Worker(const LoadPlan& plan, const Servers& servers, std::uint32_t index, TimePoint start,
         Mailbox& mailbox, RendezvousHall& hall, const HiccupTable& hiccups);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  // The body of the worker's thread. Never throws: see failure().
  void run() noexcept;
  // From any thread: ends the load at once.
  void interrupt();

  // After run():
  [[nodiscard]] std::exception_ptr failure() const noexcept { return failure_; }
  Ledger take_ledger() { return std::move(state_.ledger); }
  [[nodiscard]] double cpu_seconds() const noexcept { return cpu_seconds_; }
  [[nodiscard]] double measured_cpu_share() const noexcept { return measured_cpu_share_; }
  [[nodiscard]] const ThreadUse& thread_use() const noexcept { return thread_use_; }
  [[nodiscard]] std::uint64_t connections_at_start() const noexcept {
    return connections_at_start_;
  }
  // All sessions that there might be had begun and ended before the load's time was over.
  [[nodiscard]] bool ended_early() const noexcept { return ended_early_; }
  [[nodiscard]] const DrawCounts& draws() const noexcept { return state_.draws; }
  [[nodiscard]] const TaintCounter& taint() const noexcept { return state_.taint; }
  // Of each open scenario, in order.
  [[nodiscard]] std::vector<const ArrivalMeter*> arrivals() const;
  // From any thread, at any time.
  [[nodiscard]] const ResidenceBooks& books() const noexcept { return state_.books; }

 private:
  // A timer that calls a member function.
  struct Alarm {
    Alarm(Worker& the_worker, void (Worker::*the_call)())
        : worker(the_worker), call(the_call), timer(&Alarm::fire, this) {}
    static void fire(void* self) {
      auto* alarm = static_cast<Alarm*>(self);
      (alarm->worker.*alarm->call)();
    }
    Worker& worker;
    void (Worker::*call)();
    Timer timer;
  };
  // A scenario with an open load: the schedule is the queue.
  struct OpenRun {
    OpenRun(Worker& worker, const CompiledScenario& scenario, std::uint32_t index);
    Worker& worker;
    const CompiledScenario& scenario;
    std::uint32_t index;
    ArrivalSchedule schedule;
    std::optional<ArrivalSchedule::Arrival> next;
    std::uint64_t users_max, users_alive = 0;  // of this worker
    bool waits;                                // for a user when all are at work
    bool keeps_connections;
    ArrivalMeter meter;
    std::vector<std::unique_ptr<VirtualUser>> spare;
    Timer timer;
  };
  struct ClosedRun {
    ClosedRun(Worker& worker, const CompiledScenario& scenario, std::uint32_t index);
    [[nodiscard]] std::uint32_t wanted(TimePoint at) const;  // users of all workers
    Worker& worker;
    const CompiledScenario& scenario;
    std::uint32_t index;
    // May another session begin? Takes it from what is left.
    bool take_session() noexcept;
    std::uint32_t users_highest;       // of all workers
    std::uint64_t sessions_left;       // that this worker's users may still begin
    std::vector<std::uint64_t> loops;  // sessions begun so far, by user
    std::vector<bool> looping;
    Timer timer;
  };
  struct InstantRun {
    const CompiledScenario& scenario;
    const InstantLoad& load;
    std::uint32_t index;
  };
  struct CpuClock {
    TimePoint at;
    double seconds = 0;
  };

  [[nodiscard]] Stripe stripe() const noexcept { return {index_, plan_.workers}; }
  [[nodiscard]] std::uint64_t share_of(std::uint64_t total) const noexcept;
  // Of the sessions that this load may begin, those of this worker's users.
  [[nodiscard]] std::uint64_t sessions_of(const ClosedLoad& load) const noexcept;
  // Has the load come to its end before its time: every session that there may be has begun?
  [[nodiscard]] bool exhausted() const noexcept;
  [[nodiscard]] bool may_start() const noexcept { return !closing_ && !ending_; }
  void begin();
  void serve_arrivals(OpenRun& run, bool starting);
  void start_open_session(OpenRun& run, const ArrivalSchedule::Arrival& arrival, TimePoint at);
  Task<void> open_session(OpenRun& run, std::unique_ptr<VirtualUser> user, SessionStart start,
                          TimePoint intended);
  // When the next arrival of the run is due.
  [[nodiscard]] TimePoint due_of(const OpenRun& run) const noexcept;
  void adjust_closed(ClosedRun& run);
  Task<void> closed_user(ClosedRun& run, std::uint32_t number);
  // Waits until the next session of a paced user may start, and says when that is.
  Task<TimePoint> keep_pace(const ClosedRun& run, VirtualUser& user, TimePoint started,
                            std::uint64_t session);
  Task<void> instant_user(InstantRun& run, std::uint32_t number);
  Task<void> instant_session(InstantRun& run, VirtualUser& user, TimePoint instant);
  void enlist(VirtualUser& user);
  void strike_off(VirtualUser& user) noexcept;
  void count_end(TimePoint intended, SessionEnd end);
  void spawn(Task<void> task);

  void on_second();
  void on_probe();
  void on_measured();
  void close_thread_use();
  void on_length();
  void on_drained();
  void cancel_all();
  void finish_when_idle();
  void hand_over(bool last);
  static CpuClock read_cpu() noexcept;

  const LoadPlan& plan_;
  std::uint32_t index_;
  EventLoop loop_;
  TimePoint start_, end_;
  Mailbox& mailbox_;
  WorkerState state_;
  RendezvousDesk desk_;
  std::list<OpenRun> open_;
  std::list<ClosedRun> closed_;
  std::list<InstantRun> instant_;
  std::vector<VirtualUser*> alive_;
  std::uint64_t tasks_ = 0;
  Alarm second_, probe_, length_, drained_, measured_;
  TimePoint probe_due_;
  std::uint32_t second_number_ = 0;
  bool ended_early_ = false;
  bool over_ = false;  // nothing waits for a user any more
  bool closing_ = false, ending_ = false, finished_ = false;
  CpuClock cpu_at_start_, cpu_at_second_, cpu_at_measured_;
  ThreadCounters thread_at_measured_;
  ThreadUse thread_use_;
  std::uint64_t connections_at_start_ = 0;
  double cpu_seconds_ = 0, measured_cpu_share_ = 0;
  std::exception_ptr failure_;
};

}  // namespace stampede
