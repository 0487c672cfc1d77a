// Goal: a server that freezes for a second must look as bad as its users felt it, not as good as
// the few requests that met it. Method: 200 requests a second, regularly, on few connections,
// against a server that stands still for 1 s in the middle of 5 s. Truth: 200 requests are due
// during the freeze and wait 1.0 … 0 s, so a fifth of all: p95 of the response time is about 750
// ms, the maximum about 1 s; and the service time of most of them is short.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/answering_server.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

TEST(CoordinatedOmission, AFreezeIsChargedToEveryRequestThatWasDueInIt) {
  const TemporaryFolder folder;
  const AnsweringServer server(
      {.freeze_after = std::chrono::seconds(2), .freeze = std::chrono::seconds(1)});
  const auto profile =
      folder.write("stall.yaml",
                   "name: stall\nquestion: q\ndrain: 3s\nscenarios:\n"
                   "  s: {persona: p, model: open, arrivals: regular, stages: '0s:200, 5s:200'}\n"
                   "personas:\n  p:\n    - get: /\n      name: get\n"
                   "gates: [max < 10s]\n"
                   "validity: {samples_min: 100, calibration: false, lift: [L1, L3, L5, L6, L7, "
                   "L8, L9, L13]}\n");
  const auto result = run_command({stampede_binary(), "run", profile, "--url", server.url(),
                                   "--out", (folder.path() / "run").string()});
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  const auto run = nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"));
  const auto& response = run["total"]["response"]["ns"];
  EXPECT_EQ(run["total"]["count"], 1000);
  EXPECT_GT(response["p95"].get<double>(), 0.6e9) << response;
  EXPECT_GT(response["max"].get<double>(), 0.9e9) << response;
  EXPECT_LT(response["p50"].get<double>(), 0.3e9) << response;
}

}  // namespace
}  // namespace stampede::test
