// While a connection is made its client's deadline may be nearer than the request's.
#pragma once

#include <algorithm>

#include "harness/protocol/wire.hpp"

namespace stampede {

class ConnectDeadline {
 public:
  // `timer` is armed for `deadline`; it is set nearer if the profile says so.
  ConnectDeadline(Wire& wire, Timer& timer, TimePoint deadline)
      : wire_(wire), timer_(timer), deadline_(deadline), mine_(deadline) {
    const Nanos patience = wire.server().connect_timeout;
    if (patience == Nanos{0}) return;
    mine_ = std::min(deadline, now() + patience);
    if (mine_ < deadline_) wire_.timers().arm(timer_, round_up(mine_, coarse_grid));
  }
  // The connection is there, or failed by itself.
  void over() const {
    if (mine_ < deadline_ && timer_.armed()) {
      wire_.timers().arm(timer_, round_up(deadline_, coarse_grid));
    }
  }
  // The attempt was cut: by this deadline, by the request's, or by an abort.
  void explain(Exchange& exchange) const {
    exchange.problem = "no connection yet";
    if (exchange.outcome != Outcome::timed_out) return;
    exchange.failure = Failure::connect_timeout;
    if (mine_ == deadline_) return;
    exchange.outcome = Outcome::connect_failed;
    exchange.problem = "no connection within connection.connect_timeout";
  }

 private:
  Wire& wire_;
  Timer& timer_;
  TimePoint deadline_, mine_;
};

}  // namespace stampede
