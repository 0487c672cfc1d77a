// Attaching reads what a person typed: every mistake is told with its place, and never with a
// password.
#include <gtest/gtest.h>

#include "harness/topology/topology.hpp"

namespace stampede {
namespace {

std::string problem(const std::string& url, const std::string& admin = "",
                    const std::string& mysql = "", const std::string& redis = "") {
  try {
    (void)Topology::attach(url, admin, "token", mysql, redis);
  } catch (const TopologyError& error) {
    return error.what();
  }
  return "accepted";
}
constexpr const char* good = "http://127.0.0.1:8080";

TEST(Attach, TakesTheWholeAddress) {
  const auto topology =
      Topology::attach("http://shop.example:8080/ticketing/order/", "10.0.0.1:99", "token",
                       "me:p@ss:w/ord@db.example:3307/tickets", "r:6380");
  const TopologyEndpoints& e = topology->endpoints();
  EXPECT_EQ(e.http.host, "shop.example");
  EXPECT_EQ(e.http.port, 8080);
  EXPECT_EQ(e.path_prefix, "/ticketing/order");
  EXPECT_EQ(e.admin->host, "10.0.0.1");
  EXPECT_EQ(e.admin->port, 99);
  EXPECT_EQ(e.mysql->user, "me");
  EXPECT_EQ(e.mysql->password, "p@ss:w/ord");
  EXPECT_EQ(e.mysql->host, "db.example");
  EXPECT_EQ(e.mysql->port, 3307);
  EXPECT_EQ(e.mysql->database, "tickets");
  EXPECT_EQ(e.redis->port, 6380);
  EXPECT_TRUE(topology->usage().empty());
  EXPECT_FALSE(topology->died());
}
TEST(Attach, ADatabaseWithoutAPasswordInItsAddress) {
  const auto topology = Topology::attach(good, "", "", "me@[::1]:3307/tickets", "");
  EXPECT_EQ(topology->endpoints().mysql->user, "me");
  EXPECT_EQ(topology->endpoints().mysql->password, "");
  EXPECT_EQ(topology->endpoints().mysql->host, "::1");
}
TEST(Attach, OptionalPartsMayBeLeftOut) {
  const auto topology = Topology::attach("http://shop.example", "", "", "", "");
  EXPECT_EQ(topology->endpoints().http.port, 80);
  EXPECT_EQ(topology->endpoints().path_prefix, "");
  EXPECT_FALSE(topology->endpoints().admin);
  EXPECT_FALSE(topology->endpoints().mysql);
  EXPECT_FALSE(topology->endpoints().redis);
}
TEST(Attach, SixthVersionAddresses) {
  EXPECT_EQ(Topology::attach("http://[::1]:81", "", "", "", "")->endpoints().http.host, "::1");
}
TEST(Attach, TlsAndUnixDomainSockets) {
  const auto secure = Topology::attach("https://shop.example/api", "", "", "", "");
  EXPECT_TRUE(secure->endpoints().tls);
  EXPECT_EQ(secure->endpoints().http.port, 443);
  EXPECT_EQ(secure->describe().front(), "attached to https://shop.example/api");
  const auto local = Topology::attach("unix:/run/shop.sock:/api", "", "", "", "");
  EXPECT_EQ(local->endpoints().socket_path, "/run/shop.sock");
  EXPECT_EQ(local->endpoints().path_prefix, "/api");
}
TEST(Attach, MistakesNameTheirPlace) {
  EXPECT_NE(problem("shop:80").find("--url: there is no scheme; expected http://host:port"),
            std::string::npos);
  EXPECT_NE(problem("ftp://shop").find("--url: the scheme \"ftp\""), std::string::npos);
  EXPECT_NE(problem("http://:80").find("--url: there is no host"), std::string::npos);
  EXPECT_NE(problem(good, "nine").find("--admin: no port in 'nine'"), std::string::npos);
  EXPECT_NE(problem(good, "", "", "r:x").find("--redis: 'x' is no port"), std::string::npos);
}
TEST(Attach, MysqlMistakesDoNotRepeatThePassword) {
  for (const char* text : {"secret", "me:secret@db", "me:secret@db:3306", ":secret@db:3306/x",
                           "me:secret@db:3306/", "me:secret@db:port/x"}) {
    const std::string message = problem(good, "", text);
    EXPECT_EQ(message.find("--mysql: "), 0U) << message;
    EXPECT_NE(message.find("USER@HOST:PORT/DATABASE"), std::string::npos) << message;
    EXPECT_EQ(message.find("secret"), std::string::npos) << message;
  }
}
TEST(Topology, UnknownKindsAreRefused) {
  TopologyPlan plan;
  plan.kind = "cluster";
  try {
    (void)Topology::start(plan, std::stop_token{}, [](const std::string&) {});
    FAIL() << "should have thrown";
  } catch (const TopologyError& error) {
    EXPECT_STREQ(error.what(),
                 "topology 'cluster' is unknown; there are: single, split, lb+2 … lb+16");
  }
}

}  // namespace
}  // namespace stampede
