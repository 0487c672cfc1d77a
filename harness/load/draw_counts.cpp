#include "harness/load/draw_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace stampede {

namespace {

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// Calls visit(step) for every step of a list and of what it holds.
template <class Visit>
void each_step(const Steps& steps, const Visit& visit) {
  for (const CompiledStep& step : steps) {
    visit(step);
    for (const Steps* inside : nested_steps(step)) each_step(*inside, visit);
  }
}

}  // namespace

std::optional<double> place_in(const RandomDuration& duration, Nanos value) noexcept {
  const double x = to_seconds(value), a = duration.a_seconds, b = duration.b;
  switch (duration.kind) {
    case RandomDuration::Kind::constant:
      return std::nullopt;
    case RandomDuration::Kind::uniform:
      return b > a ? std::optional((x - a) / (b - a)) : std::nullopt;
    case RandomDuration::Kind::exponential:
      return a > 0 ? std::optional(-std::expm1(-x / a)) : std::nullopt;
    case RandomDuration::Kind::normal: {
      if (b <= 0 || x <= 0) return std::nullopt;
      const double cut = normal_cdf(-a / b);
      return (normal_cdf((x - a) / b) - cut) / (1 - cut);
    }
    case RandomDuration::Kind::lognormal:
      if (a <= 0 || b <= 0 || x <= 0) return std::nullopt;
      return normal_cdf(std::log(x / a) / b);
  }
  return std::nullopt;
}

void DrawCounts::branch(const ChooseStep& step, std::size_t chosen) {
  std::vector<std::uint64_t>& counts = counts_[&step];
  if (counts.empty()) counts.resize(step.branches.size());
  ++counts[chosen];
}

void DrawCounts::think(const ThinkStep& step, Nanos drawn) {
  const auto place = place_in(step.duration, drawn);
  if (!place) return;
  std::vector<std::uint64_t>& counts = counts_[&step];
  if (counts.empty()) counts.resize(bins);
  const double scaled = std::clamp(*place, 0.0, 1.0) * static_cast<double>(bins);
  ++counts[std::min(static_cast<std::size_t>(scaled), bins - 1)];
}

namespace {

// Of a file, in equal parts: at most DrawCounts::bins. Of popular rows in parts that double: the
// first row, the next two, the next four, …
std::size_t parts_of(const CompiledFeeder& feeder) {
  const std::uint64_t rows = feeder.rows->rows();
  if (feeder.zipf > 0) return static_cast<std::size_t>(std::bit_width(rows));
  return static_cast<std::size_t>(std::min<std::uint64_t>(rows, DrawCounts::bins));
}

std::size_t part_of(const CompiledFeeder& feeder, std::uint64_t row, std::size_t parts) {
  if (feeder.zipf > 0) return static_cast<std::size_t>(std::bit_width(row + 1)) - 1;
  return static_cast<std::size_t>(row * parts / feeder.rows->rows());
}

// How many of the numbers below `end` are worker, worker + workers, …
std::uint64_t own_below(std::uint64_t end, std::uint64_t worker, std::uint64_t workers) {
  return end > worker ? (end - worker - 1) / workers + 1 : 0;
}

}  // namespace

void DrawCounts::row(const CompiledFeeder& feeder, std::uint64_t drawn) {
  std::vector<std::uint64_t>& counts = counts_[&feeder];
  if (counts.empty()) counts.resize(parts_of(feeder));
  ++counts[part_of(feeder, drawn, counts.size())];
}

