#include "harness/topology/gauge_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "harness/topology/http_exchange.hpp"
#include "harness/topology/process.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {

namespace {

constexpr std::chrono::milliseconds fetch_within{2000};
constexpr std::chrono::seconds redis_within{2};

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool read = error == std::errc{} && end != text.data();
  return read && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// `labels`: what stands between the braces.
bool has_labels(std::string_view labels, const GaugeSpec& gauge) {
  return std::ranges::all_of(gauge.labels, [&](const auto& label) {
    const std::string wanted = fmt::format("{}=\"{}\"", label.first, label.second);
    for (std::size_t at = labels.find(wanted); at != std::string_view::npos;
         at = labels.find(wanted, at + 1)) {
      if (at == 0 || labels[at - 1] == ',') return true;
    }
    return false;
  });
}

}  // namespace

std::optional<double> sum_of_metric(std::string_view text, const GaugeSpec& gauge) {
  std::optional<double> sum;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (!line.starts_with(gauge.source)) continue;
    line.remove_prefix(gauge.source.size());
    std::string_view labels;
    if (line.starts_with('{')) {
      // A label's value may hold a brace, but no value of the series does.
      const std::size_t end = line.rfind('}');
      if (end == std::string_view::npos) continue;
      labels = line.substr(1, end - 1);
      line.remove_prefix(end + 1);
    }
    if (!line.starts_with(' ') || !has_labels(labels, gauge)) continue;
    if (const auto value = number_of(line.substr(1))) sum = sum.value_or(0) + *value;
  }
  return sum;
}

std::optional<double> info_number(std::string_view info, std::string_view field) {
  while (!info.empty()) {
    const std::string_view line = take_line(info);
    if (line.size() > field.size() && line.starts_with(field) && line[field.size()] == ':') {
      return number_of(line.substr(field.size() + 1));
    }
  }
  return std::nullopt;
}

GaugeReader::GaugeReader(std::vector<GaugeSpec> gauges, const TopologyEndpoints& at,
                         std::vector<ProcessUsage> processes)
    : gauges_(std::move(gauges)), at_(at), processes_(std::move(processes)) {}

GaugeReader::~GaugeReader() = default;

bool GaugeReader::wants(GaugeSpec::Kind kind) const {
  return std::ranges::any_of(gauges_, [kind](const GaugeSpec& one) { return one.kind == kind; });
}

void GaugeReader::fetch() {
  metrics_.clear();
  if (at_.tls || !at_.socket_path.empty()) {
    problem_ = "/metrics is read over plain HTTP from a host and port only";
    return;
  }
  HttpQuestion question{"GET", "/metrics", "", {}};
  std::vector<Endpoint> instances = at_.instances;
  if (instances.empty()) {
    instances = {at_.http};
    question.target = at_.path_prefix + question.target;
  }
  std::vector<std::string> texts;
  for (const Endpoint& instance : instances) {
    try {
      HttpAnswer answer = exchange(instance, question, fetch_within);
      if (answer.status != 200) {
        problem_ = fmt::format("GET {} was answered with {}", question.target, answer.status);
        return;
      }
      texts.push_back(std::move(answer.body));
    } catch (const std::runtime_error& error) {
      problem_ = fmt::format("GET {}: {}", question.target, error.what());
      return;
    }
  }
  metrics_ = std::move(texts);  // of all of them: a part of a sum would be wrong
}

void GaugeReader::fetch_info() {
  info_.clear();
  if (!at_.redis) {
    problem_ = "Redis is not known: give --redis HOST:PORT";
    return;
  }
  try {
    if (!redis_) redis_ = std::make_unique<RedisConnection>(*at_.redis, redis_within);
    info_ = redis_->text({"INFO"}).value_or("");
  } catch (const StoreProblem& error) {
    redis_.reset();
    problem_ = error.what();
  }
}

std::optional<double> GaugeReader::metric(const GaugeSpec& gauge) const {
  std::optional<double> sum;
  for (const std::string& text : metrics_) {
    if (const auto one = sum_of_metric(text, gauge)) sum = sum.value_or(0) + *one;
  }
  return sum;
}

// Of all processes of the role: "boxoffice" is also "boxoffice catalog", "boxoffice order", …
std::optional<double> GaugeReader::process(const GaugeSpec& gauge) const {
  std::optional<double> sum;
  for (const ProcessUsage& known : processes_) {
    if (known.role != gauge.source && !known.role.starts_with(gauge.source + " ")) continue;
    const auto usage = usage_of(known.role, known.pid);
    if (!usage) return std::nullopt;
    const std::uint64_t figure = gauge.figure == "rss"           ? usage->rss_bytes
                                 : gauge.figure == "descriptors" ? usage->descriptors
                                                                 : usage->threads;
    sum = sum.value_or(0) + static_cast<double>(figure);
  }
  return sum;
}

std::vector<std::optional<double>> GaugeReader::read() {
  if (wants(GaugeSpec::Kind::metric)) fetch();
  if (wants(GaugeSpec::Kind::redis)) fetch_info();
  std::vector<std::optional<double>> values;
  for (const GaugeSpec& gauge : gauges_) {
    switch (gauge.kind) {
      case GaugeSpec::Kind::metric:
        values.push_back(metric(gauge));
        break;
      case GaugeSpec::Kind::process:
        values.push_back(process(gauge));
        break;
      case GaugeSpec::Kind::redis:
        values.push_back(info_number(info_, gauge.source));
        break;
    }
    if (!values.back() && problem_.empty()) {
      problem_ = fmt::format("the target has no {} `{}`",
                             gauge.kind == GaugeSpec::Kind::metric    ? "metric"
                             : gauge.kind == GaugeSpec::Kind::process ? "process of our own"
                                                                      : "figure in Redis' INFO",
                             gauge.source);
    }
  }
  return values;
}

}  // namespace stampede
