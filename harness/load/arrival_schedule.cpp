#include "harness/load/arrival_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace stampede {

ArrivalSchedule::ArrivalSchedule(const OpenLoad& load, Stripe stripe, std::uint64_t seed)
    : kind_(load.arrival), stripe_(stripe), random_(seed, 0) {
  double rate = load.start_rate, area = 0;
  Nanos start{0};
  for (const Stage& stage : load.stages) {
    if (stage.duration > Nanos{0}) {
      const double length = to_seconds(stage.duration);
      const Piece piece{to_seconds(start), length, rate,
                        stage.target,      area,   length * (rate + stage.target) / 2};
      pieces_.push_back(piece);
      area += piece.area;
      start += stage.duration;
    }
    rate = stage.target;
  }
  position_ = kind_ == stampede::Arrival::regular ? -0.5 : 0;
}

std::optional<Nanos> ArrivalSchedule::next_global() {
  position_ += kind_ == stampede::Arrival::regular ? 1 : random_.exponential();
  while (piece_ < pieces_.size() &&
         position_ >= pieces_[piece_].area_before + pieces_[piece_].area) {
    ++piece_;
  }
  if (piece_ == pieces_.size()) return std::nullopt;
  const Piece& piece = pieces_[piece_];
  const double area = std::max(0.0, position_ - piece.area_before);
  // area = r₀t + at²/2 solved for t in the rationalised form, which also covers a flat stage (a =
  // 0).
  const double slope = (piece.to_rate - piece.from_rate) / piece.length_seconds;
  const double root =
      std::sqrt(std::max(0.0, piece.from_rate * piece.from_rate + 2 * slope * area));
  const double denominator = piece.from_rate + root;
  const double within = denominator > 0 ? 2 * area / denominator : 0;
  return from_seconds(piece.start_seconds + std::min(within, piece.length_seconds));
}

std::optional<ArrivalSchedule::Arrival> ArrivalSchedule::next() {
  while (const std::optional<Nanos> offset = next_global()) {
    const std::uint64_t index = index_++;
    if (index % stripe_.count == stripe_.index) return Arrival{*offset, index};
  }
  return std::nullopt;
}

double target_at(double start, const std::vector<Stage>& stages, Nanos offset) {
  double from = start;
  for (const Stage& stage : stages) {
    if (offset < stage.duration) {
      return from + (stage.target - from) * (to_seconds(offset) / to_seconds(stage.duration));
    }
    offset -= stage.duration;
    from = stage.target;
  }
  return 0;
}

double highest_target(double start, const std::vector<Stage>& stages) {
  double highest = stages.empty() ? 0 : start;
  for (const Stage& stage : stages) highest = std::max(highest, stage.target);
  return highest;
}

std::uint32_t closed_users_max(const ClosedLoad& load) {
  return static_cast<std::uint32_t>(std::ceil(highest_target(load.start_users, load.stages)));
}

std::uint64_t schedule_seed(std::uint64_t run_seed, std::uint32_t scenario) noexcept {
  return run_seed ^ (0x9E3779B97F4A7C15ULL * (scenario + 1));
}

std::uint64_t count_arrivals(const OpenLoad& load, std::uint64_t seed, Nanos from, Nanos to) {
  ArrivalSchedule schedule(load, {0, 1}, seed);
  std::uint64_t count = 0;
  while (const auto arrival = schedule.next()) {
    if (arrival->offset >= to) break;
    if (arrival->offset >= from) ++count;
  }
  return count;
}

}  // namespace stampede
