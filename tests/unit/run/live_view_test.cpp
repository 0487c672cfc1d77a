// What a run shows in a terminal: it fits, whatever the terminal's width.
#include "harness/run/live_view.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "harness/report/text_layout.hpp"

namespace stampede {
namespace {

LiveState state() {
  LiveState state;
  state.name = "steady-1k";
  state.phase = "measuring";
  state.elapsed = 30;
  state.seconds = 60;
  state.figures = {"users 12,345",   "tx/s 12,345", "http/s 123,456",
                   "p95 250 ms",     "p99 1.25 s",  "errors 12,345 (10.00 %)",
                   "lag p99 0.12 ms"};
  for (std::uint64_t i = 0; i < 40; ++i) state.rates.push_back(i);
  return state;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(LiveBlock, AWideTerminalHasThreeLines) {
  const auto lines = live_block(state(), 120);
  ASSERT_EQ(lines.size(), 3U) << joined(lines);
  EXPECT_EQ(lines[0],
            "steady-1k  00:30 / 01:00  ████████████████████░░░░░░░░░░░░░░░░░░░░  measuring");
  EXPECT_EQ(lines[1],
            "users 12,345  tx/s 12,345  http/s 123,456  p95 250 ms  p99 1.25 s  "
            "errors 12,345 (10.00 %)  lag p99 0.12 ms");
  EXPECT_EQ(display_width(lines[2]), 45U);
}

TEST(LiveBlock, ANarrowOneHasMoreAndNoneThatWraps) {
  for (const std::size_t columns : {60U, 80U}) {
    const auto lines = live_block(state(), columns);
    const std::string text = joined(lines);
    EXPECT_GT(lines.size(), 3U) << text;
    for (const std::string& line : lines) {
      EXPECT_LE(display_width(line), columns) << text;
    }
    for (const std::string& figure : state().figures) {
      EXPECT_NE(text.find(figure), std::string::npos) << figure << "\n" << text;
    }
  }
  EXPECT_EQ(live_block(state(), 80).at(1),
            "users 12,345  tx/s 12,345  http/s 123,456  p95 250 ms  p99 1.25 s");
}

TEST(LiveBlock, ALongNameIsCutAndTheCurveKeepsItsEnd) {
  LiveState long_one = state();
  long_one.name = std::string(64, 'n');
  const auto lines = live_block(long_one, 30);
  for (const std::string& line : lines) EXPECT_LE(display_width(line), 30U) << joined(lines);
  EXPECT_TRUE(lines.front().ends_with("…")) << lines.front();
  EXPECT_TRUE(lines.back().ends_with("█")) << lines.back();
}

// The view goes up by as many rows as the last block takes on the terminal as it is now.
TEST(LiveView, GoesUpByTheRowsThatItsLinesTake) {
  int columns = 120;
  std::ostringstream out;
  LiveView view(out, {"steady-1k", 60, 0, 0}, [&columns] { return columns; });
  SecondResult second;
  view.second(second);
  EXPECT_EQ(out.str().find("\x1b["), std::string::npos);
  out.str("");
  view.second(second);
  EXPECT_TRUE(out.str().starts_with("\x1b[3A\x1b[J")) << out.str();
  out.str("");
  // Made narrower meanwhile: two of the three lines have wrapped.
  columns = 40;
  view.second(second);
  EXPECT_TRUE(out.str().starts_with("\x1b[5A\x1b[J")) << out.str();
}

}  // namespace
}  // namespace stampede
