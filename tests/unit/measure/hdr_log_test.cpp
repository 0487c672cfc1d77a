#include "harness/measure/hdr_log.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "test_paths.hpp"

namespace stampede {
namespace {

struct Log {
  std::vector<HdrLogInterval> intervals;
  std::vector<double> offsets;
  std::optional<double> start_time;
  std::string problem;  // "" read to its end
};

Log read_log(std::istream& in) {
  HdrLogReader reader(in);
  Log log;
  while (true) {
    auto next = reader.next();
    if (next.has_error()) {
      log.problem = next.error().text;
      return log;
    }
    if (!*next) break;
    log.intervals.push_back(std::move(**next));
    log.offsets.push_back(reader.offset_of(log.intervals.back()));
  }
  log.start_time = reader.start_time();
  return log;
}

Log read_text(const std::string& text) {
  std::istringstream in(text);
  return read_log(in);
}

// As the public log reader's own test does: added up in a histogram of 3 digits.
HdrHistogram sum_of(const Log& log, double from, double to) {
  Histogram sum;
  for (std::size_t i = 0; i < log.intervals.size(); ++i) {
    if (from <= log.offsets[i] && log.offsets[i] <= to) sum += log.intervals[i].histogram.own();
  }
  return HdrHistogram(sum);
}

std::size_t intervals_in(const Log& log, double from, double to) {
  return static_cast<std::size_t>(std::ranges::count_if(
      log.offsets, [&](double offset) { return from <= offset && offset <= to; }));
}

std::filesystem::path public_log() {
  return std::filesystem::path(STAMPEDE_SOURCE_DIR).parent_path() / "shared" / "vectors" /
         "jHiccup-2.0.7S.logV2.hlog";
}

TEST(HdrLog, APublicLogHasItsKnownFigures) {
  if (!exists(public_log())) GTEST_SKIP() << "no " << public_log();
  std::ifstream in(public_log(), std::ios::binary);
  const Log log = read_log(in);
  ASSERT_EQ(log.problem, "");
  EXPECT_EQ(log.intervals.size(), 62U);
  EXPECT_DOUBLE_EQ(log.start_time.value(), 1441812279.474);
  const HdrHistogram all = sum_of(log, 0, 1e9);
  EXPECT_EQ(all.count(), 48761U);
  EXPECT_EQ(all.percentile(99.9), 1745879039);
  EXPECT_EQ(all.max(), 1796210687);
  const HdrHistogram early = sum_of(log, 5, 20);
  EXPECT_EQ(intervals_in(log, 5, 20), 15U);
  EXPECT_EQ(early.count(), 11664U);
  EXPECT_EQ(early.percentile(99.9), 1536163839);
  EXPECT_EQ(early.max(), 1544552447);
  const HdrHistogram late = sum_of(log, 40, 60);
  EXPECT_EQ(intervals_in(log, 40, 60), 20U);
  EXPECT_EQ(late.count(), 15830U);
  EXPECT_EQ(late.percentile(99.9), 1779433471);
  EXPECT_EQ(late.max(), 1796210687);
}

// Every interval line comes out as it went in: times, maximum, and the histogram to the last byte
// of its compressed form.
TEST(HdrLog, APublicLogIsWrittenAsItWasRead) {
  if (!exists(public_log())) GTEST_SKIP() << "no " << public_log();
  std::ifstream in(public_log(), std::ios::binary);
  const Log log = read_log(in);
  ASSERT_EQ(log.intervals.size(), 62U);
  std::ifstream lines(public_log(), std::ios::binary);
  std::size_t at = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') || line.starts_with('"')) continue;
    ASSERT_LT(at, log.intervals.size());
    const HdrLogInterval& interval = log.intervals[at++];
    EXPECT_EQ(hdr_log_line(interval), line + "\n");
    EXPECT_EQ(hdr_log_line("", interval.start_seconds, interval.length_seconds, interval.histogram),
              line + "\n");
  }
  EXPECT_EQ(at, 62U);
}

TEST(HdrLog, OurOwnLogComesBack) {
  Histogram a, b;
  a.record(std::chrono::milliseconds{3}, 5);
  b.record(std::chrono::milliseconds{40}, 7);
  const std::string text = hdr_log_header(1795268466.25, "2026-11-21T13:41:06Z", "made by a test") +
                           hdr_log_line("buyers/hold.response", 0, 1, HdrHistogram(a)) +
                           hdr_log_line("", 1, 1, HdrHistogram(b));
  EXPECT_NE(text.find("#[StartTime: 1795268466.250 (seconds since epoch), 2026-11-21T13:41:06Z]\n"
                      "#[BaseTime: 1795268466.250 (seconds since epoch)]\n\"StartTimestamp\""),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nTag=buyers/hold.response,0.000,1.000,3.000,HISTFA"), std::string::npos)
      << text;
  const Log log = read_text(text);
  ASSERT_EQ(log.problem, "");
  ASSERT_EQ(log.intervals.size(), 2U);
  EXPECT_EQ(log.intervals[0].tag, "buyers/hold.response");
  EXPECT_EQ(log.intervals[0].histogram, HdrHistogram(a));
  EXPECT_EQ(log.intervals[1].tag, "");
  EXPECT_EQ(log.offsets, (std::vector<double>{0, 1}));
  EXPECT_DOUBLE_EQ(log.start_time.value(), 1795268466.25);
}

TEST(HdrLog, ATagCannotBreakItsLine) {
  const std::string line = hdr_log_line("a, b\n\tc\x7f" + std::string(500, 'x'), 0, 1, {});
  const Log log = read_text(line);
  ASSERT_EQ(log.problem, "");
  ASSERT_EQ(log.intervals.size(), 1U);
  EXPECT_EQ(log.intervals[0].tag.size(), hdr_log_tag_bytes_max);
  EXPECT_TRUE(log.intervals[0].tag.starts_with("a__b__c_xx")) << log.intervals[0].tag;
}

// As HistogramLogReader: explicit times, a start time alone, neither.
TEST(HdrLog, OffsetsAreFromTheStartWhateverTheFileSays) {
  const std::string line = hdr_log_line("", 5, 1, {});
  const std::string late = hdr_log_line("", 1441812284, 1, {});
  const std::string start = "#[StartTime: 1441812279.000 (seconds since epoch), Wed]\n";
  EXPECT_EQ(read_text(start + "#[BaseTime: 1441812279 (seconds since epoch)]\n" + line).offsets,
            std::vector<double>{5});
  EXPECT_EQ(read_text(start + line).offsets, std::vector<double>{5});
  EXPECT_EQ(read_text(start + late).offsets, std::vector<double>{5});
  EXPECT_EQ(read_text(line).offsets, std::vector<double>{0});
}

TEST(HdrLog, BlankLinesOtherCommentsAndCarriageReturnsAreNoHarm) {
  std::string line = hdr_log_line("", 0, 1, {});
  line.insert(line.size() - 1, "\r");
  EXPECT_EQ(read_text("#[anything]\r\n\n#no brackets\n" + line + "\n").intervals.size(), 1U);
  line.resize(line.size() - 2);  // the last line without an end
  EXPECT_EQ(read_text(line).intervals.size(), 1U);
  EXPECT_EQ(read_text("").intervals.size(), 0U);
}

TEST(HdrLog, EveryProblemNamesItsLine) {
  const std::string good = hdr_log_line("", 0, 1, {});
  const std::string histogram = good.substr(good.rfind(',') + 1);
  const std::vector<std::pair<std::string, std::string>> cases{
      {"Tag=x\n", "tag"},
      {"Tag=,0,1,2," + histogram, "tag"},
      {"Tag=" + std::string(300, 't') + ",0,1,2," + histogram, "256 bytes"},
      {"0,1\n", "length"},
      {"0,1,\n", "maximum"},
      {"nan,1,2," + histogram, "start"},
      {"0,x,2," + histogram, "length"},
      {"0,-1,2," + histogram, "below 0"},
      {"0,1,2,HIST*\n", "base64"},
      {"0,1,2,SElTVA==\n", "shorter"},
      {"0,1,2,SElTVEhJU1RISVNU\n", "cookie"},
      {"#[StartTime: soon]\n", "seconds"},
  };
  for (const auto& [text, word] : cases) {
    const Log log = read_text(good + text + good);
    EXPECT_EQ(log.problem.find("line 2: "), 0U) << text << log.problem;
    EXPECT_NE(log.problem.find(word), std::string::npos) << text << log.problem;
    EXPECT_EQ(log.intervals.size(), 1U);
  }
}

// Endless without a line end, and never held in memory.
class EndlessBuffer : public std::streambuf {
 public:
  std::size_t taken = 0;

 protected:
  int_type underflow() override {
    taken += sizeof block_;
    setg(block_, block_, block_ + sizeof block_);
    return traits_type::to_int_type(block_[0]);
  }

 private:
  char block_[4096] = {'1', '2', '3'};
};

TEST(HdrLog, AnEndlessLineIsLeftSoon) {
  EndlessBuffer endless;
  std::istream in(&endless);
  const Log log = read_log(in);
  EXPECT_NE(log.problem.find("longer than"), std::string::npos);
  EXPECT_LT(endless.taken, hdr_log_line_bytes_max + 8192);
}

}  // namespace
}  // namespace stampede
