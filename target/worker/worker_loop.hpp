// A job that repeats until the drain begins. What goes wrong is logged once per outage and counted;
// the loop goes on.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "target/domain/task.hpp"
#include "target/metrics.hpp"

namespace boxoffice {

struct WorkerPlace {
  asio::io_context& io;
  Metrics& metrics;
  std::stop_token stop;
};

// Sleeps, but notices the drain soon.
Task<void> rest(WorkerPlace place, Millis time);

// `job` gives the time to rest until the next turn. After a failure it rests `failure_rest`. `keep`
// owns what the job refers to.
inline constexpr Millis failure_rest{500};
void spawn_loop(WorkerPlace place, std::string name, std::shared_ptr<void> keep,
                std::function<Task<Millis>()> job);

}  // namespace boxoffice
