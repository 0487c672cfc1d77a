#include "harness/judge/gauge_gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/judge/gates.hpp"
#include "harness/measure/units.hpp"

namespace stampede {

namespace {

using Statistic = Threshold::GaugeStatistic;

// Fewer say nothing of a trend.
constexpr std::size_t trend_samples_min = 8;
constexpr double seconds_per_hour = 3600;

struct Sample {
  double at = 0, value = 0;
};

std::optional<std::size_t> index_of(const GaugeTable& gauges, const std::string& name) {
  const auto found = std::ranges::find(gauges.names, name);
  if (found == gauges.names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - gauges.names.begin());
}

// Stretches of samples that follow each other, at all of which the conditions hold and the gauge
// could be read.
std::vector<std::vector<Sample>> stretches(const Threshold& threshold, const GaugeTable& gauges) {
  std::vector<std::vector<Sample>> found(1);
  const auto value_in = [&gauges](const GaugeRow& row, const std::string& name) {
    const auto index = index_of(gauges, name);
    return index && *index < row.values.size() ? row.values[*index] : std::nullopt;
  };
  for (const GaugeRow& row : gauges.rows) {
    const auto value = value_in(row, threshold.name);
    const bool counts =
        value && std::ranges::all_of(threshold.conditions, [&](const auto& condition) {
          const auto other = value_in(row, condition.gauge);
          return other && holds(*other, condition.comparison, condition.quantity);
        });
    if (counts) {
      found.back().push_back({row.at, *value});
    } else if (!found.back().empty()) {
      found.emplace_back();
    }
  }
  if (found.back().empty()) found.pop_back();
  return found;
}

double mean_of(const std::vector<Sample>& samples, std::size_t from, std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += samples[i].value;
  return sum / static_cast<double>(to - from);
}

// Of a counter: what it grew by, by the time it had for that. One that fell was begun anew.
std::optional<double> rate_of(const std::vector<std::vector<Sample>>& parts, double& seconds) {
  double grown = 0;
  seconds = 0;
  for (const auto& part : parts) {
    for (std::size_t i = 1; i < part.size(); ++i) {
      const double step = part[i].value - part[i - 1].value;
      grown += step < 0 ? part[i].value : step;
      seconds += part[i].at - part[i - 1].at;
    }
  }
  if (seconds <= 0) return std::nullopt;
  return grown / seconds;
}

std::optional<double> growth_of(const std::vector<Sample>& samples) {
  if (samples.size() < trend_samples_min) return std::nullopt;
  const std::size_t quarter = samples.size() / 4;
  const double first = mean_of(samples, 0, quarter);
  const double last = mean_of(samples, samples.size() - quarter, samples.size());
  if (first == last) return 0;
  if (first == 0) return std::nullopt;
  return last / first - 1;
}

std::optional<double> slope_of(const std::vector<Sample>& samples) {
  if (samples.size() < trend_samples_min) return std::nullopt;
  const double mean = mean_of(samples, 0, samples.size());
  double at_mean = 0, spread = 0, product = 0;
  for (const Sample& one : samples) at_mean += one.at / static_cast<double>(samples.size());
  for (const Sample& one : samples) {
    spread += (one.at - at_mean) * (one.at - at_mean);
    product += (one.at - at_mean) * (one.value - mean);
  }
  if (spread <= 0 || mean == 0) return std::nullopt;
  return product / spread / mean * seconds_per_hour;
}

// nullopt: these samples do not have it.
std::optional<double> figure_of(Statistic statistic, const std::vector<std::vector<Sample>>& parts,
                                double& seconds) {
  if (statistic == Statistic::rate) return rate_of(parts, seconds);
  std::vector<Sample> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  if (all.empty()) return std::nullopt;
  switch (statistic) {
    case Statistic::min:
      return std::ranges::min(all, {}, &Sample::value).value;
    case Statistic::max:
      return std::ranges::max(all, {}, &Sample::value).value;
    case Statistic::last:
      return all.back().value;
    case Statistic::growth:
      return growth_of(all);
    case Statistic::slope:
      return slope_of(all);
    default:
      return mean_of(all, 0, all.size());
  }
}

std::string human(Statistic statistic, double figure) {
  switch (statistic) {
    case Statistic::rate:
      return human_rate(figure);
    case Statistic::growth:
      return (figure < 0 ? "-" : "") + human_share(std::abs(figure));
    case Statistic::slope:
      return (figure < 0 ? "-" : "") + human_share(std::abs(figure)) + " per hour";
    default:
      return human_number(figure);
  }
}

std::string conditions_text(const Threshold& threshold) {
  std::string text;
  for (const auto& condition : threshold.conditions) {
    text += fmt::format("{} {} {} {}", text.empty() ? " while" : " and", condition.gauge,
                        symbol_of(condition.comparison), human_number(condition.quantity));
  }
  return text;
}

std::string why_not(const Threshold& threshold, const GaugeTable& gauges, std::size_t samples) {
  if (gauges.rows.empty()) {
    return gauges.problem.empty() ? "no samples" : "no samples: " + gauges.problem;
  }
  if (samples == 0) {
    std::string text = fmt::format("none of {} samples", gauges.rows.size());
    text += threshold.conditions.empty() ? "" : conditions_text(threshold);
    return gauges.problem.empty() ? text : text + ": " + gauges.problem;
  }
  return fmt::format("{} samples do not tell this", samples);
}

}  // namespace

std::string gauge_title(const Threshold& threshold) {
  const auto told = [&]() -> std::string {
    switch (threshold.statistic) {
      case Statistic::min:
        return "lowest " + threshold.name;
      case Statistic::mean:
        return "mean " + threshold.name;
      case Statistic::max:
        return "highest " + threshold.name;
      case Statistic::last:
        return "last " + threshold.name;
      case Statistic::rate:
        return "increase of " + threshold.name + " per second";
      case Statistic::growth:
        return threshold.name + " in the last quarter against the first";
      case Statistic::slope:
        return "slope of " + threshold.name;
    }
    return "";
  };
  return told() + " of the target" + conditions_text(threshold);
}

void judge_gauge(const Threshold& threshold, const GaugeTable& gauges, Finding& finding) {
  finding.measured = "no data";
  finding.limit = fmt::format("{} {}", symbol_of(threshold.comparison),
                              human(threshold.statistic, threshold.quantity));
  const auto parts = stretches(threshold, gauges);
  std::size_t count = 0;
  double seconds = 0;
  for (const auto& part : parts) count += part.size();
  const auto figure = figure_of(threshold.statistic, parts, seconds);
  if (!figure) {
    finding.verdict = Verdict::inconclusive;
    finding.samples.push_back(why_not(threshold, gauges, count));
    return;
  }
  finding.figure = *figure;
  finding.measured = human(threshold.statistic, *figure);
  finding.verdict =
      holds(*figure, threshold.comparison, threshold.quantity) ? Verdict::pass : Verdict::fail;
  std::string from = fmt::format("{} of {} samples", count, gauges.rows.size());
  if (seconds > 0) from += fmt::format(", {:.1f} s", seconds);
  for (const auto& [name, statistic] :
       {std::pair{"lowest", Statistic::min}, std::pair{"highest", Statistic::max}}) {
    double unused = 0;
    if (threshold.statistic == Statistic::rate) continue;
    from += fmt::format(", {} {}", name, human_number(*figure_of(statistic, parts, unused)));
  }
  finding.samples.push_back(std::move(from));
}

}  // namespace stampede
