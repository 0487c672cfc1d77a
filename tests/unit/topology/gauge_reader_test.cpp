// Figures out of the texts of /metrics and of Redis' INFO, and of this very process.
#include "harness/topology/gauge_reader.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace stampede {
namespace {

constexpr std::string_view text =
    "# HELP queue_waiting People in the waiting room.\n# TYPE queue_waiting gauge\n"
    "queue_waiting{event=\"1\"} 12\nqueue_waiting{event=\"12\",kind=\"a\"} 30.5\n"
    "queue_waiting_total 7\nqueue_admitted_total 1e+06\r\n"
    "odd{text=\"a} b\"} 4 1700000000000\nbroken{event=\"1\" 5\nnone NaN\n";

GaugeSpec metric(const std::string& name, decltype(GaugeSpec::labels) labels = {}) {
  GaugeSpec gauge;
  gauge.source = name;
  gauge.labels = std::move(labels);
  return gauge;
}

TEST(GaugeReader, SumsTheSeriesOfAMetric) {
  EXPECT_EQ(sum_of_metric(text, metric("queue_waiting")), 42.5);
  EXPECT_EQ(sum_of_metric(text, metric("queue_waiting", {{"event", "1"}})), 12);
  EXPECT_EQ(sum_of_metric(text, metric("queue_waiting", {{"kind", "a"}, {"event", "12"}})), 30.5);
  EXPECT_EQ(sum_of_metric(text, metric("queue_waiting", {{"vent", "1"}})), std::nullopt);
  EXPECT_EQ(sum_of_metric(text, metric("queue_admitted_total")), 1e6);
  EXPECT_EQ(sum_of_metric(text, metric("odd")), 4);
  EXPECT_EQ(sum_of_metric(text, metric("queue")), std::nullopt);
  EXPECT_EQ(sum_of_metric(text, metric("broken")), std::nullopt);
  EXPECT_EQ(sum_of_metric(text, metric("none")), std::nullopt);
  EXPECT_EQ(sum_of_metric("", metric("none")), std::nullopt);
}

TEST(GaugeReader, NumbersOfInfo) {
  constexpr std::string_view info =
      "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nrole:master\r\n";
  EXPECT_EQ(info_number(info, "used_memory"), 1048576);
  EXPECT_EQ(info_number(info, "role"), std::nullopt);
  EXPECT_EQ(info_number(info, "used"), std::nullopt);
}

TEST(GaugeReader, FiguresOfProcessesAndWhyThereAreNone) {
  GaugeSpec memory;
  memory.kind = GaugeSpec::Kind::process;
  memory.source = "boxoffice";
  memory.figure = "rss";
  GaugeSpec other = memory;
  other.source = "nginx";
  ProcessUsage self;
  self.role = "boxoffice order";
  self.pid = getpid();
  GaugeReader reader({memory, other}, {}, {self});
  const auto values = reader.read();
  ASSERT_EQ(values.size(), 2U);
  EXPECT_GT(values[0].value_or(0), 1e6);
  EXPECT_EQ(values[1], std::nullopt);
  EXPECT_EQ(reader.problem(), "the target has no process of our own `nginx`");
}

TEST(GaugeReader, AServerThatIsNotThereIsTold) {
  TopologyEndpoints at;
  at.http = {"127.0.0.1", 1};
  GaugeReader reader({metric("up")}, at, {});
  EXPECT_EQ(reader.read().at(0), std::nullopt);
  EXPECT_NE(reader.problem().find("GET /metrics"), std::string::npos) << reader.problem();
}

}  // namespace
}  // namespace stampede
