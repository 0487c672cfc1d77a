// Goal: the profiles of crowds (opening, ghosts, mixed load, soak, auction alone and beside a sale,
// tuning ladder) run to their end and judge what they say they judge. Method: the shipped files in
// a small form against the real target; every audit runs, and gates that a small crowd can keep are
// kept.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "test_paths.hpp"
#include "tests/e2e/command.hpp"

namespace stampede::test {
namespace {

const std::string lenient =
    "validity={samples_min: 10, calibration: false, probe: false, slo: 2s, not_sent_max: 100%, "
    "lift: [L1, L3, L4, L4b, L5, L6, L7, L8, L9, L13, L14, L16, L18]}";

struct Outcome {
  CommandResult command;
  nlohmann::json file;
  std::string gauges;
};

Outcome run_small(const std::string& profile, const std::vector<std::string>& sets,
                  const std::vector<std::string>& more = {}) {
  const TemporaryFolder folder;
  const auto out = folder.path() / "run";
  std::vector<std::string> words{stampede_binary(),
                                 "run",
                                 std::string(STAMPEDE_SOURCE_DIR) + "/profiles/" + profile,
                                 "--out",
                                 out.string(),
                                 "--set",
                                 lenient};
  for (const std::string& set : sets) {
    words.emplace_back("--set");
    words.push_back(set);
  }
  words.insert(words.end(), more.begin(), more.end());
  Outcome run;
  run.command = run_command(words, {}, std::chrono::seconds(150));
  run.file = nlohmann::json::parse(read_file(out / "run.json"), nullptr, false);
  run.gauges = read_file(out / "gauges.csv");
  return run;
}

void expect_pass(const Outcome& run) {
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
  for (const auto& finding : run.file["findings"]) {
    if (finding["kind"] != "invariant") continue;
    EXPECT_EQ(finding["result"], "held") << finding.dump();
  }
}

// An invariant's finding, with what it looked at: "0 of 74 admissions".
std::string examined(const Outcome& run, const std::string& rule) {
  for (const auto& finding : run.file["findings"]) {
    if (finding["kind"] == "invariant" && finding["rule"] == rule) return finding.dump();
  }
  return "";
}

std::string gate(const Outcome& run, const std::string& begin) {
  for (const auto& finding : run.file["findings"]) {
    const auto rule = finding["rule"].get<std::string>();
    if (finding["kind"] == "gate" && rule.starts_with(begin)) return finding.dump();
  }
  return "";
}

const std::vector<std::string> small_opening{"drain=20s",
                                             "data.users=200",
                                             "data.events.0.opens_after=6s",
                                             "data.events.0.queue.cap=400",
                                             "data.events.0.queue.rate=20",
                                             "data.events.0.queue.burst=20",
                                             "scenarios.before.shape={steady: {rate: 25, for: 4s}}",
                                             "scenarios.before.start_at=1s",
                                             "scenarios.before.users_max=200",
                                             "scenarios.before.user_count=100",
                                             "scenarios.opening.users=100",
                                             "scenarios.opening.user_from=100",
                                             "scenarios.opening.user_count=100",
                                             "scenarios.opening.start_at=6s",
                                             "scenarios.opening.every=14s",
                                             "scenarios.census.start_at=6s",
                                             "scenarios.census.stages=0s:1, 14s:1"};

TEST(CrowdRun, AnOpeningLetsPeopleInEvenlyAndInOrder) {
  std::vector<std::string> sets = small_opening;
  sets.emplace_back(
      "gates=[errors == 0, queue_socket_push_lag p95 < 10s, position_rose_count == 0, "
      "places_read_count >= 5, place_lost_count == 0, census count ok >= 20, "
      "\"gauge active max <= 400\", "
      "\"gauge admitted rate >= 15/s while waiting > 0 and active > 0 and active < 400\", "
      "\"gauge admitted rate <= 24/s while waiting > 0 and active > 0 and active < 400\"]");
  const Outcome run = run_small("open-10k.yaml", sets);
  expect_pass(run);
  EXPECT_EQ(examined(run, "L8").find("0 of 0 "), std::string::npos) << examined(run, "L8");
  EXPECT_TRUE(run.gauges.starts_with("seconds,waiting,active,admitted\n")) << run.gauges;
}

// The gates can fail: a room for 60 is not kept by a limit of 30, and 20 a second are not 5.
TEST(CrowdRun, GatesOnGaugesFailWhenTheyShould) {
  std::vector<std::string> sets = small_opening;
  sets.emplace_back("invariants=none");
  sets.emplace_back("drain=1s");
  sets.emplace_back(
      "gates=[\"gauge active max <= 30\", \"gauge admitted rate <= 5/s while waiting > 0 and "
      "active > 0\", \"gauge waiting max >= 0 while waiting > 100000\"]");
  const Outcome run = run_small("open-10k.yaml", sets);
  EXPECT_EQ(run.command.exit_code, 1) << run.command.out << run.command.err;
  EXPECT_NE(gate(run, "gauge active").find("\"missed\""), std::string::npos)
      << gate(run, "gauge active");
  EXPECT_NE(gate(run, "gauge admitted").find("\"missed\""), std::string::npos)
      << gate(run, "gauge admitted");
  EXPECT_NE(gate(run, "gauge waiting").find("unproven"), std::string::npos)
      << gate(run, "gauge waiting");
}

// 100 people, of whom 40 fall silent: while they wait, inside, and with a seat on hold.
std::vector<std::string> small_silence() {
  std::vector<std::string> sets{"data.users=100", "data.events.0.queue.rate=8",
                                "data.events.0.queue.burst=8"};
  int from = 0;
  for (const auto& [name, users] :
       {std::pair{"stayers", 60}, {"silent", 20}, {"vanished", 10}, {"holders", 10}}) {
    const std::string at = std::string("scenarios.") + name + ".";
    for (const char* key : {"users=", "user_count="})
      sets.push_back(at + key + std::to_string(users));
    sets.push_back(at + "user_from=" + std::to_string(from));
    sets.push_back(at + "start_at=1s");
    sets.push_back(at + "every=27s");
    from += users;
  }
  sets.emplace_back(
      "gates=[errors == 0, admitted_count == 60, ghosts_count >= 1, given_up max < 8s, "
      "slots_kept_count == 0, slots_freed_count == 20, seats_kept_count == 0, "
      "seats_back_count >= 8, \"gauge active last == 0\", \"gauge lapsed last >= 20\"]");
  return sets;
}

TEST(CrowdRun, WhatTheSilentHadIsFreeAgainInTime) {
  expect_pass(run_small("ghosts.yaml", small_silence()));
}

TEST(CrowdRun, SlotsAndSeatsThatTheSilentKeepAreSeen) {
  std::vector<std::string> sets = small_silence();
  sets.emplace_back("target.defects=queue_set_ttl,expire_never");
  sets.emplace_back("invariants=none");
  const Outcome run = run_small("ghosts.yaml", sets);
  for (const char* begin : {"slots_kept", "seats_kept", "gauge active"})
    EXPECT_NE(gate(run, begin).find("\"missed\""), std::string::npos) << gate(run, begin);
}

TEST(CrowdRun, AnAuctionJudgesItsNoticesAndHowItSettles) {
  const Outcome run = run_small(
      "auction.yaml",
      {"data.users=101", "data.auctions.0.slots=10", "data.auctions.0.opens_after=4s",
       "data.auctions.0.duration=10s", "scenarios.bidders.users=100",
       "scenarios.bidders.user_count=100", "scenarios.bidders.every=30s",
       "scenarios.bidders.start_at=1s", "scenarios.witness.user_from=100",
       "scenarios.witness.every=30s", "scenarios.witness.start_at=1s",
       "scenarios.bidders.reaction=uniform 0s 1s", "personas.bidder.2.think=uniform 4s 6s",
       "personas.bidder.8.think=uniform 0s 500ms",
       "gates=[errors == 0, seats_paid_count == 10, notices_count >= 1, notices_late_count == 0, "
       "out_of_bids_count >= 1, notices_without_chance_count == 0, settled_count == 1, "
       "chain_tenths_count > 0, chain_tenths_count <= 50 x chain_links_count]"});
  expect_pass(run);
}

TEST(CrowdRun, LockedSeatsAreNotHeldWhileOthersLookAndBuy) {
  const Outcome run = run_small(
      "mixed.yaml",
      {"warm_up=1s", "data.users=200", "scenarios.browsers.user_count=100",
       "scenarios.buyers.user_from=100", "scenarios.buyers.user_count=80",
       "scenarios.operators.user_from=180",
       "gates=[errors == 0, locked_hold count ok == 0, locked_refused_count >= 5, confirmed_count "
       ">= 1]"},
      {"--stages", "browsers=1s:20,15s:20", "--stages", "buyers=1s:10,15s:10", "--stages",
       "operators=1s:4,15s:4"});
  expect_pass(run);
}

TEST(CrowdRun, ASoakGivesBackWhatItSells) {
  const Outcome run = run_small(
      "soak.yaml",
      {"warm_up=2s", "data.users=600", "scenarios.one.user_count=300",
       "scenarios.two.user_from=300", "scenarios.two.user_count=300",
       "gates=[errors == 0, confirmed_count >= 1, refund count conflict == 0, gauge memory growth "
       "< 300%, gauge descriptors max < 2000, gauge redis max < 400MB, gauge pending max < 2000]"},
      {"--stages", "one=3s:6,27s:6", "--stages", "two=3s:6,27s:6"});
  expect_pass(run);
}

TEST(CrowdRun, AnAuctionBesideASaleIsAuditedWithIt) {
  const Outcome run = run_small(
      "auction-mixed.yaml",
      {"data.users=300", "data.auctions.0.slots=10", "data.auctions.0.opens_after=4s",
       "data.auctions.0.duration=10s", "scenarios.bidders.users=100",
       "scenarios.bidders.user_count=100", "scenarios.bidders.every=30s",
       "scenarios.bidders.start_at=1s", "scenarios.buyers.user_from=100",
       "scenarios.buyers.user_count=200", "scenarios.bidders.reaction=uniform 0s 1s",
       "personas.bidder.2.think=uniform 4s 6s", "personas.bidder.8.think=uniform 0s 500ms",
       "gates=[errors == 0, bid count conflict == 0, seats_paid_count == 10, confirmed_count >= "
       "1]"},
      {"--stages", "buyers=3s:4,25s:4"});
  expect_pass(run);
}

TEST(CrowdRun, TheLadderComparesItsRungs) {
  std::vector<std::string> sets{
      "gates=[errors == 0, dual.hold count ok > 0, sync.hold count ok > 0, async.hold count ok > "
      "0, final.hold count ok > 0, final_50.hold count ok > 0, final_500.hold count ok > 0, "
      "final.hold p50 <= 100 x dual.hold p50]",
      "drain=12s"};
  std::vector<std::string> stages;
  for (const std::string step : {"dual", "sync", "async", "final"}) {
    for (const std::string rung : {"_50", "_200", "_500", ""}) {
      const std::string name = step + rung;
      if (name != "dual_50") sets.push_back("scenarios." + name + ".start_at=0s");
      stages.insert(stages.end(), {"--stages", name + (rung.empty() ? "=1s:20,6s:20" : "=2s:20")});
    }
  }
  const Outcome run = run_small("tuning-ladder.yaml", sets, stages);
  expect_pass(run);
  EXPECT_NE(gate(run, "final.hold p50").find("the limit is 100 × the p50"), std::string::npos)
      << gate(run, "final.hold p50");
}

}  // namespace
}  // namespace stampede::test
