#include "harness/profile/profile_reader_shape.hpp"

#include <array>

namespace stampede {
namespace {

constexpr Nanos length_min = std::chrono::milliseconds{1};
constexpr std::size_t steps_max = 1'000;

// The settings of one shape, each read where it stands.
class Settings {
 public:
  Settings(const YamlNode& node, const std::string& name, const std::vector<std::string>& known,
           Problems& problems, const Values& values)
      : fields_(problems, &node, "the shape " + name, known), values_(values) {}

  void rate(const char* key, double& into, bool required = true) {
    const YamlNode* const node = required ? fields_.require(key) : fields_.find(key);
    values_.number(node, into, 0, rate_max);
  }
  void length(const char* key, Nanos& into, bool required = true) {
    values_.duration(required ? fields_.require(key) : fields_.find(key), into, length_min);
  }
  void rates(const char* key, std::vector<double>& into, Problems& problems) {
    const YamlNode* const node = fields_.require(key, "rates: [100, 200, 400]");
    if (node == nullptr) return;
    for (const YamlNodePtr& item : values_.list(node, "a list of rates")) {
      values_.number(item.get(), into.emplace_back(), 0, rate_max);
    }
    if (into.size() > steps_max) problems.report(*node, "more than 1000 steps");
    if (into.empty()) problems.report(*node, "no rate at all", "rates: [100, 200, 400]");
  }
  [[nodiscard]] const YamlNode* find(const char* key) const { return fields_.find(key); }
  [[nodiscard]] bool is_map() const { return fields_.is_map(); }

 private:
  Fields fields_;
  const Values& values_;
};

class ShapeReader {
 public:
  ShapeReader(const YamlNode& node, Problems& problems, const Values& values)
      : node_(node), problems_(problems), values_(values) {}

  StagePlan steady() {
    double rate = 0;
    Nanos length{0};
    Settings s = settings("steady", {"rate", "for"});
    s.rate("rate", rate);
    s.length("for", length);
    return steady_shape(rate, length);
  }
  StagePlan ramp() {
    double from = 0, to = 0;
    Nanos length{0};
    Settings s = settings("ramp", {"from", "to", "for"});
    s.rate("from", from, false);
    s.rate("to", to);
    s.length("for", length);
    return ramp_shape(from, to, length);
  }
  StagePlan steps() {
    std::vector<double> rates;
    Nanos each{0};
    Settings s = settings("steps", {"rates", "each"});
    s.rates("rates", rates, problems_);
    s.length("each", each);
    return steps_shape(rates, each);
  }
  StagePlan spike() {
    SpikeShape shape;
    Settings s = settings("spike", {"base", "peak", "half_life", "for"});
    s.rate("base", shape.base, false);
    s.rate("peak", shape.peak);
    s.length("half_life", shape.half_life, false);
    s.length("for", shape.length, false);
    return spike_shape(shape);
  }
  StagePlan open10() {
    double sessions = 0;
    Settings s = settings("open10", {"sessions"});
    s.rate("sessions", sessions);
    return open10_shape(sessions);
  }
  StagePlan minute() {
    MinuteShape shape;
    Settings s = settings("minute", {"base", "burst", "over", "for"});
    s.rate("base", shape.base, false);
    s.rate("burst", shape.burst);
    s.length("over", shape.over, false);
    s.length("for", shape.length, false);
    if (shape.over > std::chrono::minutes{1}) {
      problems_.report(*s.find("over"), "longer than the minute");
    }
    return minute_shape(shape);
  }
  StagePlan sine() {
    SineShape shape;
    Settings s = settings("sine", {"mean", "amplitude", "period", "for", "spikes"});
    s.rate("mean", shape.mean);
    s.rate("amplitude", shape.amplitude, false);
    s.length("period", shape.period, false);
    s.length("for", shape.length, false);
    if (const YamlNode* const spikes = s.find("spikes")) {
      Settings each(*spikes, "sine's spikes", {"peak", "every", "half_life"}, problems_, values_);
      each.rate("peak", shape.spike_peak);
      each.length("every", shape.spike_every);
      each.length("half_life", shape.spike_half_life, false);
      if (shape.spike_every > Nanos{0} && shape.length / shape.spike_every > 10'000) {
        problems_.report(*spikes, "more than 10000 spikes", "a longer `every`");
      }
    }
    if (shape.amplitude > shape.mean) {
      problems_.report(*s.find("amplitude"), "larger than the mean: the rate would fall below 0");
    }
    return sine_shape(shape);
  }

 private:
  Settings settings(const std::string& name, const std::vector<std::string>& known) {
    return {node_, name, known, problems_, values_};
  }
  const YamlNode& node_;
  Problems& problems_;
  const Values& values_;
};

struct NamedShape {
  std::string_view name;
  StagePlan (ShapeReader::*read)();
};
constexpr std::array<NamedShape, 7> shapes{{{"steady", &ShapeReader::steady},
                                            {"ramp", &ShapeReader::ramp},
                                            {"steps", &ShapeReader::steps},
                                            {"spike", &ShapeReader::spike},
                                            {"open10", &ShapeReader::open10},
                                            {"minute", &ShapeReader::minute},
                                            {"sine", &ShapeReader::sine}}};

}  // namespace

StagePlan read_shape(const YamlNode& node, Problems& problems, const Values& values) {
  constexpr const char* hint = "shape: {spike: {base: 10, peak: 500, half_life: 20s, for: 2m}}";
  const auto& members = values.members(&node, "a shape with its settings");
  if (members.size() != 1) {
    if (node.kind == YamlNode::Kind::map) problems.report(node, "one shape, no more", hint);
    return {};
  }
  for (const NamedShape& each : shapes) {
    if (members[0].key->text != each.name) continue;
    ShapeReader reader(*members[0].value, problems, values);
    return (reader.*each.read)();
  }
  problems.report(*members[0].key, "unknown shape \"" + members[0].key->text + "\"",
                  "known are steady, ramp, steps, spike, open10, minute, sine; `instant` is a "
                  "model");
  return {};
}

}  // namespace stampede
