#include "target/worker/worker_loop.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "target/log.hpp"
#include "target/service/order_signals.hpp"

namespace boxoffice {

namespace {

constexpr Millis stop_look{200};

Task<void> repeat(WorkerPlace place, std::string name, std::shared_ptr<void> keep,
                  std::function<Task<Millis>()> job) {
  bool failed = false;
  while (!place.stop.stop_requested()) {
    std::string failure;
    Millis pause = failure_rest;
    try {
      pause = co_await job();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (!failure.empty()) {
      place.metrics.count("worker_failures", "loop", name);
      if (!failed) log_warning("worker failed", {{"loop", name}, {"error", failure}});
    }
    failed = !failure.empty();
    co_await rest(place, pause);
  }
}

}  // namespace

Task<void> rest(WorkerPlace place, Millis time) {
  const TimePoint end = Clock::now() + time;
  while (Clock::now() < end && !place.stop.stop_requested()) {
    Wait wait(place.io, std::min(end, Clock::now() + stop_look));
    co_await wait.done();
  }
}

void spawn_loop(WorkerPlace place, std::string name, std::shared_ptr<void> keep,
                std::function<Task<Millis>()> job) {
  asio::co_spawn(place.io, repeat(place, name, std::move(keep), std::move(job)),
                 [name](const std::exception_ptr& failure) {
                   if (failure != nullptr) log_error("worker ended", {{"loop", name}});
                 });
}

}  // namespace boxoffice
