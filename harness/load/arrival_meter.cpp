#include "harness/load/arrival_meter.hpp"

#include <algorithm>
#include <cmath>

namespace stampede {

namespace {

constexpr std::size_t gaps_kept = 4096;
constexpr Nanos one_second{std::chrono::seconds{1}};

}  // namespace

RateArea::RateArea(const OpenLoad& load) {
  double rate = load.start_rate, before = 0, start = 0;
  for (const Stage& stage : load.stages) {
    const double length = to_seconds(stage.duration);
    if (length > 0) {
      pieces_.push_back({start, length, rate, (stage.target - rate) / length, before});
      before += length * (rate + stage.target) / 2;
      start += length;
    }
    rate = stage.target;
  }
}

double RateArea::at(Nanos offset) noexcept {
  if (pieces_.empty()) return 0;
  const double t = std::max(0.0, to_seconds(offset));
  while (piece_ > 0 && t < pieces_[piece_].start) --piece_;
  while (piece_ + 1 < pieces_.size() && t >= pieces_[piece_ + 1].start) ++piece_;
  const Piece& piece = pieces_[piece_];
  const double within = std::min(t - piece.start, piece.length);
  return piece.before + within * (piece.from + piece.slope * within / 2);
}

double erlang_cdf(std::uint32_t shape, double x) noexcept {
  if (x <= 0) return 0;
  if (shape == 1) return -std::expm1(-x);
  double term = std::exp(-x), sum = term;
  for (std::uint32_t k = 1; k < shape; ++k) {
    term *= x / k;
    sum += term;
  }
  return std::clamp(1 - sum, 0.0, 1.0);
}

ArrivalMeter::ArrivalMeter(const OpenLoad& load, std::uint32_t workers, Nanos start_at,
                           Window window)
    : regular_(load.arrival == Arrival::regular),
      workers_(workers),
      start_at_(start_at),
      window_(window),
      due_area_(load),
      begun_area_(load) {
  const Nanos length = std::max(Nanos{0}, window.to - window.from);
  seconds_.resize(static_cast<std::size_t>(length / one_second));
  if (regular_) least_late_.assign(seconds_.size(), -1);
}

ArrivalSecond* ArrivalMeter::second_of(Nanos at) noexcept {
  if (at < window_.from) return nullptr;
  const auto number = static_cast<std::size_t>((at - window_.from) / one_second);
  return number < seconds_.size() ? &seconds_[number] : nullptr;
}

void ArrivalMeter::omit(Nanos due) noexcept {
  if (ArrivalSecond* second = second_of(due)) ++second->planned;
}

void ArrivalMeter::begin(Nanos due, Nanos begun) noexcept {
  const Nanos late = begun - due;
  if (ArrivalSecond* second = second_of(due)) {
    ++second->planned;
    second->late_max = std::max(second->late_max, late);
  }
  if (ArrivalSecond* second = second_of(begun)) ++second->begun;
  if (due < window_.from || due >= window_.to) return;
  const double due_at = due_area_.at(due - start_at_);
  const double begun_at = begun_area_.at(begun - start_at_);
  ++count_;
  if (any_) {
    if (regular_) {
      add_regular(due, begun_at - last_begun_, begun_at - due_at);
    } else {
      add_poisson(due_at - last_due_, begun_at - last_begun_);
    }
  }
  any_ = true;
  last_due_ = due_at;
  last_begun_ = begun_at;
}

void ArrivalMeter::add_poisson(double due_gap, double begun_gap) noexcept {
  const double u = erlang_cdf(workers_, due_gap);
  // With one worker the gap is exponential itself; 1 − u of a far tail would round to 0.
  sample_.add(workers_ == 1 ? due_gap : -std::log1p(-std::min(u, 1 - 1e-16)));
  due_.add(u);
  dispatched_.add(erlang_cdf(workers_, begun_gap));
}

void ArrivalMeter::add_regular(Nanos due, double begun_gap, double late_periods) noexcept {
  const double off = begun_gap - workers_;
  deviation_squares_ += off * off;
  late_max_ = std::max(late_max_, late_periods);
  const auto number = static_cast<std::size_t>((due - window_.from) / one_second);
  if (number >= least_late_.size()) return;
  float& least = least_late_[number];
  const auto late = static_cast<float>(std::max(late_periods, 0.0));
  least = least < 0 ? late : std::min(least, late);
}

ArrivalShape ArrivalMeter::shape() const {
  ArrivalShape out;
  out.regular = regular_;
  out.count = count_;
  out.gaps = thinned(sample_.kept(), gaps_kept);
  out.due = due_;
  out.dispatched = dispatched_;
  if (count_ > 1) {
    out.gap_deviation = std::sqrt(deviation_squares_ / static_cast<double>(count_ - 1));
  }
  out.late_max = late_max_;
  for (const float least : least_late_) {
    out.drift_max = std::max(out.drift_max, static_cast<double>(least));
  }
  return out;
}

void join(ArrivalShape& into, const ArrivalShape& other) {
  // Variances add up by their weights.
  const double mine = static_cast<double>(into.count), theirs = static_cast<double>(other.count);
  if (mine + theirs > 0) {
    into.gap_deviation = std::sqrt((into.gap_deviation * into.gap_deviation * mine +
                                    other.gap_deviation * other.gap_deviation * theirs) /
                                   (mine + theirs));
  }
  into.count += other.count;
  into.gaps.insert(into.gaps.end(), other.gaps.begin(), other.gaps.end());
  into.gaps = thinned(into.gaps, gaps_kept);
  into.due += other.due;
  into.dispatched += other.dispatched;
  into.late_max = std::max(into.late_max, other.late_max);
  into.drift_max = std::max(into.drift_max, other.drift_max);
}

std::vector<ArrivalSecond> joined(std::vector<ArrivalSecond> into,
                                  const std::vector<ArrivalSecond>& other) {
  if (into.size() < other.size()) into.resize(other.size());
  for (std::size_t i = 0; i < other.size(); ++i) {
    into[i].planned += other[i].planned;
    into[i].begun += other[i].begun;
    into[i].late_max = std::max(into[i].late_max, other[i].late_max);
  }
  return into;
}

}  // namespace stampede
