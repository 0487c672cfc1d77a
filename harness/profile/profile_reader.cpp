#include "harness/profile/profile_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/profile/profile_reader_connection.hpp"
#include "harness/profile/profile_reader_data.hpp"
#include "harness/profile/profile_reader_doubts.hpp"
#include "harness/profile/profile_reader_games.hpp"
#include "harness/profile/profile_reader_gauges.hpp"
#include "harness/profile/profile_reader_shape.hpp"
#include "harness/profile/profile_reader_starts.hpp"
#include "harness/profile/profile_reader_steps.hpp"
#include "harness/profile/profile_reader_values.hpp"
#include "harness/profile/profile_reader_yaml.hpp"

namespace stampede {

namespace {

using Names = std::vector<std::string>;

constexpr std::uint64_t users_max = 10'000'000;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string nearest_hint(std::string_view word, const Names& names) {
  const std::string_view near = nearest(word, names);
  if (!near.empty()) return "did you mean " + in_quotes(near) + "?";
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "" : "known are " + all;
}

// Reads one tree into a Profile.
class Reader {
 public:
  // `folder`: of the profile's file.
  Reader(const YamlNode& root, Problems& problems, std::string folder)
      : root_(root),
        problems_(problems),
        values_(problems),
        steps_(problems, std::move(folder)),
        http_(problems) {}

  Profile read();

 private:
  void read_target(const YamlNode* node);
  void read_payment(const YamlNode* node);
  void read_options(const YamlNode* node);
  void read_data(const YamlNode* node);
  EventSpec read_event(const YamlNode& node);
  void read_personas(const YamlNode* node);
  void read_scenarios(const YamlNode* node);
  ScenarioSpec read_scenario(const std::string& name, const YamlNode& node);
  LoadShape read_load(const std::string& model, Fields& fields);
  LoadShape read_instant(Fields& fields);
  OpenLoad read_open_stages(double start, Fields& fields);
  std::vector<Stage> read_stages(Fields& fields);
  void check_whole_targets(const ClosedLoad& load, const Fields& fields);
  void read_gates(const YamlNode* node);
  void read_validity(const YamlNode* node);
  void read_invariants(const YamlNode* node);
  void read_variables(const YamlNode* node, std::vector<std::pair<std::string, Source>>& into);
  void check_key(const YamlNode& key);

  void check_persona(const ScenarioSpec& scenario, const YamlNode& node);
  void check_user_range(const ScenarioSpec& scenario, const Fields& fields);
  void check_gate(const Threshold& gate, const YamlNode& node);
  void check_times(const YamlNode* warm_up);
  void collect_names(const std::vector<StepSpec>& steps, const std::string& scenario);
  [[nodiscard]] bool is_written(const std::string& step);

