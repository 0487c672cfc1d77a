// Goal: the whole topology starts, can be seeded, read and quieted; a part that dies is named.
// Method: the real boxoffice.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "harness/judge/invariants.hpp"
#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/free_port.hpp"
#include "harness/topology/http_exchange.hpp"
#include "harness/topology/probe.hpp"
#include "test_paths.hpp"

namespace stampede {
namespace {

TopologyPlan plan() {
  TopologyPlan result;
  result.boxoffice = STAMPEDE_BINARY_DIR "/boxoffice";
  return result;
}
std::unique_ptr<Topology> start(const TopologyPlan& the_plan, std::string* progress = nullptr) {
  return Topology::start(the_plan, std::stop_token{}, [progress](const std::string& line) {
    if (progress) *progress += line + "\n";
  });
}
int pid_of(const Topology& topology, const std::string& role) {
  for (const ProcessUsage& usage : topology.usage()) {
    if (usage.role == role) return usage.pid;
  }
  return -1;
}

TEST(SingleTopology, SeedsAnswersAndIsRead) {
  std::string progress;
  const auto topology = start(plan(), &progress);
  for (const char* part : {"redis", "mariadb", "boxoffice"}) {
    EXPECT_NE(progress.find(std::string(part) + " ready in"), std::string::npos) << progress;
  }
  EXPECT_EQ(topology->usage().size(), 3U);
  EXPECT_EQ(topology->describe().size(), 3U);
  EXPECT_FALSE(topology->died());

  const TopologyEndpoints& at = topology->endpoints();
  BoxofficeAdmin admin(*at.admin, at.admin_token);
  EXPECT_FALSE(admin.config().tainted);
  DataSpec data;
  data.users = 20;
  data.events.resize(2);
  data.events[0].queue_on = true;
  const BoxofficeAdmin::Seeded seeded = admin.seed(data, 7);
  ASSERT_EQ(seeded.events.size(), 2U);
  EXPECT_EQ(seeded.events[0].seats, 100U);
  const auto tokens =
      admin.tokens(seeded.first_user, seeded.first_user + 19, std::chrono::seconds{600});
  EXPECT_EQ(tokens.size(), 20U);
  EXPECT_FALSE(admin.stats().empty());

  const HttpQuestion hold{
      "POST",
      "/api/reservations",
      fmt::format(R"({{"eventId":{},"seatIds":[3,4]}})", seeded.events[1].id),
      {{"Authorization", "Bearer " + tokens[0].token}, {"Content-Type", "application/json"}}};
  const HttpAnswer held = exchange(at.http, hold, std::chrono::seconds{5});
  EXPECT_EQ(held.status, 201U) << held.body;

  const FinalState state = read_final_state(at, seeded.events);
  EXPECT_TRUE(state.have_sql) << state.sql_problem;
  ASSERT_TRUE(state.have_redis) << state.redis_problem;
  EXPECT_TRUE(state.redis.at(1).marker);
  EXPECT_EQ(state.redis.at(1).states.size(), 2U);
  for (const Finding& finding : booking_invariants(Ledger{}, state)) {
    EXPECT_NE(finding.verdict, Verdict::broken_invariant)
        << finding.rule << " " << finding.measured
        << fmt::format("{}", fmt::join(finding.samples, ";"));
  }
}

TEST(SingleTopology, APartThatDiesIsNamed) {
  const auto topology = start(plan());
  ASSERT_FALSE(topology->died());
  kill(pid_of(*topology, "redis"), SIGKILL);
  std::optional<std::string> death;
  for (int i = 0; i < 200 && !death; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    death = topology->died();
  }
  ASSERT_TRUE(death);
  EXPECT_EQ(death->find("redis ended by signal 9 (Killed)"), 0U) << *death;
  EXPECT_NE(death->find("last words"), std::string::npos) << *death;
}

TEST(SingleTopology, DefectsTaintTheTarget) {
  TopologyPlan defective = plan();
  defective.target.defects = {"no_guard1", "hold_check_then_set"};
  const auto topology = start(defective);
  const TopologyEndpoints& at = topology->endpoints();
  const TargetConfig config = BoxofficeAdmin(*at.admin, at.admin_token).config();
  EXPECT_TRUE(config.tainted);
  EXPECT_EQ(config.defects.size(), 2U);
}

TEST(SingleTopology, AnUnknownOptionIsReportedInTheTargetsWords) {
  TopologyPlan wrong = plan();
  wrong.target.options["no-such-flag"] = "1";
  try {
    (void)start(wrong);
    FAIL() << "should have thrown";
  } catch (const TopologyError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("boxoffice exited with status 64"), std::string::npos) << message;
    EXPECT_NE(message.find("no-such-flag"), std::string::npos) << message;
  }
}

TEST(SingleTopology, ABusyPortThatWasAskedForNamesItsHolder) {
  const auto first = start(plan());
  TopologyPlan second = plan();
  second.target.options["port"] = std::to_string(first->endpoints().http.port);
  try {
    (void)start(second);
    FAIL() << "should have thrown";
  } catch (const TopologyError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("in use by boxoffice (pid "), std::string::npos) << message;
  }
}

