// What the generator reads about its machine: planted texts where the real thing cannot be made
// here (stolen time, throttling), and the watching thread itself for a moment.
#include "harness/load/self_monitor.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "harness/load/draw_counts.hpp"

namespace stampede {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// A made-up root with the files of /proc and /sys that are read.
class PlantedRoot {
 public:
  PlantedRoot() : path_(fs::temp_directory_path() / ("planted-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~PlantedRoot() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  PlantedRoot(PlantedRoot&&) = delete;
  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string netstat(int overflows, int timeouts, int syn) {
  return "TcpExt: SyncookiesSent ListenOverflows TCPTimeouts TCPSynRetrans\nTcpExt: 7 " +
         std::to_string(overflows) + " " + std::to_string(timeouts) + " " + std::to_string(syn) +
         "\nIpExt: InNoRoutes ListenOverflows\nIpExt: 1 99\n";
}

TEST(MachineCounters, StolenTimeIsAShareOfAllCores) {
  const PlantedRoot root;
  root.write("proc/stat", "cpu  1000 0 500 8000 100 0 40 20 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
  const auto before = read_machine(root.path());
  root.write("proc/stat", "cpu  1400 0 700 8200 100 0 60 200 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
  const auto use = between(before, read_machine(root.path()));
  ASSERT_TRUE(use.steal_share);
  EXPECT_NEAR(*use.steal_share, 180.0 / 1000, 1e-12);
  EXPECT_NEAR(use.softirq_share.value(), 20.0 / 1000, 1e-12);
  EXPECT_FALSE(use.throttled);
  EXPECT_FALSE(use.listen_overflows);
}

TEST(MachineCounters, ThrottledPeriodsOfBothVersionsOfControlGroups) {
  const PlantedRoot two;
  two.write("proc/self/cgroup", "0::/system.slice/job\n");
  two.write("sys/fs/cgroup/system.slice/job/cpu.stat",
            "usage_usec 9\nnr_periods 5\nnr_throttled 3\n");
  const auto before = read_machine(two.path());
  EXPECT_EQ(before.throttled, 3U);
  two.write("sys/fs/cgroup/system.slice/job/cpu.stat", "nr_throttled 5\n");
  EXPECT_EQ(between(before, read_machine(two.path())).throttled, 2U);
  const PlantedRoot around;  // the limit stands at a group around ours
  around.write("proc/self/cgroup", "0::/outer/inner\n");
  around.write("sys/fs/cgroup/outer/inner/cpu.stat", "usage_usec 9\n");
  around.write("sys/fs/cgroup/outer/cpu.stat", "nr_throttled 8\n");
  EXPECT_EQ(read_machine(around.path()).throttled, 8U);
}

TEST(MachineCounters, VersionOneGroupsAreFoundByTheirController) {
  const PlantedRoot root;
  root.write("proc/self/cgroup", "9:name=systemd:/\n4:memory:/x\n1:cpu:/box\n0::/\n");
  root.write("sys/fs/cgroup/cpu/box/cpu.stat", "nr_periods 2\nnr_throttled 1\nthrottled_time 4\n");
  EXPECT_EQ(read_machine(root.path()).throttled, 1U);
}

TEST(MachineCounters, NetworkCountersAreReadByName) {
  const PlantedRoot root;
  root.write("proc/net/netstat", netstat(1, 2, 3));
  root.write("proc/net/snmp", "Ip: A\nIp: 1\nTcp: RtoMin RetransSegs\nTcp: 200 10\n");
  const auto before = read_machine(root.path());
  root.write("proc/net/netstat", netstat(13, 2, 4));
  root.write("proc/net/snmp", "Tcp: RtoMin RetransSegs\nTcp: 200 17\n");
  const auto use = between(before, read_machine(root.path()));
  EXPECT_EQ(use.listen_overflows, 12U);
  EXPECT_EQ(use.tcp_timeouts, 0U);
  EXPECT_EQ(use.syn_retransmits, 1U);
  EXPECT_EQ(use.retransmits, 7U);
}

TEST(MachineCounters, SegmentsWithoutRoomAreCountedWhateverThePlaceIsCalled) {
  const PlantedRoot root;
  root.write("proc/net/netstat", "TcpExt: TCPRcvQDrop A RcvPruned\nTcpExt: 1 50 2\n");
  const auto before = read_machine(root.path());
  root.write("proc/net/netstat", "TcpExt: TCPRcvQDrop A RcvPruned\nTcpExt: 4 90 7\n");
  EXPECT_EQ(between(before, read_machine(root.path())).receive_drops, 8U);
  root.write("proc/net/netstat", "TcpExt: A RcvPruned\nTcpExt: 90 7\n");
  EXPECT_EQ(between(before, read_machine(root.path())).receive_drops, std::nullopt);
}

TEST(MachineCounters, TheMachineAsAWhole) {
  const PlantedRoot root;
  root.write("proc/stat", "cpu  1000 0 500 8000 100 0 40 20 0 0\n");
  root.write("proc/meminfo", "MemTotal:        8000 kB\nMemFree: 1 kB\nMemAvailable:    5000 kB\n");
  root.write("sys/block/vda/size", "1");
  root.write("sys/block/nvme0n1/size", "1");
  root.write("sys/block/loop0/size", "1");
  root.write("sys/block/dm-0/size", "1");
  const auto disks = [](int read, int written) {
    return fmt::format(
        "   7 0 loop0 9 9 999 9 9 9 999 9 0 0 0\n 253 0 vda 1 0 {0} 1 1 0 {1} 1 0 0 0\n"
        " 253 1 vda1 1 0 {0} 1 1 0 {1} 1 0 0 0\n 254 0 dm-0 1 0 {0} 1 1 0 {1} 1 0 0 0\n"
        " 259 0 nvme0n1 1 0 10 1 1 0 20 1 0 0 0\n",
        read, written);
  };
  root.write("proc/diskstats", disks(100, 200));
  const auto before = read_machine(root.path());
  root.write("proc/stat", "cpu  1400 0 700 8200 150 0 60 150 0 0\n");
  root.write("proc/meminfo", "MemTotal:        8000 kB\nMemAvailable:    2000 kB\n");
  root.write("proc/diskstats", disks(104, 300));
  const auto use = between(before, read_machine(root.path()));
  EXPECT_NEAR(use.busy_share.value(), 1 - 250.0 / 1000, 1e-12) << "waiting for a disk is idle";
  EXPECT_EQ(use.memory_bytes, 8000U * 1024);
  EXPECT_EQ(use.memory_used_bytes, 6000U * 1024);
  EXPECT_EQ(use.disk_read_bytes, 4U * 512) << "partitions and volumes are in their disk";
  EXPECT_EQ(use.disk_written_bytes, 100U * 512);
}

TEST(MachineCounters, TextThatIsNoneOfTheirsIsAbsentNotZero) {
  const PlantedRoot root;
  root.write("proc/stat", "cpu  1 2\n");
  root.write("proc/net/netstat", "TcpExt: SyncookiesSent\nTcpExt: 1\n");
  root.write("proc/net/snmp", "garbage");
  root.write("proc/self/cgroup", ":::\n0::/\n");
  root.write("proc/meminfo", "MemFree: few\n");
  root.write("proc/diskstats", " 253 0 vda 1\n");
  const auto counters = read_machine(root.path());
  EXPECT_FALSE(counters.cpu);
  EXPECT_FALSE(counters.listen_overflows);
  EXPECT_FALSE(counters.retransmits);
  EXPECT_FALSE(counters.throttled);
  EXPECT_FALSE(counters.memory_bytes);
  EXPECT_FALSE(counters.disk_read_bytes);
  EXPECT_FALSE(between(counters, counters).memory_used_bytes);
  EXPECT_FALSE(read_thread(root.path()).waited_ns);
}

TEST(MachineCounters, TheRealOnesCanBeRead) {
  const auto counters = read_machine();
  ASSERT_TRUE(counters.cpu);
  EXPECT_GT(counters.cpu->total, 0U);
  EXPECT_TRUE(counters.listen_overflows);
}

TEST(ClockDrift, IsMeasuredInMillionths) {
  const ClockPair from{Nanos{1'000}, Nanos{5'000}};
  const auto after = [&](std::int64_t monotonic) {
    return drift_ppm(from,
                     {from.monotonic + Nanos{monotonic}, from.raw + std::chrono::seconds{10}});
  };
  EXPECT_NEAR(after(10'000'000'000).value(), 0, 1e-9);
  EXPECT_NEAR(after(10'000'100'000).value(), 10, 1e-6);
  EXPECT_NEAR(after(9'988'000'000).value(), -1200, 1e-6);
  EXPECT_FALSE(drift_ppm(from, from));
}

TEST(Hiccups, TaintTheAnswersThatTheyOverlap) {
  HiccupTable table;
  TaintCounter taint(table);
  const auto at = [](int ms) { return TimePoint{milliseconds{ms}}; };
  taint.add(at(0), at(10));    // over before
  taint.add(at(5), at(25));    // ends within
  taint.add(at(22), at(24));   // within
  taint.add(at(25), at(60));   // begins within
  taint.add(at(10), at(100));  // around it
  taint.add(at(40), at(50));   // after it
  table.publish({at(20), at(30)});
  taint.settle();
  EXPECT_EQ(taint.samples(), 6U);
  EXPECT_EQ(taint.tainted(), 4U);
  table.publish({at(200), at(210)});
  taint.add(at(15), at(190));  // overlaps the first of the two, not the second
  taint.settle();
  EXPECT_EQ(taint.tainted(), 5U);
}

TEST(Hiccups, TheTableIsBoundedAndSaysWhatItForgot) {
  HiccupTable table;
  for (std::uint32_t i = 0; i < HiccupTable::capacity + 5; ++i) {
    table.publish({TimePoint{milliseconds{2 * i}}, TimePoint{milliseconds{2 * i + 1}}});
  }
  EXPECT_EQ(table.size(), HiccupTable::capacity);
  EXPECT_EQ(table.forgotten(), 5U);
}

TEST(SelfMonitor, WatchesTheMeasuredWindow) {
  const TimePoint from = now() + milliseconds{20}, to = from + milliseconds{200};
  ResidenceBooks books(from, to);
  SelfMonitor monitor({from, to}, std::chrono::seconds{10});
  books.enter(now());
  monitor.start({&books});
  while (now() < to + milliseconds{20}) std::this_thread::yield();
  monitor.stop();
  SelfMeasure self;
  monitor.tell(self);
  ASSERT_TRUE(self.hiccups && self.in_flight && self.clock && self.machine);
  EXPECT_GT(self.hiccups->excess.count(), 0U);
  ASSERT_EQ(self.hiccups->seconds.size(), 1U);
  EXPECT_EQ(self.hiccups->seconds[0], self.hiccups->excess);
  EXPECT_NEAR(self.in_flight->sampled_mean, 1, 1e-9) << "one request was in flight all the time";
  EXPECT_EQ(self.clock->went_back, 0U);
  EXPECT_TRUE(self.clock->drift_ppm);
}

TEST(PlaceIn, IsTheDistributionOfEachKind) {
  using Kind = RandomDuration::Kind;
  const auto place = [](Kind kind, double a, double b, double x) {
    return place_in({kind, a, b}, from_seconds(x));
  };
  EXPECT_FALSE(place(Kind::constant, 2, 0, 2));
  EXPECT_NEAR(place(Kind::uniform, 1, 3, 1.5).value(), 0.25, 1e-9);
  EXPECT_NEAR(place(Kind::exponential, 2, 0, 2 * std::log(2.0)).value(), 0.5, 1e-9);
  EXPECT_NEAR(place(Kind::normal, 10, 1, 10).value(), 0.5, 1e-9);
  EXPECT_NEAR(place(Kind::lognormal, 0.6, 0.5, 0.6).value(), 0.5, 1e-9);
  EXPECT_FALSE(place(Kind::normal, 0.1, 1, 0)) << "the lump at 0";
}

TEST(PlaceIn, DrawsOfEachKindSpreadEvenly) {
  using Kind = RandomDuration::Kind;
  for (const RandomDuration& duration :
       {RandomDuration{Kind::uniform, 0.2, 0.5}, RandomDuration{Kind::exponential, 2, 0},
        RandomDuration{Kind::normal, 1, 0.8}, RandomDuration{Kind::lognormal, 0.6, 0.5}}) {
    Random random(7, 1);
    std::vector<std::uint64_t> counts(DrawCounts::bins);
    for (int i = 0; i < 20'000; ++i) {
      if (const auto u = place_in(duration, draw(duration, random))) {
        ++counts[std::min(static_cast<std::size_t>(*u * 16), DrawCounts::bins - 1)];
      }
    }
    const auto test = chi_squared(counts, std::vector<double>(DrawCounts::bins, 1));
    ASSERT_TRUE(test);
    EXPECT_GT(test->p, 1e-6) << static_cast<int>(duration.kind);
  }
}

}  // namespace
}  // namespace stampede
