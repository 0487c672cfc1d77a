// When the sessions of an open load start: pure, and the plan that lateness is charged against. One
// global schedule depends on the load and the seed alone; a stripe takes every count-th arrival of
// it, so the arrivals are the same however many workers share them.
//
// The rate is piecewise linear; its integral A(t) is the number of arrivals expected by t. Regular
// arrivals lie where A reaches ½, 1½, 2½, …: no fraction is lost between stages. Poisson arrivals
// lie where A reaches the partial sums of unit exponentials (time rescaling), which is right for
// ramps too.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/profile/profile.hpp"
#include "harness/scenario/random.hpp"
#include "harness/time.hpp"

namespace stampede {

// A worker's share: the arrivals whose index ≡ index (mod count).
struct Stripe {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
};

class ArrivalSchedule {
 public:
  struct Arrival {
    Nanos offset{0};          // intended start, from the start of the scenario
    std::uint64_t index = 0;  // in the global schedule
  };
  ArrivalSchedule(const OpenLoad& load, Stripe stripe, std::uint64_t seed);
  // In order; nullopt when the shape has ended.
  std::optional<Arrival> next();

 private:
  struct Piece {  // a stage that lasts
    double start_seconds, length_seconds;
    double from_rate, to_rate;
    double area_before, area;
  };
  std::optional<Nanos> next_global();

  stampede::Arrival kind_;
  std::vector<Piece> pieces_;
  std::size_t piece_ = 0;
  Stripe stripe_;
  Random random_;
  double position_ = 0;  // in area
  std::uint64_t index_ = 0;
};

// The target of linear stages at `offset`: users of a closed load. 0 outside of them.
double target_at(double start, const std::vector<Stage>& stages, Nanos offset);
// The highest target of a shape.
double highest_target(double start, const std::vector<Stage>& stages);

// Users at the top of a closed shape.
std::uint32_t closed_users_max(const ClosedLoad& load);
// Each scenario of a run has arrivals of its own.
std::uint64_t schedule_seed(std::uint64_t run_seed, std::uint32_t scenario) noexcept;
// Arrivals with from ≤ offset < to, of all stripes.
std::uint64_t count_arrivals(const OpenLoad& load, std::uint64_t seed, Nanos from, Nanos to);

}  // namespace stampede
