// Goal: the whole chain works, and sees what it claims to see.
// Method: real boxoffice, Redis and MariaDB, started by the harness; a clean run passes with every
// invariant checked, and runs with planted defects end as the specification says, naming the seat.
#include <gtest/gtest.h>
#include <unistd.h>
#include <csignal>

#include <thread>

#include "test_paths.hpp"
#include "tests/e2e/profile_run.hpp"

namespace stampede::test {
namespace {

bool names_a_seat(const nlohmann::json& run, const std::string& rule) {
  for (const auto& finding : run["findings"]) {
    if (finding["rule"] != rule) continue;
    for (const auto& sample : finding["samples"]) {
      if (sample.get<std::string>().find("seat") != std::string::npos) return true;
    }
  }
  return false;
}

// What the report tells beside its verdict, from all the places that it is read from.
void expect_facts_of_a_sale(const nlohmann::json& run) {
  const auto& seats = run["seats"];
  ASSERT_TRUE(seats.is_object());
  std::uint64_t sum = 0;
  for (const char* part : {"free", "held", "pending", "sold", "locked"}) {
    sum += seats[part].get<std::uint64_t>();
  }
  EXPECT_EQ(seats["total"], sum) << seats.dump();
  EXPECT_GT(seats["sold"], 5);
  const auto& funnel = run["funnel"];
  ASSERT_TRUE(funnel.is_object());
  ASSERT_EQ(funnel["stages"].size(), 6U) << funnel.dump();
  EXPECT_GT(funnel["stages"][5]["sessions"], 5);
  EXPECT_GT(funnel["holds"]["dwell"]["count"], 5);
  EXPECT_GT(funnel["queue_wait"]["count"], 5);
  // An order and its confirmation are two transactions at the least.
  EXPECT_GT(run["stores"]["mysql_commits"], 2 * funnel["stages"][5]["sessions"].get<int>());
  EXPECT_GE(run["stores"]["redis_scripts"]["hold"]["calls"], funnel["holds"]["acknowledged"]);
  EXPECT_GT(run["stores"]["redis_scripts"]["hold"]["ns_mean"], 1'000);
  EXPECT_GT(run["machine"]["cpu_busy_share"], 0);
  EXPECT_GT(run["machine"]["memory_used_bytes"], 100'000'000);
  EXPECT_GT(run["processes"][1]["voluntary_switches"], 100) << run["processes"][1].dump();
  std::uint64_t confirmed = 0;
  for (const auto& second : run["seconds"]) {
    confirmed += second["counters"]["confirmed"].get<std::uint64_t>();
  }
  EXPECT_GE(confirmed, run["counters"]["confirmed"]["count"].get<std::uint64_t>());
}

TEST(BookingRun, SmokePassesWithEveryInvariantChecked) {
  const ProfileRun run =
      run_profile("profiles/smoke.yaml",
                  {"--set",
                   "validity={samples_min: 100, calibration: false, "
                   "lift: [L1, L3, L5, L6, L7, L8, L9, L13, L14, L16]}",
                   "--set", "gates=[errors == 0, confirmed_count > 5, declined_count > 0]"});
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
  int invariants = 0;
  for (const auto& finding : run.file["findings"]) {
    if (finding["kind"] != "invariant") continue;
    ++invariants;
    EXPECT_EQ(finding["result"], "held") << finding.dump();
  }
  EXPECT_GE(invariants, 23);  // A1–A9, R1–R7, L1–L5, L7, L8
  for (const char* log : {"boxoffice.log", "redis.log", "mariadb.log"}) {
    EXPECT_TRUE(contains(run.logs, log)) << log;
  }
  ASSERT_EQ(run.file["diagnosis"].size(), 7U);
  for (const auto& remark : run.file["diagnosis"]) {
    if (remark["rule"] == "auction_fairness") continue;  // five bidders are too few for it
    EXPECT_NE(remark["result"], "not_run") << remark.dump();
  }
  EXPECT_NE(run.command.out.find("CPU/tx"), std::string::npos) << run.command.out;
  EXPECT_NE(run.command.out.find("\nFUNNEL "), std::string::npos) << run.command.out;
  expect_facts_of_a_sale(run.file);
}

TEST(BookingRun, RolesAsServicesOfTheirOwnSellTheSame) {
  if (!std::filesystem::exists("/usr/sbin/nginx")) GTEST_SKIP() << "nginx is not installed";
  const ProfileRun run =
      run_profile("profiles/smoke.yaml",
                  {"--set", "topology=split", "--set",
                   "validity={samples_min: 100, calibration: false, "
                   "lift: [L1, L3, L5, L6, L7, L8, L9, L13, L14, L16]}",
                   "--set", "gates=[errors == 0, confirmed_count > 5, declined_count > 0]"});
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
  const std::string file = run.file.dump();
  for (const char* role : {"catalog", "reservation", "order", "payment"}) {
    EXPECT_NE(file.find(std::string("boxoffice ") + role), std::string::npos) << role;
    EXPECT_NE(file.find(std::string("--path-prefix=/ticketing/") + role), std::string::npos);
    EXPECT_TRUE(contains(run.logs, std::string("boxoffice-") + role + ".log")) << role;
  }
}

TEST(BookingRun, RivalsForOneSeatLeaveOneOwner) {
  const ProfileRun run = run_profile("tests/e2e/profiles/rivals.yaml");
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
}

TEST(PlantedDefect, AHoldThatChecksThenSetsOversellsAndTheSeatIsNamed) {
  const ProfileRun run = run_profile("tests/e2e/profiles/rivals.yaml",
                                     {"--set", "target.defects=hold_check_then_set,no_guard1"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  const auto rules = broken(run.file);
  EXPECT_TRUE(contains(rules, "OVERSELL")) << run.file["findings"].dump(1);
  EXPECT_TRUE(contains(rules, "L1"));
  EXPECT_TRUE(contains(rules, "A2"));
  EXPECT_TRUE(names_a_seat(run.file, "L1")) << run.file["findings"].dump(1);
  EXPECT_EQ(run.file["tainted"], true);
}

TEST(BookingRun, BystandersGetNothingThatIsNotTheirs) {
  const ProfileRun run = run_profile("tests/e2e/profiles/bystanders.yaml");
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
}

TEST(PlantedDefect, AnOrderWithoutOwnerSellsASeatTwice) {
  const ProfileRun run = run_profile("tests/e2e/profiles/bystanders.yaml",
                                     {"--set", "target.defects=confirm_without_owner,no_guard1"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  const auto rules = broken(run.file);
  EXPECT_TRUE(contains(rules, "OVERSELL")) << run.file["findings"].dump(1);
  EXPECT_TRUE(contains(rules, "A2"));
  EXPECT_TRUE(names_a_seat(run.file, "L1")) << run.file["findings"].dump(1);
}

TEST(PlantedDefect, KeysThatAreForgottenShowAsTwoOrdersOfOneKey) {
  const ProfileRun run =
      run_profile("tests/e2e/profiles/bystanders.yaml", {"--set", "target.defects=idem_off"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  EXPECT_TRUE(contains(broken(run.file), "L7")) << run.file["findings"].dump(1);
}

TEST(PlantedDefect, SeatsThatARefusalLeaksShowAsUndersell) {
  const ProfileRun run = run_profile("tests/e2e/profiles/bystanders.yaml",
                                     {"--set", "target.defects=leak_on_rollback"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  EXPECT_TRUE(contains(broken(run.file), "UNDERSELL")) << run.file["findings"].dump(1);
}

TEST(PlantedDefect, AnOverloadThatIsNoneFailsTheGatesOnWhatWasDone) {
  const ProfileRun run =
      run_profile("tests/e2e/profiles/rivals.yaml", {"--set", "target.defects=shed_everything"});
  EXPECT_EQ(run.command.exit_code, 1) << run.command.out << run.command.err;
  for (const auto& series : run.file["series"]) {
    if (series["step"] != "hold") continue;
    EXPECT_EQ(series["outcomes"].size(), 1U) << series["outcomes"].dump();
    EXPECT_EQ(series["outcomes"]["shed"], series["count"]) << series["outcomes"].dump();
  }
  EXPECT_GT(run.file["total"]["outcomes"]["shed"].get<int>(), 100);
}

TEST(PlantedDefect, AReleaseWithoutOwnerShowsAsOverlappingHolds) {
  const ProfileRun run = run_profile("tests/e2e/profiles/rivals.yaml",
                                     {"--set", "target.defects=release_without_owner"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  EXPECT_TRUE(contains(broken(run.file), "L4")) << run.file["findings"].dump(1);
  EXPECT_TRUE(names_a_seat(run.file, "L4")) << run.file["findings"].dump(1);
}

TEST(PlantedDefect, ConflictsAnsweredAsBadRequestsAreErrors) {
  const ProfileRun run =
      run_profile("tests/e2e/profiles/rivals.yaml", {"--set", "target.defects=conflict_is_400"});
  EXPECT_EQ(run.command.exit_code, 1) << run.command.out << run.command.err;
  EXPECT_GT(run.file["total"]["outcomes"]["http_error"].get<int>(), 100);
}

TEST(BookingRun, SixBidsAtOnceLeaveThree) {
  const ProfileRun run = run_profile("tests/e2e/profiles/auction-rush.yaml");
  EXPECT_EQ(run.command.exit_code, 0) << run.command.out << run.command.err;
}

TEST(PlantedDefect, BidsCountedInOneCallAndMadeInAnotherAreTooMany) {
  const ProfileRun run = run_profile("tests/e2e/profiles/auction-rush.yaml",
                                     {"--set", "target.defects=bid_get_then_incr"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  EXPECT_TRUE(contains(broken(run.file), "A10")) << run.file["findings"].dump(1);
  EXPECT_EQ(run.file["tainted"], true);
}

TEST(PlantedDefect, WinnersWhoPayTheHighestBidPayTheWrongPrice) {
  const ProfileRun run = run_profile("tests/e2e/profiles/auction-rush.yaml",
                                     {"--set", "target.defects=bid_uniform_top"});
  EXPECT_EQ(run.command.exit_code, 2) << run.command.out << run.command.err;
  EXPECT_TRUE(contains(broken(run.file), "A13")) << run.file["findings"].dump(1);
  EXPECT_EQ(run.file["tainted"], true);
}

// A target that dies ends the run with 69, a message that names it, and a run file of what was
// seen.
TEST(BookingRun, ATargetThatDiesInMidRunIsNamed) {
  const TemporaryFolder folder;
  std::thread killer;
  const auto result = run_command(
      {stampede_binary(), "run", std::string(STAMPEDE_SOURCE_DIR) + "/profiles/smoke.yaml", "--out",
       (folder.path() / "run").string()},
      [&killer](int child) {
        killer = std::thread([child] {
          std::this_thread::sleep_for(std::chrono::seconds(6));
          for (const int process : processes_with("boxoffice\0--host")) {
            const std::string status = read_file("/proc/" + std::to_string(process) + "/stat");
            // Only our own: the parent in the stat line is the harness that this test started.
            if (status.find(" " + std::to_string(child) + " ") != std::string::npos)
              kill(process, SIGKILL);
          }
        });
      },
      std::chrono::seconds(60));
  killer.join();
  EXPECT_EQ(result.exit_code, 69) << result.out << result.err;
  EXPECT_NE(result.err.find("boxoffice"), std::string::npos) << result.err;
  const auto run =
      nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"), nullptr, false);
  EXPECT_EQ(run["state"], "target_died") << result.err;
}

}  // namespace
}  // namespace stampede::test
