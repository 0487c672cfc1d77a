#include "harness/report/hlog.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace stampede {
namespace {

std::string log_text(const std::string& end) {
  Histogram histogram;
  histogram.record(std::chrono::milliseconds{3}, 5);
  return hdr_log_header(1795268466.25, "2026-11-21T13:41:06Z", "made by a test") +
         hdr_log_line("s/get.response", 0, 1, HdrHistogram(histogram)) +
         hdr_log_line("s/get.lag", 0, 1, HdrHistogram(histogram)) + end;
}

TEST(Hlog, AReadableLogIsCopiedAsItIs) {
  for (const std::string& end : {std::string("#[End: the log is whole]\n"), std::string()}) {
    std::istringstream log(log_text(end));
    std::ostringstream out;
    const auto facts = write_hlog(log, out);
    ASSERT_TRUE(facts.has_value()) << facts.error().text;
    EXPECT_EQ(out.str(), log_text(end));
    EXPECT_EQ(facts->intervals, 2U);
    EXPECT_EQ(facts->whole, !end.empty());
  }
}

TEST(Hlog, ADamagedLogIsNotCopied) {
  std::istringstream log(log_text("1,1,1,HISTFAAAAA"));
  std::ostringstream out;
  const auto facts = write_hlog(log, out);
  ASSERT_TRUE(facts.has_error());
  EXPECT_EQ(facts.error().text.find("line 8: "), 0U) << facts.error().text;
  EXPECT_EQ(out.str(), "");
}

TEST(Hlog, AnEmptyLogIsNotWhole) {
  std::istringstream log;
  std::ostringstream out;
  const auto facts = write_hlog(log, out);
  ASSERT_TRUE(facts.has_value());
  EXPECT_FALSE(facts->whole);
}

}  // namespace
}  // namespace stampede
