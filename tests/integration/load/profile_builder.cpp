#include "tests/integration/load/profile_builder.hpp"

#include <gtest/gtest.h>

#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede::test {

namespace {

StepSpec step(std::string name, Nanos timeout) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.timeout = timeout;
  return spec;
}

}  // namespace

StepSpec get(std::string name, std::string path, Nanos timeout) {
  StepSpec spec = step(std::move(name), timeout);
  HttpSpec http;
  http.method = "GET";
  http.path.text = std::move(path);
  spec.action = std::move(http);
  return spec;
}

StepSpec post(std::string name, std::string path, std::string body) {
  StepSpec spec = get(std::move(name), std::move(path));
  auto& http = std::get<HttpSpec>(spec.action);
  http.method = "POST";
  http.body = Source{std::move(body), {}};
  return spec;
}

StepSpec think(double seconds_long) {
  StepSpec spec;
  spec.action = ThinkSpec{{RandomDuration::Kind::constant, seconds_long, 0}, {}};
  return spec;
}

StepSpec ws_connect(std::string path) {
  StepSpec spec = step("socket", seconds{5});
  WsConnectSpec connect;
  connect.path.text = std::move(path);
  spec.action = std::move(connect);
  return spec;
}

StepSpec ws_await(std::string pointer, std::string value, Nanos timeout) {
  StepSpec spec = step("message", timeout);
  WsAwaitSpec await;
  await.where.emplace_back(std::move(pointer), Source{std::move(value), {}});
  spec.action = std::move(await);
  return spec;
}

StepSpec ws_send(std::string text) {
  StepSpec spec;
  spec.action = WsSendSpec{{std::move(text), {}}};
  return spec;
}

OpenLoad regular(double rate, Nanos length) { return {rate, {{length, rate}}, Arrival::regular}; }

Driven Drive::against(std::uint16_t port, std::stop_token stop) const {
  Profile profile;
  profile.name = "test";
  profile.variables = variables;
  profile.http = http;
  profile.personas["p"] = Persona{"p", steps, {}};
  ScenarioSpec scenario;
  scenario.name = "s";
  scenario.model = model;
  scenario.persona = "p";
  scenario.load = load;
  scenario.start_at = start_at;
  scenario.users_max = users_max;
  scenario.prepare = prepare;
  scenario.feed = feed;
  profile.feeders = feeders;
  profile.scenarios.push_back(std::move(scenario));
  auto compiled = compile(profile);
  if (!compiled) throw std::runtime_error(render(compiled.error(), ""));

  Driven driven;
  driven.run = std::move(*compiled);
  LoadPlan plan;
  plan.run = &driven.run;
  plan.target = target;
  plan.target.port = port;
  plan.users = users;
  plan.workers = workers;
  plan.warm_up = warm_up;
  plan.length = length;
  plan.drain = drain;
  plan.mutation = mutation;
  plan.ledger_entries_max = ledger_entries_max;
  driven.outcome =
      drive(plan, stop, [&driven](const LoadSecond& s) { driven.seconds.push_back(s); });
  return driven;
}

Driven drive_profile(const std::string& yaml, HttpTarget target) {
  const auto profile = read_profile(yaml, "p.yaml", {});
  if (!profile) throw std::runtime_error(render(profile.error(), yaml));
  auto compiled = compile(*profile);
  if (!compiled) throw std::runtime_error(render(compiled.error(), yaml));
  Driven driven;
  driven.run = std::move(*compiled);
  LoadPlan plan;
  plan.run = &driven.run;
  plan.target = std::move(target);
  plan.target.connection = profile->connection;
  plan.target.tls = profile->tls;
  plan.workers = profile->workers;
  plan.length = run_length(*profile);
  plan.drain = profile->drain;
  driven.outcome = drive(plan, {}, [&driven](const LoadSecond& s) { driven.seconds.push_back(s); });
  return driven;
}

std::string Driven::all_failures() const {
  std::string text;
  for (std::size_t i = 1; i < failure_count; ++i) {
    const auto kind = static_cast<Failure>(i);
    if (failures(kind) == 0) continue;
    text += fmt::format("\n{} {}: {}", name_of(kind), failures(kind), example(kind));
  }
  return text;
}

std::uint64_t Driven::count(Outcome kind) const {
  std::uint64_t sum = 0;
  for (const SeriesSnapshot& series : total().series) {
    sum += series.outcomes[static_cast<std::size_t>(kind)];
  }
  return sum;
}

const SeriesSnapshot& Driven::series(const std::string& name) const {
  for (std::size_t i = 0; i < run.series.size(); ++i) {
    if (run.series[i].step == name) return total().series.at(i);
  }
  throw std::runtime_error("no series " + name);
}

void Driven::expect_closed_balance() const {
  Snapshot sum;
  for (const LoadSecond& second : seconds) sum += second.delta;
  Snapshot whole = outcome.warm_up;
  whole += outcome.measured;
  EXPECT_EQ(sum.requests_begun, whole.requests_begun);
  EXPECT_EQ(sum.sessions, whole.sessions);
  for (const Snapshot* part : {&outcome.warm_up, &outcome.measured}) {
    const SessionCounts& s = part->sessions;
    EXPECT_EQ(s.scheduled, s.completed + s.failed + s.unfinished + s.not_sent);
    std::uint64_t ended = 0;
    for (const SeriesSnapshot& series : part->series) {
      for (const std::uint64_t n : series.outcomes) ended += n;
    }
    EXPECT_EQ(part->requests_begun, ended);
    EXPECT_EQ(part->identity_broken, 0u);
  }
}

}  // namespace stampede::test
