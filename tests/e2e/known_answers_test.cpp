// Goal: what the harness reports is the truth, where the truth is known. Method: a real server that
// is a queue of known service times, driven by the real binary; the same queue in virtual time with
// the plan's arrivals says what must come out. The figures may be above it by 0.2 %, by what the
// run's own lag was, by what the server sent late, and by a round trip; and hardly below it.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "harness/judge/quantile_interval.hpp"
#include "harness/load/arrival_schedule.hpp"
#include "tests/e2e/command.hpp"
#include "tests/support/known_answer_server.hpp"

namespace stampede::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::test::Exponential;
using ::test::Freezes;
using ::test::KnownAnswerServer;

constexpr std::uint64_t seed = 7;

struct Queue {
  double rate = 500;
  int load_seconds = 12;
  bool poisson = false;
  Freezes freezes;
  std::function<Nanos(std::uint64_t)> service;
};

// Of 300 round trips to a queue that serves at once, the 99th percentile: what the way costs.
Nanos round_trip() {
  const KnownAnswerServer server(
      {.service = [](std::uint64_t) { return Nanos{0}; }, .freezes = {}, .planned = {}});
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  std::vector<Nanos> times;
  for (int i = 0; i < 300; ++i) {
    const auto before = std::chrono::steady_clock::now();
    char answer[512];
    if (send(connection, "GET / HTTP/1.1\r\n\r\n", 18, 0) != 18) break;
    if (recv(connection, answer, sizeof answer, 0) <= 0) break;
    times.emplace_back(std::chrono::steady_clock::now() - before);
  }
  close(connection);
  return ::test::quantile_of(times, 0.99);
}

std::vector<Nanos> planned_arrivals(const Queue& queue) {
  const OpenLoad load{queue.rate,
                      {{seconds{queue.load_seconds}, queue.rate}},
                      queue.poisson ? Arrival::poisson : Arrival::regular};
  ArrivalSchedule schedule(load, {0, 1}, schedule_seed(seed, 0));
  std::vector<Nanos> arrivals;
  while (const auto arrival = schedule.next()) arrivals.push_back(arrival->offset);
  // Freezes are counted from the first.
  const Nanos first = arrivals.front();
  for (Nanos& arrival : arrivals) arrival -= first;
  return arrivals;
}

std::string profile_of(const Queue& queue) {
  return fmt::format(
      "name: known\nquestion: q\nseed: {}\nworkers: 1\ndrain: 5s\nscenarios:\n"
      "  s: {{persona: p, model: open, arrivals: {}, stages: '0s:{}, {}s:{}'}}\n"
      "personas:\n  p:\n    - get: /\n      name: get\n      timeout: 30s\n"
      "gates: [max < 100s]\n"
      // A probe would be work for the queue, which the plan knows nothing of.
      "validity: {{probe: false, samples_min: 100, loop_lag_p99_max: 2s, start_lag_p99_max: 2s, "
      "cpu_max: 100%}}\n",
      seed, queue.poisson ? "poisson" : "regular", queue.rate, queue.load_seconds, queue.rate);
}

struct Measured {
  nlohmann::json total;
  std::vector<Nanos> truth;  // in the order of the plan
  std::vector<KnownAnswerServer::Served> served;
  Nanos way{0};
};

Measured measure(const Queue& queue) {
  const TemporaryFolder folder;
  const auto arrivals = planned_arrivals(queue);
  Measured out;
  out.way = round_trip();
  KnownAnswerServer server(
      {.service = queue.service, .freezes = queue.freezes, .planned = [&arrivals](std::uint64_t n) {
         return arrivals[std::min(n, arrivals.size() - 1)];
       }});
  const auto profile = folder.write("known.yaml", profile_of(queue));
  const auto result = run_command({stampede_binary(), "run", profile, "--url", server.url(),
                                   "--quiet", "--out", (folder.path() / "run").string()},
                                  {}, seconds{queue.load_seconds + 60});
  out.served = server.stop();
  const auto run =
      nlohmann::json::parse(read_file(folder.path() / "run" / "run.json"), nullptr, false);
  if (run.is_discarded()) {
    ADD_FAILURE() << result.out << result.err;
    return out;
  }
  EXPECT_EQ(run["requests_begun"], arrivals.size());
  out.total = run["total"];
  EXPECT_EQ(out.total["outcomes"], (nlohmann::json{{"ok", arrivals.size()}}));
  std::vector<Nanos> services;
  for (std::size_t i = 0; i < arrivals.size(); ++i) services.push_back(queue.service(i));
  out.truth = ::test::response_times(arrivals, services, queue.freezes);
  return out;
}

Nanos overshoot(const Measured& measured, double q) {
  std::vector<Nanos> late;
  for (const auto& served : measured.served) late.push_back(served.sent - served.due);
  return ::test::quantile_of(late, q);
}

