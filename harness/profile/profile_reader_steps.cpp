#include "harness/profile/profile_reader_steps.hpp"

#include "harness/profile/profile_reader_data.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace stampede {

namespace {

using Names = std::vector<std::string>;

// The keys that may stand beside each action.
const std::map<std::string, Names, std::less<>>& actions() {
  static const Names http = [] {
    Names keys{"name",   "timeout",     "headers", "body",  "expect", "capture",
               "record", "transaction", "waits",   "retry", "check",  "tags"};
    keys.insert(keys.end(), HttpReader::step_keys().begin(), HttpReader::step_keys().end());
    return keys;
  }();
  static const std::map<std::string, Names, std::less<>> table{
      {"get", http},
      {"post", http},
      {"put", http},
      {"patch", http},
      {"delete", http},
      {"head", http},
      {"options", http},
      {"ws_connect",
       {"name", "timeout", "headers", "protocol", "heartbeat", "ping_every", "pong_timeout",
        "message_max", "keep", "push_lag", "record", "transaction", "waits", "retry", "tags"}},
      {"ws_send", {"binary"}},
      {"ws_await",
       {"name", "timeout", "contains", "matches", "unless", "capture", "record", "transaction",
        "waits", "retry", "tags"}},
      {"ws_close", {}},
      {"sse_connect",
       {"name", "timeout", "headers", "reconnect", "message_max", "keep", "push_lag", "record",
        "transaction", "waits", "retry", "tags"}},
      {"sse_await",
       {"name", "timeout", "event", "contains", "matches", "unless", "capture", "record",
        "transaction", "waits", "retry", "tags"}},
      {"sse_close", {}},
      {"sse_read", {}},
      {"connect", {"name", "timeout", "retry", "tags"}},
      {"think", {}},
      {"set", {}},
      {"if", {"then", "else"}},
      {"while", {"do", "times"}},
      {"repeat", {"do"}},
      {"choose", {}},
      {"retry", {"do"}},
      {"parallel", {"name", "connections"}},
      {"rendezvous", {"name", "timeout"}},
      {"count", {}},
      {"feed", {}},
      {"stop", {}}};
  return table;
}

bool makes_samples(std::string_view action) {
  const auto found = actions().find(action);
  return found != actions().end() && !found->second.empty() && found->second.front() == "name";
}

bool is_http(std::string_view action) {
  static const Names methods{"get", "post", "put", "patch", "delete", "head", "options"};
  return std::find(methods.begin(), methods.end(), action) != methods.end();
}

// `retry` beside a request is a property of it, not an action of its own.
bool is_property(const YamlNode& step, const YamlNode::Member& member) {
  if (member.key->text != "retry") return false;
  return std::any_of(step.members.begin(), step.members.end(), [](const auto& other) {
    const auto found = actions().find(other.key->text);
    return found != actions().end() &&
           std::find(found->second.begin(), found->second.end(), "retry") != found->second.end();
  });
}

Names action_names() {
  Names names;
  for (const auto& [name, keys] : actions()) names.push_back(name);
  return names;
}

bool is_step_key(std::string_view key) {
  return std::any_of(actions().begin(), actions().end(), [key](const auto& action) {
    return std::find(action.second.begin(), action.second.end(), key) != action.second.end();
  });
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string hint_of(std::string_view word, const Names& names) {
  const std::string_view near = nearest(word, names);
  if (!near.empty()) return "did you mean " + in_quotes(near) + "?";
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return "known are " + all;
}

// Words that a gate reads as something else than a step.
bool is_gate_word(std::string_view name) {
  constexpr std::array<std::string_view, 12> words{"errors",  "shed",  "rate", "tx_rate",
                                                   "users",   "count", "mean", "max",
                                                   "service", "lag",   "min",  "gauge"};
  const bool quantile = name.size() > 1 && name.front() == 'p' &&
                        name.find_first_not_of("0123456789.", 1) == std::string_view::npos;
  return quantile || std::find(words.begin(), words.end(), name) != words.end();
}

}  // namespace

std::vector<StepSpec> StepReader::read_steps(const YamlNode* node) {
  std::vector<StepSpec> steps;
  if (node != nullptr) read_into(node, steps);
  return steps;
}

void StepReader::read_into(const YamlNode* node, std::vector<StepSpec>& steps) {
  for (const YamlNodePtr& item : values_.list(node, "a list of steps")) {
    read_item(*item, steps);
    if (steps_ > steps_max) return;
  }
}

void StepReader::read_item(const YamlNode& item, std::vector<StepSpec>& steps) {
  if (item.kind == YamlNode::Kind::list) return read_into(&item, steps);
  if (++steps_ <= steps_max) return read_step(item, steps);
  problems_.report(item, "more than " + std::to_string(steps_max) + " steps");
}

// The member that says what the step does; nullptr after a report.
const YamlNode::Member* StepReader::find_action(const YamlNode& node) {
  const YamlNode::Member* found = nullptr;
  for (const YamlNode::Member& member : node.members) {
    if (actions().find(member.key->text) == actions().end()) continue;
    if (is_property(node, member)) continue;
    if (found == nullptr) {
      found = &member;
      continue;
    }
    problems_.report(*member.key,
                     "two actions in one step: " + in_quotes(found->key->text) + " and " +
                         in_quotes(member.key->text),
                     "begin a step of its own with \"- " + member.key->text + ": …\"");
  }
  if (found != nullptr) return found;
  for (const YamlNode::Member& member : node.members) {
    if (is_step_key(member.key->text)) continue;
    problems_.report(*member.key, "unknown step " + in_quotes(member.key->text),
                     hint_of(member.key->text, action_names()));
    return nullptr;
  }
  problems_.report(node, "a step without an action", hint_of("", action_names()));
  return nullptr;
}

void StepReader::read_step(const YamlNode& node, std::vector<StepSpec>& steps) {
  if (node.kind != YamlNode::Kind::map) {
    const bool bare = node.kind == YamlNode::Kind::scalar && actions().contains(node.text);
    problems_.report(node, "a step is a map",
                     bare ? "write " + node.text + ": {}" : "- get: /path");
    return;
  }
  const YamlNode::Member* const action = find_action(node);
  if (action == nullptr) return;
  const std::string& kind = action->key->text;
  check_place(*action->key);
  Names known = actions().at(kind);
  for (const YamlNode::Member& member : node.members) {
    // Second actions have been reported already.
    if (actions().contains(member.key->text)) known.push_back(member.key->text);
  }
  Fields fields(problems_, &node, "a " + kind + " step", known);
  const YamlNode& value = *action->value;
  StepSpec step;
  step.place = node.set > 0 ? Place{} : node.place;
  if (kind != "parallel" && kind != "rendezvous") read_common(fields, kind, step);
  if (is_http(kind)) {
    step.action = read_http(kind, value, fields);
  } else if (kind.starts_with("ws_") || kind.starts_with("sse_")) {
    read_stream(kind, value, fields, step);
  } else if (kind == "think") {
    step.action = read_think(value);
  } else if (kind == "set") {
    step.action = read_set(value);
  } else if (kind == "if") {
    step.action = read_if(value, fields);
  } else if (kind == "while" || kind == "repeat") {
    step.action = read_loop(kind == "repeat", value, fields);
  } else if (kind == "choose") {
    step.action = read_choose(value);
  } else if (kind == "retry" || kind == "parallel" || kind == "rendezvous") {
    read_steering(kind, value, fields, step);
  } else if (kind == "count") {
    CountSpec count;
    values_.name(&value, count.counter);
    step.action = std::move(count);
  } else if (kind == "feed") {
    FeedSpec feed;
    values_.name(&value, feed.feeder);
    step.place = value.set > 0 ? Place{} : value.place;
    step.action = std::move(feed);
  } else {
    expect_nothing(value, kind);
    if (kind == "connect") step.action = ConnectSpec{};
    if (kind == "stop") step.action = StopSpec{};
  }
  const YamlNode* const retry = kind == "retry" ? nullptr : fields.find("retry");
  if (retry != nullptr) wrap_in_retry(*retry, step);
  steps.push_back(std::move(step));
}

void StepReader::expect_nothing(const YamlNode& node, const std::string& action) {
  const bool empty_map = node.kind == YamlNode::Kind::map && node.members.empty();
  if (empty_map || node.kind == YamlNode::Kind::null) return;
  problems_.report(node, in_quotes(action) + " takes no value", "write " + action + ": {}");
}

void StepReader::read_common(const Fields& fields, std::string_view action, StepSpec& step) {
  if (!makes_samples(action)) return;
  const YamlNode* const name = fields.find("name");
  values_.name(name, step.name);
  if (name == nullptr) {
    problems_.report(*fields.node(), "a " + std::string(action) + " step needs a name",
                     "name: … is its row in the report");
  } else if (is_gate_word(step.name)) {
    problems_.report(*name, in_quotes(step.name) + " is a word of the gates",
                     "choose another name");
  }
  values_.duration(fields.find("timeout"), step.timeout, std::chrono::milliseconds{1});
  values_.flag(fields.find("transaction"), step.transaction);
  // Waiting for a message is what these steps are for: unless told otherwise it stays out of the
  // totals.
  step.waits = action == "ws_await" || action == "sse_await";
  values_.flag(fields.find("waits"), step.waits);
  read_tags(problems_, fields.find("tags"), step.tags);
  if (const YamlNode* const record = fields.find("record")) step.record = read_record(*record);
}

Source StepReader::read_path(const YamlNode& node) {
  Source path;
  values_.source(&node, path);
  if (node.kind != YamlNode::Kind::scalar) return path;
  if (node.text.starts_with("http://") || node.text.starts_with("https://") ||
      node.text.starts_with("ws://") || node.text.starts_with("wss://")) {
    problems_.report(node, "a path is wanted, not a whole URL",
                     "the host comes from the command line (--url) or the topology");
  } else if (!node.text.starts_with('/') && !node.text.starts_with("${")) {
    problems_.report(node, "a path starts with /", "/" + node.text);
  }
  const std::size_t bad = node.text.find_first_of(" \t\r\n");
  if (bad != std::string::npos) {
    problems_.report(node, "white space in a path", "write %20 for a blank", bad);
  }
  return path;
}

StepReader::Sources StepReader::read_headers(const YamlNode* node) {
  return http_.read_headers(node);
}

Source StepReader::read_body(const YamlNode& node) { return http_.read_body(node); }

HttpSpec StepReader::read_http(const std::string& method, const YamlNode& value,
                               const Fields& fields) {
  HttpSpec http;
  http.method = method;
  for (char& c : http.method) c = static_cast<char>(c - 32);
  http.path = read_path(value);
  http.headers = read_headers(fields.find("headers"));
  http.query = http_.read_pairs(fields.find("query"), "a map of query parameters");
  http.options = http_.read_options(fields);
  http_.read_bodies(fields, folder_, http);
  http.expect = read_expect(fields.find("expect"));
  http.captures = read_captures(fields.find("capture"), true);
  http.checks = read_checks(fields.find("check"));
  return http;
}

std::vector<unsigned> StepReader::read_statuses(const YamlNode& node) {
  constexpr unsigned status_min = 100;
  constexpr unsigned status_max = 599;
  std::vector<unsigned> statuses;
  const auto add = [&](const YamlNode& one) {
    unsigned status = 0;
    values_.whole(&one, status, status_min, status_max);
    if (status != 0) statuses.push_back(status);
  };
  if (node.kind == YamlNode::Kind::scalar) {
    add(node);
  } else {
    for (const YamlNodePtr& item : values_.list(&node, "a list of statuses")) add(*item);
  }
  return statuses;
}

ExpectSpec StepReader::read_expect(const YamlNode* node) {
  ExpectSpec expect;
  using List = std::optional<std::vector<unsigned>>;
  const std::array<std::pair<std::string, List*>, 6> classes{{{"ok", &expect.ok},
                                                              {"conflict", &expect.conflict},
                                                              {"gone", &expect.gone},
                                                              {"rule", &expect.rule},
                                                              {"window", &expect.window},
                                                              {"shed", &expect.shed}}};
  Names names;
  for (const auto& [name, list] : classes) names.push_back(name);
  const Fields fields(problems_, node, "expect", names);
  std::map<unsigned, std::string> class_of;
  for (const auto& [name, list] : classes) {
    const YamlNode* const found = fields.find(name);
    if (found == nullptr) continue;
    *list = read_statuses(*found);
    for (const unsigned status : **list) {
      const auto [known, added] = class_of.try_emplace(status, name);
      if (added) continue;
      problems_.report(*found, "status " + std::to_string(status) + " is " + known->second +
                                   " and " + name + " at once");
    }
  }
  return expect;
}

StepReader::Sources StepReader::read_match(const YamlNode& node) {
  Sources match;
  for (const YamlNode::Member& member : values_.members(&node, "a map of JSON pointers")) {
    if (!is_json_pointer(member.key->text)) {
      problems_.report(*member.key, in_quotes(member.key->text) + " is not a JSON pointer",
                       "it starts with /, as in /type");
    }
    Source value;
    values_.source(member.value.get(), value);
    match.emplace_back(member.key->text, std::move(value));
  }
  return match;
}

SetSpec StepReader::read_set(const YamlNode& value) {
  SetSpec set;
  for (const YamlNode::Member& member : values_.members(&value, "a map of variables")) {
    Source source;
    if (member.value->kind == YamlNode::Kind::null) {
      source = {"nil", member.value->place, true};
    } else {
      values_.source(member.value.get(), source);
    }
    set.assignments.emplace_back(member.key->text, std::move(source));
  }
  return set;
}

IfSpec StepReader::read_if(const YamlNode& value, const Fields& fields) {
  IfSpec branch;
  values_.source(&value, branch.condition);
  branch.then_steps = read_steps(fields.find("then"));
  branch.else_steps = read_steps(fields.find("else"));
  if (fields.find("then") == nullptr && fields.find("else") == nullptr) {
    problems_.report(*fields.node(), "an if step needs the key \"then\" or \"else\"");
  }
  return branch;
}

LoopSpec StepReader::read_loop(bool counted, const YamlNode& value, Fields& fields) {
  constexpr std::uint64_t times_max = 1'000'000;
  LoopSpec loop;
  if (counted) {
    values_.whole(&value, loop.times, 1, times_max);
  } else {
    loop.condition.emplace();
    values_.source(&value, *loop.condition);
    values_.whole(fields.require("times", "no loop runs for ever: the most rounds it may take"),
                  loop.times, 1, times_max);
  }
  loop.steps = read_steps(fields.require("do", "the steps to repeat"));
  return loop;
}

ChooseSpec StepReader::read_choose(const YamlNode& value) {
  constexpr double weight_max = 1e9;
  ChooseSpec choose;
  double sum = 0;
  for (const YamlNodePtr& item : values_.list(&value, "a list of branches")) {
    Fields fields(problems_, item.get(), "a branch of choose", {"weight", "do"});
    ChooseSpec::Branch branch{0, {}};
    values_.number(fields.require("weight", "weight: 70"), branch.weight, 0, weight_max);
    branch.steps = read_steps(fields.require("do", "its steps; [] for none"));
    sum += branch.weight;
    choose.branches.push_back(std::move(branch));
  }
  if (value.kind == YamlNode::Kind::list && sum <= 0) {
    problems_.report(value, "choose needs a branch with a weight above 0");
  }
  return choose;
}

RecordSpec StepReader::read_record(const YamlNode& node) {
  static const Names kinds{"enter",   "admitted",  "hold",   "extend", "release", "order",
                           "payment", "confirmed", "cancel", "leave",  "bid"};
  static const Names field_names{"event", "key",     "reference", "seats",
                                 "fence", "expires", "status",    "position"};
  RecordSpec record;
  record.place = node.place;
  const auto& members = values_.members(&node, "a map of one record");
  if (node.kind == YamlNode::Kind::map && members.size() != 1) {
    problems_.report(node, "one record per step, not " + std::to_string(members.size()),
                     "record: {hold: {event: …, key: …}}");
  }
  for (const YamlNode::Member& member : members) {
    record.kind = member.key->text;
    if (std::find(kinds.begin(), kinds.end(), record.kind) == kinds.end()) {
      problems_.report(*member.key, "unknown record " + in_quotes(record.kind),
                       hint_of(record.kind, kinds));
    }
    const Fields fields(problems_, member.value.get(), "a record", field_names);
    for (const std::string& name : field_names) {
      const YamlNode* const field = fields.find(name);
      if (field != nullptr) values_.source(field, record.fields[name]);
    }
  }
  return record;
}

}  // namespace stampede
