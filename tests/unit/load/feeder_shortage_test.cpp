// Rows that will not last are known before the start, by what each worker takes of them.
#include "harness/load/feeder_shortage.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "harness/profile/profile_reader.hpp"

namespace stampede {
namespace {

class FeederShortage : public testing::Test {
 protected:
  FeederShortage() { std::filesystem::create_directory(folder_); }
  ~FeederShortage() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // The message, or "enough".
  std::string told(int rows, const std::string& partition, const std::string& load) const {
    std::ofstream csv(folder_ / "rows.csv");
    csv << "id\n";
    for (int row = 0; row < rows; ++row) csv << row << "\n";
    csv.close();
    const std::string file = (folder_ / "p.yaml").string();
    const auto profile = read_profile(
        "name: t\nworkers: 2\nfeeders: {ids: {file: rows.csv, partition: " + partition +
            "}}\nscenarios:\n  s: {persona: p, " + load +
            ", feed: ids}\npersonas:\n  p:\n    - {get: \"/${ids.id}\", name: look}\n",
        file);
    if (!profile) return render(profile.error(), "");
    const auto run = compile(*profile);
    if (!run) return render(run.error(), "");
    const Diagnostics problems = feeder_shortages(*profile, *run);
    return problems.empty() ? "enough" : problems.front().message;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("shortage_" + std::to_string(getpid()));
};

const std::string open_load = "model: open, arrivals: regular, start: 51, stages: \"1s:51\"";

TEST_F(FeederShortage, RowsOfOneWorkerEachLastForAllSessions) {
  EXPECT_EQ(told(51, "worker", open_load), "enough");
  EXPECT_EQ(told(50, "worker", open_load),
            "feeder \"ids\" has 50 rows, and the sessions of this load need 51");
}

TEST_F(FeederShortage, RowsThatEveryWorkerGoesThroughLastForItsOwnSessions) {
  EXPECT_EQ(told(26, "none", open_load), "enough");
  EXPECT_EQ(told(25, "none", open_load),
            "feeder \"ids\" has 25 rows, and the sessions of one worker need 26");
  const std::string closed = "model: closed, start: 5, stages: \"1s:5\"";
  EXPECT_EQ(told(3, "none", closed), "enough");
  EXPECT_NE(told(2, "none", closed), "enough");
  const std::string instant = "model: instant, users: 3, rounds: 2, every: 1s";
  EXPECT_EQ(told(4, "none", instant), "enough");
  EXPECT_NE(told(3, "none", instant), "enough");
}

}  // namespace
}  // namespace stampede