  const YamlNode& root_;
  Problems& problems_;
  Values values_;
  StepReader steps_;
  ScenarioStarts starts_;
  HttpReader http_;
  Profile profile_;
  // What gates may name.
  std::set<std::string> step_names_, scenario_steps_, counters_;
  bool steps_in_doubt_ = false;  // something before the gates could not be read
  std::optional<std::set<std::string>> written_steps_;  // looked for when there are problems
};

Profile Reader::read() {
  Fields fields(
      problems_, &root_, "a profile",
      {"name",           "question",   "pass_means", "seed",       "topology", "workers",
       "warm_up",        "drain",      "target",     "data",       "http",     "variables",
       "scenarios",      "personas",   "gates",      "invariants", "validity", "setup",
       "teardown",       "connection", "tls",        "feeders",    "secrets",  "functions",
       "functions_file", "tags",       "ids",        "gauges"});
  if (!fields.is_map()) return {};
  DataReader(problems_).read(fields, profile_);
  values_.name(fields.require("name"), profile_.name);
  values_.text(fields.find("question"), profile_.question);
  values_.text(fields.find("pass_means"), profile_.pass_means);
  values_.whole(fields.find("seed"), profile_.seed);
  values_.text(fields.find("ids"), profile_.ids);
  values_.text(fields.find("topology"), profile_.topology);
  values_.whole(fields.find("workers"), profile_.workers, 1, 256);
  values_.duration(fields.find("warm_up"), profile_.warm_up);
  values_.duration(fields.find("drain"), profile_.drain);
  read_target(fields.find("target"));
  read_data(fields.find("data"));
  profile_.http = http_.read_defaults(fields.find("http"));
  read_variables(fields.find("variables"), profile_.variables);
  // Before the scenarios, which begin with what is said here.
  read_connection(fields.find("connection"), problems_, profile_.connection);
  read_tls(fields.find("tls"), problems_, profile_.tls);
  profile_.setup = steps_.read_lone_steps(fields.find("setup"));
  profile_.teardown = steps_.read_lone_steps(fields.find("teardown"));
  read_personas(fields.require("personas", "who the users are: a map of lists of steps"));
  read_scenarios(fields.require("scenarios", "what load there is: a map of scenarios"));
  read_gauges(fields.find("gauges"), values_, problems_, profile_.gauges);
  read_gates(fields.find("gates"));
  read_invariants(fields.find("invariants"));
  read_validity(fields.find("validity"));
  check_times(fields.find("warm_up"));
  return std::move(profile_);
}

void Reader::check_key(const YamlNode& key) {
  if (is_name(key.text)) return;
  problems_.report(key, in_quotes(key.text) + " is not a name",
                   "a letter, then letters, digits, _ and -, at most 64 in all");
}

void Reader::read_target(const YamlNode* node) {
  const Fields fields(problems_, node, "target", {"defects", "threads", "payment", "options"});
  values_.names(fields.find("defects"), profile_.target.defects);
  values_.whole(fields.find("threads"), profile_.target.threads, 0, 256);
  read_payment(fields.find("payment"));
  read_options(fields.find("options"));
}

void Reader::read_payment(const YamlNode* node) {
  const Fields fields(
      problems_, node, "payment",
      {"mode", "provider", "approve", "delay", "webhook_duplicate", "webhook_reorder",
       "webhook_lost", "webhook_late", "webhook_forged", "timeout", "refund_fail"});
  PaymentSpec& payment = profile_.target.payment;
  const YamlNode* const mode = fields.find("mode");
  values_.text(mode, payment.mode);
  if (payment.mode != "sync" && payment.mode != "webhook") {
    problems_.report(*mode, "unknown payment mode " + in_quotes(payment.mode), "sync or webhook");
  }
  const YamlNode* const provider = fields.find("provider");
  values_.text(provider, payment.provider);
  if (payment.provider != "inline" && payment.provider != "process") {
    problems_.report(*provider, "unknown payment provider " + in_quotes(payment.provider),
                     "inline, or process for one of its own");
  }
  values_.share(fields.find("approve"), payment.approve);
  values_.random_duration(fields.find("delay"), payment.delay);
  values_.share(fields.find("webhook_duplicate"), payment.webhook_duplicate);
  values_.share(fields.find("webhook_reorder"), payment.webhook_reorder);
  values_.share(fields.find("webhook_lost"), payment.webhook_lost);
  values_.share(fields.find("webhook_late"), payment.webhook_late);
  values_.share(fields.find("webhook_forged"), payment.webhook_forged);
  values_.share(fields.find("timeout"), payment.timeout);
  values_.share(fields.find("refund_fail"), payment.refund_fail);
}

void Reader::read_options(const YamlNode* node) {
  for (const YamlNode::Member& member : values_.members(node, "a map of options")) {
    check_key(*member.key);
    values_.text(member.value.get(), profile_.target.options[member.key->text]);
  }
}

void Reader::read_data(const YamlNode* node) {
  constexpr std::size_t events_max = 1000;
  const Fields fields(problems_, node, "data", {"users", "admins", "events", "auctions", "rooms"});
  values_.whole(fields.find("users"), profile_.data.users, 0, users_max);
  values_.whole(fields.find("admins"), profile_.data.admins, 0, users_max);
  if (profile_.data.admins > profile_.data.users) {
    problems_.report(*fields.find("admins"), "more admins than users",
                     "they are the last of `data.users`");
  }
  read_games(fields, values_, problems_, profile_.data);
  const YamlNode* const events = fields.find("events");
  for (const YamlNodePtr& item : values_.list(events, "a list of events")) {
    if (profile_.data.events.size() == events_max) {
      problems_.report(*item, "more than " + std::to_string(events_max) + " events");
      return;
    }
    profile_.data.events.push_back(read_event(*item));
  }
}

EventSpec Reader::read_event(const YamlNode& node) {
  constexpr std::uint64_t side_max = 1000;
  constexpr std::chrono::milliseconds shortest{1};
  EventSpec event;
  const Fields fields(
      problems_, &node, "an event",
      {"rows", "columns", "price", "hold_ttl", "max_per_user", "opens_after", "queue"});
  values_.whole(fields.find("rows"), event.rows, 1, side_max);
  values_.whole(fields.find("columns"), event.columns, 1, side_max);
  values_.whole(fields.find("price"), event.price, 0, 1'000'000'000);
  values_.duration(fields.find("hold_ttl"), event.hold_ttl, shortest);
  values_.whole(fields.find("max_per_user"), event.max_per_user, 1, side_max * side_max);
  values_.duration(fields.find("opens_after"), event.opens_after);
  const YamlNode* const queue = fields.find("queue");
  if (queue == nullptr) return event;
  event.queue_on = true;
  const Fields parts(problems_, queue, "queue",
                     {"cap", "rate", "burst", "lease", "heartbeat", "mode", "requeue"});
  read_word(parts.find("mode"), values_, problems_, {"fifo", "random"}, event.queue_random);
  values_.whole(parts.find("cap"), event.queue_cap, 1, users_max);
  values_.number(parts.find("rate"), event.queue_rate, 0, rate_max);
  event.queue_burst = event.queue_rate;
  values_.number(parts.find("burst"), event.queue_burst, 0, rate_max);
  values_.duration(parts.find("lease"), event.queue_lease, shortest);
  values_.duration(parts.find("heartbeat"), event.queue_heartbeat, shortest);
  values_.flag(parts.find("requeue"), event.queue_requeue);
  return event;
}

void Reader::read_variables(const YamlNode* node,
                            std::vector<std::pair<std::string, Source>>& into) {
  for (const YamlNode::Member& member : values_.members(node, "a map of variables")) {
    Source source;
    values_.source(member.value.get(), source);
    into.emplace_back(member.key->text, std::move(source));
  }
}

void Reader::read_personas(const YamlNode* node) {
  for (const YamlNode::Member& member : values_.members(node, "a map of personas")) {
    check_key(*member.key);
    Persona persona{member.key->text, {}, member.key->place};
    persona.steps = steps_.read_steps(member.value.get());
    if (member.value->kind == YamlNode::Kind::list && member.value->items.empty()) {
      problems_.report(*member.value, "a persona without steps");
    }
    profile_.personas[persona.name] = std::move(persona);
  }
}

void Reader::read_scenarios(const YamlNode* node) {
  constexpr std::size_t scenarios_max = 64;
  const auto& members = values_.members(node, "a map of scenarios");
  if (node != nullptr && node->kind == YamlNode::Kind::map && members.empty()) {
    problems_.report(*node, "a profile without scenarios");
  }
  for (const YamlNode::Member& member : members) {
    check_key(*member.key);
    if (profile_.scenarios.size() == scenarios_max) {
      problems_.report(*member.key, "more than " + std::to_string(scenarios_max) + " scenarios");
      return;
    }
    ScenarioSpec scenario = read_scenario(member.key->text, *member.value);
    scenario.place = member.key->place;
    profile_.scenarios.push_back(std::move(scenario));
  }
  starts_.resolve(profile_.scenarios, problems_);
}

// The keys of a scenario, by its model.
Names scenario_keys(const std::string& model) {
  Names keys{"persona",    "model",     "start_at", "start_after", "users_max",  "user_from",
             "user_count", "variables", "feed",     "tags",        "connection", "tls"};
  if (model == "instant") {
    keys.insert(keys.end(), {"users", "rounds", "every", "reaction", "prepare"});
  } else {
    keys.insert(keys.end(), {"start", "stages"});
    if (model == "closed") {
      keys.insert(keys.end(), {"pacing", "sessions_max"});
    } else {
      keys.insert(keys.end(), {"arrivals", "when_full", "shape"});
    }
  }
  return keys;
}

ScenarioSpec Reader::read_scenario(const std::string& name, const YamlNode& node) {
  static const Names models{"open", "partly-open", "closed", "instant"};
  ScenarioSpec scenario;
  scenario.name = name;
  // The model decides which keys are known, so it is looked at first.
  const YamlNodePtr model = node.kind == YamlNode::Kind::map ? node.find("model") : nullptr;
  const bool known_model =
      model != nullptr && std::find(models.begin(), models.end(), model->text) != models.end();
  if (known_model) scenario.model = model->text;
  Names keys = scenario_keys(scenario.model);
  if (!known_model) keys.insert(keys.end(), {"users", "rounds", "every", "reaction", "prepare"});
  if (scenario.model == "instant") {
    // Said here, because the nearest known key would be a poor hint.
    keys.emplace_back("stages");
    for (const YamlNode::Member& member : node.members) {
      if (member.key->text != "stages") continue;
      problems_.report(*member.key, "an instant scenario has no stages",
                       "`users`, `rounds` and `every` say what its load is");
    }
  }
  const std::string what = known_model ? scenario.model + " scenario" : "scenario";
  Fields fields(problems_, &node,
                (what.starts_with('o') || what.starts_with('i') ? "an " : "a ") + what, keys);
  if (!fields.is_map()) return scenario;
  const YamlNode* const written = fields.require("model", "open, partly-open, closed or instant");
  if (written != nullptr && !known_model) {
    problems_.report(*written, "unknown model " + in_quotes(written->text),
                     nearest_hint(written->text, models));
  }
  const YamlNode* const persona = fields.require("persona", "whose steps its sessions run");
  values_.text(persona, scenario.persona);
  if (persona != nullptr) check_persona(scenario, *persona);
  values_.duration(fields.find("start_at"), scenario.start_at);
  const YamlNode* const after = fields.find("start_after");
  values_.text(after, scenario.start_after);
  starts_.note(after);
  if (const YamlNode* const pacing = fields.find("pacing")) {
    values_.random_duration(pacing, scenario.pacing.emplace());
    counters_.insert(std::string(counter_pacing_missed));
  }
  values_.whole(fields.find("users_max"), scenario.users_max, 0, users_max);
  values_.whole(fields.find("user_from"), scenario.user_from, 0, users_max);
  values_.whole(fields.find("user_count"), scenario.user_count, 0, users_max);
  check_user_range(scenario, fields);
  read_variables(fields.find("variables"), scenario.variables);
  DataReader(problems_).read_scenario(fields, profile_, scenario);
  read_own_connection(fields, problems_, profile_, scenario);
  if (known_model) scenario.load = read_load(scenario.model, fields);
  scenario.prepare = steps_.read_steps(fields.find("prepare"));
  collect_names(scenario.prepare, name);
  const auto found = profile_.personas.find(scenario.persona);
  if (found != profile_.personas.end()) collect_names(found->second.steps, name);
  return scenario;
}

void Reader::check_persona(const ScenarioSpec& scenario, const YamlNode& node) {
  if (profile_.personas.contains(scenario.persona)) return;
  Names names;
  for (const auto& [name, persona] : profile_.personas) names.push_back(name);
  problems_.report(node, "unknown persona " + in_quotes(scenario.persona),
                   nearest_hint(scenario.persona, names));
}

void Reader::check_user_range(const ScenarioSpec& scenario, const Fields& fields) {
  const std::uint64_t users = profile_.data.users;
  if (users == 0) return;  // a target without accounts: any number may stand for a user
  if (scenario.user_from >= users) {
    problems_.report(*fields.find("user_from"), "beyond the last user",
                     "`data.users` is " + std::to_string(users) + ", and they are numbered from 0");
  } else if (std::uint64_t{scenario.user_from} + scenario.user_count > users) {
    problems_.report(*fields.find("user_count"), "more users than there are",
                     "`data.users` is " + std::to_string(users));
  }
}

LoadShape Reader::read_load(const std::string& model, Fields& fields) {
  if (model == "instant") return read_instant(fields);
  double start = 0;
  values_.number(fields.find("start"), start, 0, rate_max);
  if (model == "closed") {
    ClosedLoad closed{start, read_stages(fields)};
    values_.whole(fields.find("sessions_max"), closed.sessions_max, 1);
    check_whole_targets(closed, fields);
    return closed;
  }
  OpenLoad open = read_open_stages(start, fields);
  std::string arrivals = "poisson", when_full = "drop";
  const YamlNode* const written = fields.find("arrivals");
  values_.text(written, arrivals);
  if (arrivals == "regular") {
    open.arrival = Arrival::regular;
  } else if (arrivals != "poisson") {
    problems_.report(*written, "unknown arrivals " + in_quotes(arrivals), "poisson or regular");
  }
  const YamlNode* const full = fields.find("when_full");
  values_.text(full, when_full);
  open.waits_when_full = when_full == "wait";
  if (when_full != "wait" && when_full != "drop") {
    problems_.report(*full, "unknown when_full " + in_quotes(when_full), "drop or wait");
  }
  return open;
}

// `start` and `stages`, or a named `shape` instead. What the command line says replaces what the
// file says, and of two options the later one counts.
OpenLoad Reader::read_open_stages(double start, Fields& fields) {
  OpenLoad open;
  const YamlNode* const shape = fields.find("shape");
  const YamlNode* const stages = fields.find("stages");
  const bool replaced = shape != nullptr && stages != nullptr && stages->set > shape->set;
  if (shape == nullptr || replaced) {
    open.start_rate = start;
    open.stages = read_stages(fields);
    return open;
  }
  for (const char* other : {"stages", "start"}) {
    const YamlNode* const written = fields.find(other);
    if (written != nullptr && written->set >= shape->set) {
      problems_.report(*written, std::string(other) + " beside a shape", "keep one of the two");
    }
  }
  StagePlan plan = read_shape(*shape, problems_, values_);
  open.start_rate = plan.start;
  open.stages = std::move(plan.stages);
  Nanos length{0};
  for (const Stage& stage : open.stages) length += stage.duration;
  if (length > duration_max) problems_.report(*shape, "longer than 7 days");
  return open;
}

void Reader::check_whole_targets(const ClosedLoad& load, const Fields& fields) {
  const auto fraction = [](double users) {
    return users != static_cast<double>(static_cast<std::int64_t>(users));
  };
  const bool bad = std::any_of(load.stages.begin(), load.stages.end(),
                               [&](const Stage& stage) { return fraction(stage.target); });
  if (bad) problems_.report(*fields.find("stages"), "users are whole numbers");
  if (fraction(load.start_users)) {
    problems_.report(*fields.find("start"), "users are whole numbers");
  }
}

LoadShape Reader::read_instant(Fields& fields) {
  constexpr std::uint64_t rounds_max = 100'000;
  InstantLoad instant;
  values_.whole(fields.require("users", "how many start at each instant"), instant.users, 1,
                users_max);
  values_.whole(fields.find("rounds"), instant.rounds, 1, rounds_max);
  values_.duration(fields.find("every"), instant.every, std::chrono::milliseconds{1});
  values_.random_duration(fields.find("reaction"), instant.reaction);
  if (instant.every * static_cast<std::int64_t>(instant.rounds) > duration_max) {
    problems_.report(*fields.find("rounds"), "longer than 7 days");
  }
  return instant;
}

std::vector<Stage> Reader::read_stages(Fields& fields) {
  std::vector<Stage> stages;
  const YamlNode* const node = fields.require("stages", "stages: 10s:100, 60s:100");
  if (node == nullptr) return stages;
  if (node->kind == YamlNode::Kind::scalar) {
    const auto parsed = parse_stages(node->text);
    if (parsed) {
      stages = *parsed;
    } else {
      problems_.report(*node, parsed.error().message, parsed.error().hint, parsed.error().at);
      return stages;
    }
  } else {
    for (const YamlNodePtr& item : values_.list(node, "a list of stages")) {
      Fields parts(problems_, item.get(), "a stage", {"duration", "target"});
      Stage stage;
      values_.duration(parts.require("duration"), stage.duration);
      values_.number(parts.require("target"), stage.target, 0, rate_max);
      stages.push_back(stage);
    }
  }
  Nanos length{0};
  for (const Stage& stage : stages) {
    length = std::min(length + stage.duration, duration_max + Nanos{1});
    if (stage.target > rate_max) problems_.report(*node, "a target above 1000000");
  }
  if (length > duration_max) problems_.report(*node, "longer than 7 days");
  if (length == Nanos{0} && (stages.empty() || node->kind == YamlNode::Kind::scalar)) {
    problems_.report(*node, stages.empty() ? "a scenario without stages" : "stages without length",
                     "10s:100, 60s:100");
  }
  return stages;
}

// Remembers which steps and counters the gates may speak of.
void Reader::collect_names(const std::vector<StepSpec>& steps, const std::string& scenario) {
  for (const StepSpec& step : steps) {
    if (!step.name.empty()) {
      step_names_.insert(step.name);
      scenario_steps_.insert(scenario + "." + step.name);
    }
    for (const DerivedSeries& derived : derived_series(step)) {
      step_names_.insert(derived.name);
      scenario_steps_.insert(scenario + "." + derived.name);
    }
    if (const auto* count = std::get_if<CountSpec>(&step.action)) counters_.insert(count->counter);
    if (std::holds_alternative<RetrySpec>(step.action)) {
      counters_.insert({std::string(counter_retries), std::string(counter_retries_exhausted)});
    }
    for (const auto* nested : nested_steps(step)) collect_names(*nested, scenario);
  }
}

bool Reader::is_written(const std::string& step) {
  if (!written_steps_) written_steps_ = step_names_in(root_);
  return written_steps_->contains(step);
}

void Reader::read_gates(const YamlNode* node) {
  steps_in_doubt_ = problems_.any();  // what the gates themselves have wrong hides no step
  for (const YamlNodePtr& item : values_.list(node, "a list of gates")) {
    if (item->kind != YamlNode::Kind::scalar) {
      problems_.report(*item, "a gate is one line", "- p95 < 300ms");
      continue;
    }
    auto threshold = parse_threshold(item->text);
    if (!threshold) {
      for (const Diagnostic& problem : threshold.error()) {
        problems_.report(*item, "gate: " + problem.message, problem.hint,
                         static_cast<std::size_t>(problem.place.column - 1));
      }
      continue;
    }
    check_gate(*threshold, *item);
    profile_.gates.push_back({std::move(*threshold), item->text, item->place});
  }
}

void Reader::check_gate(const Threshold& gate, const YamlNode& node) {
  const auto check = [&](const std::string& name, const std::set<std::string>& known,
                         const std::string& what) {
    if (known.contains(name)) return;
    // Its step is written and could not be read: that has been told.
    if (what == "step" && steps_in_doubt_ && is_written(gate.step)) return;
    problems_.report(node, "gate: unknown " + what + " " + in_quotes(name),
                     nearest_hint(name, Names(known.begin(), known.end())));
  };
  if (!gate.scenario.empty()) {
    check(gate.scenario + "." + gate.step, scenario_steps_, "step");
  } else if (!gate.step.empty()) {
    check(gate.step, step_names_, "step");
  }
  const bool counter = gate.measure == Threshold::Measure::counter_rate ||
                       gate.measure == Threshold::Measure::counter_count;
  if (counter) check(gate.name, counters_, "counter");
  if (gate.reference) check_gate(*gate.reference, node);
  std::set<std::string> gauges;
  for (const GaugeSpec& gauge : profile_.gauges) gauges.insert(gauge.name);
  if (gate.measure == Threshold::Measure::gauge) check(gate.name, gauges, "gauge");
  for (const auto& condition : gate.conditions) check(condition.gauge, gauges, "gauge");
}

void Reader::read_validity(const YamlNode* node) {
  const Fields fields(problems_, node, "validity",
                      {"rate_achieved_min", "not_sent_max", "loop_lag_p99_max", "start_lag_p99_max",
                       "cpu_max", "steal_max", "run_queue_max", "tainted_max", "slo", "calibration",
                       "probe", "lift", "samples_min"});
  ValiditySpec& validity = profile_.validity;
  values_.share(fields.find("rate_achieved_min"), validity.rate_achieved_min);
  const auto duration = [&](const char* key, std::optional<Nanos>& into, Nanos min) {
    if (const YamlNode* at = fields.find(key)) values_.duration(at, into.emplace(), min);
  };
  const auto share = [&](const char* key, std::optional<double>& into) {
    if (const YamlNode* at = fields.find(key)) values_.share(at, into.emplace());
  };
  duration("loop_lag_p99_max", validity.loop_lag_p99_max, Nanos{0});
  duration("start_lag_p99_max", validity.start_lag_p99_max, Nanos{0});
  duration("slo", validity.slo, Nanos{1});
  share("not_sent_max", validity.not_sent_max);
  share("cpu_max", validity.cpu_max);
  share("steal_max", validity.steal_max);
  share("run_queue_max", validity.run_queue_max);
  share("tainted_max", validity.tainted_max);
  values_.flag(fields.find("calibration"), validity.calibration);
  values_.flag(fields.find("probe"), validity.probe);
  const YamlNode* lift = fields.find("lift");
  values_.names(lift, validity.lift);
  for (const std::string& check : validity.lift) {
    if (std::ranges::find(liftable_checks, check) != liftable_checks.end()) continue;
    problems_.report(*lift,
                     "validity: " + in_quotes(check) + " is no self-check that can be lifted",
                     "one or more of L1 L3 L4 L4b L5 L6 L7 L8 L9 L10 L11 L13 L14 L16 L18; L12, "
                     "L15, L17 and the balances hold or the figures are wrong, and L2 has "
                     "not_sent_max");
  }
  values_.whole(fields.find("samples_min"), validity.samples_min);
}

void Reader::read_invariants(const YamlNode* node) {
  if (node == nullptr) return;
  std::string which;
  values_.text(node, which);
  profile_.booking_invariants = which == "booking";
  const bool known = which == "booking" || which == "none";
  if (!known && node->kind == YamlNode::Kind::scalar) {
    problems_.report(*node, "unknown invariants " + in_quotes(which), "booking or none");
  }
}

void Reader::check_times(const YamlNode* warm_up) {
  if (warm_up == nullptr || profile_.scenarios.empty()) return;
  Nanos end{0};
  for (const ScenarioSpec& scenario : profile_.scenarios) {
    end = std::max(end, scenario.start_at + load_length(scenario.load));
  }
  if (end == Nanos{0} || profile_.warm_up < end) return;
  problems_.report(*warm_up, "the warm-up leaves nothing to measure",
                   "the load lasts " + std::to_string(static_cast<int>(to_seconds(end))) + "s");
}

// The text with its overrides, for the record: what was run can be read, and run again, from it.
std::string text_as_run(std::string_view yaml, const std::vector<std::string>& sets,
                        const Secrets& secrets) {
  std::string text = without_secrets(yaml, secrets);
  if (sets.empty()) return text;
  if (!text.empty() && text.back() != '\n') text += '\n';
  text += "# run with:\n";
  for (const std::string& set : sets) {
    text += "#   --set ";
    for (const char c : without_secret(set)) text += c == '\n' || c == '\r' ? ' ' : c;
    text += '\n';
  }
  return text;
}

}  // namespace

ProfileReading read_profile_in_part(std::string_view yaml, std::string_view file_name,
                                    const std::vector<std::string>& sets) {
  Problems problems(std::string(file_name), sets);
  Diagnostics found;
  YamlNodePtr root = parse_yaml(yaml, found);
  Secrets secrets;
  if (root != nullptr) find_secrets(*root, secrets);
  for (std::size_t at = 0; root != nullptr && at < sets.size(); ++at) {
    root = with_override(root, sets[at], at + 1, found);
  }
  for (Diagnostic& diagnostic : found) problems.add(std::move(diagnostic));
  ProfileReading reading;
  if (root != nullptr) {
    const std::filesystem::path folder = std::filesystem::path(file_name).parent_path();
    reading.profile = Reader(*root, problems, folder.string()).read();
  }
  reading.profile.file = std::string(file_name);
  reading.profile.text = text_as_run(yaml, sets, secrets);
  reading.readable = root != nullptr;
  reading.problems = problems.take();
  if (!reading.problems.empty()) {
    const YamlNode nothing{};
    reading.doubts = doubts_of(root != nullptr ? *root : nothing, reading.problems, file_name);
  }
  return reading;
}

Checked<Profile> read_profile(std::string_view yaml, std::string_view file_name,
                              const std::vector<std::string>& sets) {
  ProfileReading reading = read_profile_in_part(yaml, file_name, sets);
  if (!reading.problems.empty()) return std::move(reading.problems);
  return std::move(reading.profile);
}

}  // namespace stampede