// Two whole instances behind the balancer, and the provider as a process of its own: they sell from
// one stock, requests reach both, and the provider's books can be read.
TEST(BalancedTopology, TwoInstancesAndAProviderAreOneShop) {
  if (!std::filesystem::exists("/usr/sbin/nginx")) GTEST_SKIP() << "nginx is not installed";
  TopologyPlan two = plan();
  two.kind = "lb+2";
  two.target.payment.provider = "process";
  std::string progress;
  const auto topology = start(two, &progress);
  for (const char* role : {"boxoffice app1", "boxoffice app2", "provider", "nginx"}) {
    EXPECT_GT(pid_of(*topology, role), 0) << role << "\n" << progress;
  }
  const TopologyEndpoints& at = topology->endpoints();
  BoxofficeAdmin admin(*at.admin, at.admin_token);
  DataSpec data;
  data.users = 1;
  data.events.resize(1);
  const BoxofficeAdmin::Seeded seeded = admin.seed(data, 7);
  const auto token =
      admin.tokens(seeded.first_user, seeded.first_user, std::chrono::seconds{600}).at(0).token;
  // In turn: of two requests that want one seat the second, at the other instance, is refused.
  std::multiset<unsigned> statuses;
  for (int i = 0; i < 2; ++i) {
    const HttpQuestion hold{
        "POST",
        "/api/reservations",
        fmt::format(R"({{"eventId":{},"seatIds":[3]}})", seeded.events[0].id),
        {{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}}};
    statuses.insert(exchange(at.http, hold, std::chrono::seconds{5}).status);
  }
  EXPECT_EQ(statuses, (std::multiset<unsigned>{201, 409}));
  const FinalState state = read_final_state(at, seeded.events);
  EXPECT_TRUE(state.have_provider) << state.provider_problem;
  EXPECT_TRUE(state.charges.empty());
}

// The status of one request from an address of this machine.
int status_from(const char* source, const Endpoint& at, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in own{}, server{};
  own.sin_family = server.sin_family = AF_INET;
  inet_pton(AF_INET, source, &own.sin_addr);
  inet_pton(AF_INET, at.host.c_str(), &server.sin_addr);
  server.sin_port = htons(at.port);
  const timeval patience{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  std::string answer(64, '\0');
  const bool sent = bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0 &&
                    connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0 &&
                    send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0;
  const ssize_t got = sent ? recv(fd, answer.data(), answer.size(), MSG_WAITALL) : 0;
  close(fd);
  return got > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}

// Behind nginx each person has a limit of his own, whichever instance he comes to.
TEST(BalancedTopology, BehindTheProxyLimitsAreThePersons) {
  if (!std::filesystem::exists("/usr/sbin/nginx")) GTEST_SKIP() << "nginx is not installed";
  TopologyPlan two = plan();
  two.kind = "lb+2";
  two.target.options["ratelimit"] = "address=0.001:2";
  const auto topology = start(two);
  const Endpoint& at = topology->endpoints().http;
  for (const char* person : {"127.0.0.2", "127.0.0.3"}) {
    EXPECT_EQ(status_from(person, at, "/api/time"), 200) << person;
    EXPECT_EQ(status_from(person, at, "/api/time"), 200) << person;
    EXPECT_EQ(status_from(person, at, "/api/time"), 429) << person;
  }
}

// What is named by the digest of its bytes is fetched once, whichever instance gives it; the page
// itself, which names it, is asked for each time.
TEST(BalancedTopology, TheProxyAnswersThePagesFilesItself) {
  if (!std::filesystem::exists("/usr/sbin/nginx")) GTEST_SKIP() << "nginx is not installed";
  TopologyPlan two = plan();
  two.kind = "lb+2";
  const auto topology = start(two);
  const Endpoint& at = topology->endpoints().http;
  const auto get = [&at](const std::string& path) {
    return exchange(at, {"GET", path, "", {}}, std::chrono::seconds{5});
  };
  const std::string page = get("/").body;
  const auto begin = page.find("page/app.");
  if (begin == std::string::npos) GTEST_SKIP() << "the page was not built";
  const std::string script = "/" + page.substr(begin, page.find('"', begin) - begin);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(script).status, 200) << script;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get("/page/app.js").status, 200);
  const std::filesystem::path own = topology->logs().at(0).second.parent_path().parent_path();
  std::ifstream log(own / "nginx" / "page.log");
  std::map<std::string, int> answered;
  for (std::string line; std::getline(log, line);) {
    if (line.ends_with(script)) ++answered[line.substr(0, line.find(' '))];
    if (line.ends_with("/page/app.js")) EXPECT_FALSE(line.starts_with("HIT")) << line;
  }
  EXPECT_EQ(answered, (std::map<std::string, int>{{"HIT", 3}, {"MISS", 1}}));
}

TEST(BalancedTopology, NamesThatAreNoneAreRefused) {
  for (const char* kind : {"lb+1", "lb+17", "lb+", "lb+2x", "pair"}) {
    EXPECT_FALSE(is_topology_kind(kind)) << kind;
    TopologyPlan wrong = plan();
    wrong.kind = kind;
    EXPECT_THROW((void)start(wrong), TopologyError) << kind;
  }
  for (const char* kind : {"single", "split", "lb+2", "lb+16"}) EXPECT_TRUE(is_topology_kind(kind));
}

}  // namespace
}  // namespace stampede