std::optional<Draws> DrawCounts::popular_rows_drawn(const CompiledFeeder& feeder,
                                                    const std::vector<const DrawCounts*>& workers) {
  const std::uint64_t rows = feeder.rows == nullptr ? 0 : feeder.rows->rows();
  if (rows < 2) return std::nullopt;
  Draws draws{"rows of " + feeder.name, {}, std::vector<std::uint64_t>(parts_of(feeder))};
  for (std::uint64_t first = 1; first <= rows; first *= 2) {
    draws.planned.push_back(zipf_weight(first, std::min(rows, 2 * first - 1), feeder.zipf));
  }
  for (const DrawCounts* worker : workers) {
    const auto found = worker->counts_.find(&feeder);
    if (found == worker->counts_.end()) continue;
    for (std::size_t i = 0; i < draws.drawn.size(); ++i) draws.drawn[i] += found->second[i];
  }
  return draws;
}

// Each worker draws evenly from the rows that are its own, so what is planned depends on how many
// it drew.
std::optional<Draws> DrawCounts::rows_drawn(const CompiledFeeder& feeder,
                                            const std::vector<const DrawCounts*>& workers) {
  const std::uint64_t rows = feeder.rows == nullptr ? 0 : feeder.rows->rows();
  if (feeder.zipf > 0) return popular_rows_drawn(feeder, workers);
  const std::size_t parts = rows == 0 ? 0 : parts_of(feeder);
  if (feeder.mode != FeederSpec::Mode::random || parts < 2) return std::nullopt;
  Draws draws{"rows of " + feeder.name, std::vector<double>(parts),
              std::vector<std::uint64_t>(parts)};
  for (std::size_t worker = 0; worker < workers.size(); ++worker) {
    const auto found = workers[worker]->counts_.find(&feeder);
    if (found == workers[worker]->counts_.end()) continue;
    const bool shares = feeder.by_worker && worker < rows;
    const std::uint64_t first = shares ? worker : 0, step = shares ? workers.size() : 1;
    const auto own = static_cast<double>(own_below(rows, first, step));
    const auto drawn = static_cast<double>(
        std::accumulate(found->second.begin(), found->second.end(), std::uint64_t{0}));
    for (std::size_t part = 0; part < parts; ++part) {
      draws.drawn[part] += found->second[part];
      const auto upto = [&](std::size_t end) {
        return own_below((end * rows + parts - 1) / parts, first, step);
      };
      draws.planned[part] += drawn * static_cast<double>(upto(part + 1) - upto(part)) / own;
    }
  }
  return draws;
}

std::vector<Draws> DrawCounts::joined(const CompiledRun& run,
                                      const std::vector<const DrawCounts*>& workers) {
  std::vector<Draws> out;
  const auto add = [&](const void* step, Draws draws) {
    draws.drawn.resize(draws.planned.size());
    for (const DrawCounts* worker : workers) {
      const auto found = worker->counts_.find(step);
      if (found == worker->counts_.end()) continue;
      for (std::size_t i = 0; i < draws.drawn.size(); ++i) draws.drawn[i] += found->second[i];
    }
    out.push_back(std::move(draws));
  };
  for (const CompiledScenario& scenario : run.scenarios) {
    std::size_t number = 0;
    const auto visit = [&](const CompiledStep& step) {
      if (const auto* choice = std::get_if<ChooseStep>(&step.action)) {
        Draws draws{fmt::format("choose {} of {}", ++number, scenario.name), {}, {}};
        double before = 0;
        for (const double upto : choice->cumulative) {
          draws.planned.push_back(upto - std::exchange(before, upto));
        }
        if (draws.planned.size() > 1) add(choice, std::move(draws));
      } else if (const auto* think = std::get_if<ThinkStep>(&step.action)) {
        if (think->duration.kind == RandomDuration::Kind::constant) return;
        add(think, {fmt::format("think {} of {}", ++number, scenario.name),
                    std::vector<double>(bins, 1),
                    {}});
      }
    };
    each_step(scenario.prepare, visit);
    each_step(scenario.steps, visit);
  }
  for (const CompiledFeeder& feeder : run.feeders) {
    if (auto draws = rows_drawn(feeder, workers)) out.push_back(std::move(*draws));
  }
  return out;
}

}  // namespace stampede
