// Ctrl-C and SIGTERM as a stop request. The first asks the run to end in order; a second ends the
// process at once (what was started is then cleaned up by the topology's guardian).
#pragma once

#include <stop_token>

namespace stampede {

// Construct before any other thread exists: the signals are blocked in every thread and taken by
// one of its own.
class InterruptWatch {
 public:
  explicit InterruptWatch(std::stop_source& stop);
  ~InterruptWatch();
  InterruptWatch(InterruptWatch&&) = delete;

 private:
  struct State;
  State* state_;
};

}  // namespace stampede