// One line per quantile; fails where the figure is further off than it may be.
void compare(const std::string& name, const Measured& measured) {
  if (measured.total.is_null()) return;
  const auto figure = [&](const char* clock, const char* key) {
    return Nanos{measured.total[clock]["ns"][key].get<std::int64_t>()};
  };
  std::cout << name << ", n = " << measured.truth.size()
            << " (ms): quantile  truth  reported  difference  allowed\n";
  for (const auto& [key, q, slack] :
       {std::tuple{"p50", 0.5, "p99"}, std::tuple{"p95", 0.95, "p99"},
        std::tuple{"p99", 0.99, "p99.9"}, std::tuple{"p99.9", 0.999, "max"},
        std::tuple{"max", 1.0, "max"}}) {
    const bool whole = std::string(slack) == "max";
    const Nanos truth = ::test::quantile_of(measured.truth, q);
    const Nanos reported = figure("response", key);
    const Nanos allowed = truth / 500 + figure("lag", slack) + measured.way +
                          overshoot(measured, whole                         ? 1
                                              : std::string(slack) == "p99" ? 0.99
                                                                            : 0.999);
    std::cout << fmt::format("  {:>6} {:>9.2f} {:>9.2f} {:>9.3f} {:>9.3f}\n", key, to_millis(truth),
                             to_millis(reported), to_millis(reported - truth), to_millis(allowed));
    EXPECT_LE(reported - truth, allowed) << key;
    EXPECT_GE(reported - truth, -(truth / 500)) << key;
  }
}

Nanos one_millisecond(std::uint64_t) { return milliseconds{1}; }

TEST(KnownAnswers, AStallingServerIsReportedAsItsUsersFeltIt) {
  const Queue queue{.rate = 500,
                    .load_seconds = 12,
                    .poisson = false,
                    .freezes = {seconds{4}, milliseconds{400}},
                    .service = one_millisecond};
  compare("stall server, 12 s, 0.4 s in every 4", measure(queue));
}

// The full size: run it with --gtest_also_run_disabled_tests.
TEST(KnownAnswers, DISABLED_AStallingServerForAHundredSeconds) {
  const Queue queue{.rate = 500,
                    .load_seconds = 100,
                    .poisson = false,
                    .freezes = {seconds{10}, seconds{1}},
                    .service = one_millisecond};
  const Measured measured = measure(queue);
  EXPECT_EQ(::test::quantile_of(measured.truth, 0.95), milliseconds{724});
  EXPECT_EQ(::test::quantile_of(measured.truth, 0.99), milliseconds{946});
  compare("stall server, 100 s, 1 s in every 10", measured);
}

std::function<Nanos(std::uint64_t)> exponential_services(std::size_t count) {
  Exponential draw(2026, 0.001);
  std::vector<Nanos> services;
  for (std::size_t i = 0; i < count; ++i) services.push_back(draw());
  return [services = std::move(services)](std::uint64_t n) {
    return services[std::min<std::size_t>(n, services.size() - 1)];
  };
}

// M/M/1: also the analytic quantiles, which must lie in the interval that the run's own waiting
// times give.
TEST(KnownAnswers, AQueueOfRandomWorkIsReportedAsLindleySays) {
  const Queue queue{.rate = 500,
                    .load_seconds = 10,
                    .poisson = true,
                    .freezes = {},
                    .service = exponential_services(10'000)};
  const Measured measured = measure(queue);
  compare("M/M/1 at half load, 10 s", measured);
  for (const double p : {0.5, 0.95}) {
    const auto interval = dependent_quantile_interval(measured.truth, p, 0.99);
    ASSERT_TRUE(interval);
    const Nanos analytic = from_seconds(-std::log(1 - p) / 500);
    std::cout << fmt::format(
        "  p{}: analytic {:.2f} ms, 99 % interval {:.2f} … {:.2f}, n_eff {:.0f}\n", p * 100,
        to_millis(analytic), to_millis(*interval->lower), to_millis(*interval->upper),
        interval->samples_effective);
    EXPECT_TRUE(interval->holds(analytic));
    const Nanos reported{measured.total["response"]["ns"][p == 0.5 ? "p50" : "p95"]};
    const Nanos late{measured.total["lag"]["ns"]["p99"].get<std::int64_t>()};
    EXPECT_GE(reported, *interval->lower);
    EXPECT_LE(reported, *interval->upper + late + measured.way + overshoot(measured, 0.99));
  }
}

TEST(KnownAnswers, AQueueOfEqualWorkIsReportedAsLindleySays) {
  const Queue queue{
      .rate = 600, .load_seconds = 6, .poisson = true, .freezes = {}, .service = one_millisecond};
  compare("M/D/1 at 0.6 of its load, 6 s", measure(queue));
}

}  // namespace
}  // namespace stampede::test
