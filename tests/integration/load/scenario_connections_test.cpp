// Goal: scenarios of one run make their connections as each says, and their figures add up to one
// report. Method: profiles as people write them, against servers that note how they were reached.
#include <gtest/gtest.h>

#include "tests/integration/load/profile_builder.hpp"
#include "tests/support/stream_server.hpp"

namespace stampede::test {
namespace {

using ::test::Authority;
using ::test::StreamServer;
using ::test::StreamServerOptions;

constexpr std::uint64_t sessions_each = 10;

// Two scenarios of ten sessions with two requests each; `first` and `second` are keys of theirs.
std::string two_scenarios(const std::string& top, const std::string& first,
                          const std::string& second, const std::string& steps) {
  const std::string load = ", model: partly-open, arrivals: regular, start: 20, stages: 500ms:20";
  return "name: t\nworkers: 2\n" + top + "personas:\n  p:\n" + steps + "  q:\n" + steps +
         "scenarios:\n  a: {persona: p" + load + first + "}\n  b: {persona: q" + load + second +
         "}\n";
}

const std::string two_requests = "    - get: /\n      name: one\n    - get: /\n      name: two\n";

HttpTarget at(const StreamServer& server, bool tls = false) {
  return {"127.0.0.1", server.port(), "", "", tls, {}, {}, {}};
}

std::uint64_t count(const Driven& driven, const std::string& scenario, Outcome outcome) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < driven.run.series.size(); ++i) {
    if (driven.run.series[i].scenario != scenario) continue;
    sum += driven.total().series[i].outcomes[static_cast<std::size_t>(outcome)];
  }
  return sum;
}

TEST(ScenarioConnections, APolicyOfItsOwn) {
  StreamServer server({});
  const Driven driven = drive_profile(
      two_scenarios("", "", ", connection: {policy: new, host: fresh.example}", two_requests),
      at(server));
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 4 * sessions_each) << driven.all_failures();
  EXPECT_EQ(server.connections, 3 * sessions_each) << "one per session, and one per request";
  EXPECT_EQ(driven.total().connections, server.connections) << "of both";
  EXPECT_EQ(driven.total().connecting.connect.count(), server.connections);
  EXPECT_EQ(driven.total().bytes_in > 0, true);
  EXPECT_EQ(server.hosts(),
            (std::set<std::string>{"fresh.example", "127.0.0.1:" + std::to_string(server.port())}));
}

TEST(ScenarioConnections, AddressesOfItsOwn) {
  StreamServer server({});
  const Driven driven = drive_profile(
      two_scenarios("connection: {source_addresses: 127.0.0.2}\n", "",
                    ", connection: {source_addresses: 127.0.0.3-127.0.0.4}", two_requests),
      at(server));
  driven.expect_closed_balance();
  EXPECT_EQ(driven.count(Outcome::ok), 4 * sessions_each) << driven.all_failures();
  EXPECT_EQ(server.peers(), (std::set<std::string>{"127.0.0.2", "127.0.0.3", "127.0.0.4"}));
}

TEST(ScenarioConnections, ATrustOfItsOwn) {
  Authority ours, theirs;
  StreamServerOptions options;
  options.certificate = ours.issue("DNS:shop.example,IP:127.0.0.1");
  StreamServer server(options);
  const Driven driven =
      drive_profile(two_scenarios("tls: {ca_file: " + ours.ca_file() + "}\n", "",
                                  ", tls: {ca_file: " + theirs.ca_file() + "}", two_requests),
                    at(server, true));
  driven.expect_closed_balance();
  EXPECT_EQ(count(driven, "a", Outcome::ok), 2 * sessions_each) << driven.all_failures();
  EXPECT_EQ(count(driven, "b", Outcome::connect_failed), sessions_each);
  EXPECT_EQ(driven.failures(Failure::tls_untrusted), sessions_each) << driven.all_failures();
}

TEST(ScenarioConnections, WebSocketsAndParallelRequestsTakeThemToo) {
  StreamServer server({});
  const Driven driven =
      drive_profile(two_scenarios("", ", connection: {source_addresses: 127.0.0.5}",
                                  ", connection: {source_addresses: 127.0.0.6}",
                                  "    - ws_connect: /ws\n      name: socket\n"
                                  "    - parallel: [{get: /a, name: a}, {get: /b, name: b}]\n"
                                  "      name: page\n"
                                  "    - ws_await: {/t: hello}\n      name: hello\n"),
                    at(server));
  driven.expect_closed_balance();
  EXPECT_EQ(driven.total().sessions.completed, 2 * sessions_each) << driven.all_failures();
  EXPECT_EQ(server.peers(), (std::set<std::string>{"127.0.0.5", "127.0.0.6"}));
}

TEST(ScenarioConnections, FilesThatAreNotUsableAreNamedBeforeTheStart) {
  StreamServer server({});
  try {
    (void)drive_profile(
        two_scenarios("", "", ", tls: {ca_file: /nonexistent/ca.pem}", two_requests),
        at(server, true));
    FAIL() << "must throw";
  } catch (const std::runtime_error& problem) {
    EXPECT_NE(std::string(problem.what()).find("tls.ca_file /nonexistent/ca.pem"),
              std::string::npos)
        << problem.what();
  }
  EXPECT_EQ(server.connections, 0u);
}

}  // namespace
}  // namespace stampede::test
