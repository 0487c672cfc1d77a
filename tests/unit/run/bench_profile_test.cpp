#include "harness/run/bench_profile.hpp"

#include <gtest/gtest.h>

#include "harness/load/arrival_schedule.hpp"
#include "harness/run/run.hpp"

namespace stampede {
namespace {

BenchOptions options(std::string url = "http://127.0.0.1:8080/a?b=c") {
  BenchOptions made;
  made.url = std::move(url);
  return made;
}

BenchProfile make(const BenchOptions& from) {
  Checked<BenchProfile> made = make_bench_profile(from);
  if (!made.has_value()) throw std::runtime_error(made.error().front().message);
  EXPECT_TRUE(check_profile(made->profile).empty());
  return std::move(*made);
}

const HttpSpec& request_of(const BenchProfile& made) {
  return std::get<HttpSpec>(made.profile.personas.at("bench").steps.at(0).action);
}

std::string problems_of(const BenchOptions& from) {
  std::string all;
  const auto made = make_bench_profile(from);
  if (made.has_value()) return "none";
  for (const Diagnostic& each : made.error()) all += each.message + "\n";
  return all;
}

TEST(BenchProfile, WithoutARateItIsAClosedLoopOverTheConnections) {
  BenchOptions from = options();
  from.connections = 64;
  from.duration = "3";
  const BenchProfile made = make(from);
  EXPECT_EQ(made.base_url, "http://127.0.0.1:8080");
  EXPECT_EQ(request_of(made).method, "GET");
  EXPECT_EQ(request_of(made).path.text, "/a?b=c");
  const auto& load = std::get<ClosedLoad>(made.profile.scenarios.at(0).load);
  EXPECT_EQ(load.start_users, 64);
  EXPECT_EQ(load.stages.at(0).duration, std::chrono::seconds{3});
}

TEST(BenchProfile, WithARateArrivalsWaitForAConnection) {
  BenchOptions from = options();
  from.rate = 250;
  from.connections = 7;
  const BenchProfile made = make(from);
  const ScenarioSpec& scenario = made.profile.scenarios.at(0);
  const auto& load = std::get<OpenLoad>(scenario.load);
  EXPECT_TRUE(load.waits_when_full);
  EXPECT_EQ(scenario.users_max, 7u);
  EXPECT_EQ(load.arrival, Arrival::regular);
  EXPECT_EQ(load.start_rate, 250);
}

const ClosedLoad& closed_of(const BenchProfile& made) {
  return std::get<ClosedLoad>(made.profile.scenarios.at(0).load);
}

TEST(BenchProfile, ANumberOfRequestsEndsTheLoop) {
  BenchOptions from = options();
  from.connections = 3;
  from.requests = 1000;
  EXPECT_EQ(closed_of(make(from)).sessions_max, 1000u);
  EXPECT_EQ(run_length(make(from).profile), std::chrono::hours{24}) << "nothing else ends it";
  EXPECT_EQ(make(from).profile.question,
            "3 connections, 1 thread, 1000 requests, closed loop, at http://127.0.0.1:8080/a?b=c");
  from.duration = "2";
  EXPECT_EQ(closed_of(make(from)).sessions_max, 1000u);
  EXPECT_EQ(run_length(make(from).profile), std::chrono::seconds{2});
  EXPECT_EQ(make(options()).profile.question.find("request"), std::string::npos);
}

TEST(BenchProfile, ANumberOfRequestsAtARateTakesItsTimeUnlessTheTimeIsLess) {
  BenchOptions from = options();
  from.rate = 3;
  from.requests = 100;
  const auto arrivals = [](const BenchProfile& made) {
    const auto& load = std::get<OpenLoad>(made.profile.scenarios.at(0).load);
    return count_arrivals(load, 1, Nanos{0}, std::chrono::hours{1});
  };
  EXPECT_EQ(arrivals(make(from)), 100u);
  EXPECT_EQ(run_length(make(from).profile), Nanos{33'333'333'334});
  from.duration = "10s";
  EXPECT_EQ(arrivals(make(from)), 30u);
  from.duration = "1m";
  EXPECT_EQ(arrivals(make(from)), 100u);
  from.poisson = true;
  from.stages = "1s:1";
  EXPECT_NE(problems_of(from).find("at random times"), std::string::npos);
  EXPECT_NE(problems_of(from).find("a number of requests and stages"), std::string::npos);
}

TEST(BenchProfile, WhatIsSaidOfTls) {
  BenchOptions from = options("https://127.0.0.1:8443/");
  EXPECT_FALSE(make(from).profile.tls.insecure);
  from.insecure = true;
  from.ca_file = "ca.pem";
  from.certificate = "me.pem";
  from.key = "me.key";
  const TlsSpec tls = make(from).profile.tls;
  EXPECT_TRUE(tls.insecure);
  EXPECT_EQ(tls.ca_file, "ca.pem");
  EXPECT_EQ(tls.certificate_file, "me.pem");
  EXPECT_EQ(tls.key_file, "me.key");
  from.key.clear();
  EXPECT_NE(problems_of(from).find("a certificate without its key"), std::string::npos);
}

TEST(BenchProfile, StagesAreAPlanOfRates) {
  BenchOptions from = options();
  from.stages = "30s:100,2m:1000";
  from.poisson = true;
  const BenchProfile made = make(from);
  const auto& load = std::get<OpenLoad>(made.profile.scenarios.at(0).load);
  ASSERT_EQ(load.stages.size(), 2u);
  EXPECT_EQ(load.stages[1].target, 1000);
  EXPECT_EQ(load.arrival, Arrival::poisson);
}

TEST(BenchProfile, ABodyMakesAPostAndTextIsTakenAsItIs) {
  BenchOptions from = options("http://h:1?x");
  from.body = "{\"a\": \"\\\" : # 'é\", \"n\": 1}\n";
  from.headers = {"X-One: 1: 2", "Accept:text/plain"};
  const BenchProfile made = make(from);
  const HttpSpec& request = request_of(made);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path.text, "/?x");
  EXPECT_EQ(request.body->text, *from.body);
  ASSERT_EQ(request.headers.size(), 2u);
  EXPECT_EQ(request.headers[0].second.text, "1: 2");
  EXPECT_EQ(request.headers[1].second.text, "text/plain");
}

TEST(BenchProfile, EveryProblemIsReportedAtOnce) {
  BenchOptions from = options("127.0.0.1/x");
  from.method = "BREW";
  from.headers = {"no header"};
  from.rate = 5;
  from.stages = "1s:1";
  from.gates = {"p95 < 3"};
  const std::string problems = problems_of(from);
  for (const char* part : {"no scheme", "BREW", "no header", "a rate and stages", "needs a unit"}) {
    EXPECT_NE(problems.find(part), std::string::npos) << part << " in\n" << problems;
  }
}

}  // namespace
}  // namespace stampede
