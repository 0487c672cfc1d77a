#include "harness/run/interrupt.hpp"

#include <pthread.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <ctime>
#include <thread>

namespace stampede {

struct InterruptWatch::State {
  std::stop_source& stop;
  sigset_t signals{};
  std::atomic<bool> done{false};
  std::thread thread;
};

namespace {

void watch(std::stop_source& stop, const sigset_t& signals, const std::atomic<bool>& done) {
  int seen = 0;
  while (!done) {
    const timespec pause{0, 100'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    if (signal < 0) continue;
    if (++seen >= 2) _exit(130);
    stop.request_stop();
  }
}

}  // namespace

InterruptWatch::InterruptWatch(std::stop_source& stop) : state_(new State{stop, {}, {}, {}}) {
  sigemptyset(&state_->signals);
  sigaddset(&state_->signals, SIGINT);
  sigaddset(&state_->signals, SIGTERM);
  sigaddset(&state_->signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &state_->signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  state_->thread =
      std::thread([state = state_] { watch(state->stop, state->signals, state->done); });
}

InterruptWatch::~InterruptWatch() {
  state_->done = true;
  state_->thread.join();
  delete state_;
}

}  // namespace stampede
