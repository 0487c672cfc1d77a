// Were sessions offered as the plan says? One per open scenario and worker: it sees when each
// session was due and when it began, and keeps what L3, L4 and L5 are judged by. Memory depends on
// the length of the plan only (16 bytes a second) and is taken before the start.
//
// Gaps are measured in the area of the rate (the expected number of arrivals), so ramps are as good
// as flat stages. A worker sees every W-th arrival: its Poisson gaps are Gamma(W, 1) distributed,
// and are mapped through that to a uniform u and an exponential x = −ln(1 − u) before workers are
// put together.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/measure/self_measure.hpp"
#include "harness/profile/profile.hpp"
#include "harness/time.hpp"

namespace stampede {

// The expected number of arrivals by a time, for times that come in (nearly) ascending order.
class RateArea {
 public:
  explicit RateArea(const OpenLoad& load);
  [[nodiscard]] double at(Nanos offset) noexcept;  // from the start of the scenario

 private:
  struct Piece {
    double start, length, from, slope, before;  // seconds, per second, arrivals
  };
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;
};

// P(Gamma(shape, 1) ≤ x) for a whole shape ≥ 1.
[[nodiscard]] double erlang_cdf(std::uint32_t shape, double x) noexcept;

class ArrivalMeter {
 public:
  struct Window {
    Nanos from{0}, to{0};  // offsets from the start of the load: the measured window
  };
  // `start_at`: of the scenario, from the start of the load.
  ArrivalMeter(const OpenLoad& load, std::uint32_t workers, Nanos start_at, Window window);

  // A session due at `due` begins at `begun` (offsets from the start of the load, in order of
  // `due`).
  void begin(Nanos due, Nanos begun) noexcept;
  // … or was due and never began.
  void omit(Nanos due) noexcept;

  [[nodiscard]] ArrivalShape shape() const;
  [[nodiscard]] const std::vector<ArrivalSecond>& seconds() const noexcept { return seconds_; }

 private:
  ArrivalSecond* second_of(Nanos at) noexcept;
  void add_poisson(double due_gap, double begun_gap) noexcept;
  void add_regular(Nanos due, double begun_gap, double late_periods) noexcept;

  bool regular_;
  std::uint32_t workers_;
  Nanos start_at_;
  Window window_;
  RateArea due_area_, begun_area_;
  bool any_ = false;
  double last_due_ = 0, last_begun_ = 0;
  std::uint64_t count_ = 0;
  SystematicSample sample_;
  UniformDistance due_, dispatched_;
  double deviation_squares_ = 0, late_max_ = 0;
  std::vector<ArrivalSecond> seconds_;
  std::vector<float> least_late_;  // regular: by second, in periods; below 0: none
};

// What the workers of one scenario saw, put together. Sums and maxima; the samples are joined and
// thinned to 4096.
void join(ArrivalShape& into, const ArrivalShape& other);
[[nodiscard]] std::vector<ArrivalSecond> joined(std::vector<ArrivalSecond> into,
                                                const std::vector<ArrivalSecond>& other);

}  // namespace stampede
