// Goal: what an operator changes at one instance holds for all that share a Redis, and for the
// payment provider's own process, when the request is answered.
// Method: real processes; the change at one, the configuration read at the other.
#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <sstream>
#include <thread>

#include "target/service/webhook_signature.hpp"
#include "tests/e2e/boxoffice_process.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice::test {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

const std::string admin_field =
    "Admin-Token: " + std::string(BoxofficeProcess::admin_token) + "\r\n";
const std::string webhook_secret = "a webhook secret of all";

class SharedSwitches : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateMariadb::installed() || !PrivateRedis::installed()) {
      GTEST_SKIP() << "needs redis-server and mariadbd";
    }
    mariadb_ = std::make_unique<PrivateMariadb>();
    redis_ = std::make_unique<PrivateRedis>();
  }
  BoxofficeProcess& open(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--redis=127.0.0.1:" + std::to_string(redis_->port()),
                             "--mysql=127.0.0.1:" + std::to_string(mariadb_->port()),
                             "--node=" + std::to_string(boxes_.size())});
    return start(std::move(more));
  }
  BoxofficeProcess& start(std::vector<std::string> arguments) {
    boxes_.push_back(std::make_unique<BoxofficeProcess>(
        std::move(arguments),
        std::vector<std::string>{"BOXOFFICE_JWT_SECRET=a secret of all",
                                 "BOXOFFICE_PASS_SECRET=another of all",
                                 "BOXOFFICE_WEBHOOK_SECRET=" + webhook_secret}));
    boxes_.back()->wait_ready(30s);
    return *boxes_.back();
  }
  static Answer tell(const BoxofficeProcess& box, std::string_view method, std::string_view path,
                     const Json& body) {
    return RawClient(box.admin_port()).exchange(method, path, admin_field, body.dump());
  }
  static Json config(const BoxofficeProcess& box) {
    return RawClient(box.admin_port()).exchange("GET", "/admin/config", admin_field).json();
  }

  std::unique_ptr<PrivateMariadb> mariadb_;
  std::unique_ptr<PrivateRedis> redis_;
  std::vector<std::unique_ptr<BoxofficeProcess>> boxes_;
};

TEST_F(SharedSwitches, WhatOneInstanceIsToldAllFollow) {
  const BoxofficeProcess& first = open({"--lab"});
  const BoxofficeProcess& second = open({"--lab"});
  const BoxofficeProcess& outside = open();  // not in the lab
  EXPECT_EQ(tell(first, "PUT", "/admin/defects", {{"conflict_is_400", true}}).status, 200);
  EXPECT_EQ(config(second).at("defects"), Json({"conflict_is_400"}));
  EXPECT_EQ(config(second).at("tainted"), true);
  EXPECT_EQ(config(outside).at("tainted"), false) << "a defect outside the lab";
  EXPECT_EQ(tell(second, "PUT", "/admin/defects", {{"conflict_is_400", false}}).status, 200);
  EXPECT_EQ(config(first).at("tainted"), false);
  const Json payment{{"approve", 0.25}, {"delay", "fixed"}, {"delayAMs", 7.0}, {"webhook", true}};
  EXPECT_EQ(tell(second, "PUT", "/admin/payment", payment).status, 200);
  for (const BoxofficeProcess* const box : {&first, &outside}) {
    const Json now = config(*box).at("payment");
    for (const auto& [name, value] : payment.items()) EXPECT_EQ(now.at(name), value) << name;
  }
  EXPECT_EQ(tell(first, "POST", "/admin/quiesce", {{"timeoutMs", 0}}).status, 200);
  EXPECT_EQ(config(second).at("admissionsPaused"), true);
  EXPECT_EQ(tell(second, "POST", "/admin/quiesce", {{"resume", true}}).status, 200);
  EXPECT_EQ(config(first).at("admissionsPaused"), false);
  // What was told before its start is not for an instance: its command line holds.
  EXPECT_EQ(config(open({"--lab"})).at("payment").at("approve"), 0.8);
}

TEST_F(SharedSwitches, AnInstanceThatHangsHoldsNobodyUp) {
  const BoxofficeProcess& first = open({"--lab"});
  const BoxofficeProcess& second = open({"--lab"});
  second.pause();
  EXPECT_EQ(tell(first, "PUT", "/admin/payment", {{"approve", 0.5}}).status, 200);
  second.signal(SIGCONT);
}

TEST_F(SharedSwitches, TheProvidersProcessIsToldAll) {
  const BoxofficeProcess& provider = start({"--roles=pg", "--payment-delay=fixed:5"});
  const BoxofficeProcess& customer =
      open({"--pg=process", "--pg-address=127.0.0.1:" + std::to_string(provider.port())});
  const std::string token = "Authorization: Bearer " +
                            sign_webhook(webhook_secret, "pg", 0, "customer").substr(3) + "\r\n";
  const auto settings = [&](std::string_view fields) {
    return RawClient(provider.port()).exchange("PUT", "/v1/settings", fields, "{}");
  };
  EXPECT_EQ(settings("").status, 401);
  const Json before = settings(token).json();
  const Json wanted{{"webhook", true},       {"approve", 0.25},
                    {"delay", "lognormal"},  {"delayAMs", 5.5},
                    {"delayBMs", 70.5},      {"delaySlowShare", 0.75},
                    {"timeout", 0.125},      {"webhookDuplicate", 0.1},
                    {"webhookReorder", 0.2}, {"webhookLost", 0.3},
                    {"webhookForged", 0.4},  {"webhookLate", 0.5},
                    {"refundFail", 0.6},     {"seed", 77},
                    {"retryUnitMs", 9},      {"inflightMax", 3}};
  EXPECT_EQ(before.size(), wanted.size()) << "a new field belongs into this test";
  for (const auto& [name, value] : wanted.items()) EXPECT_NE(before.at(name), value) << name;
  EXPECT_EQ(tell(customer, "PUT", "/admin/payment", wanted).status, 200);
  EXPECT_EQ(settings(token).json(), wanted);
  // Without its process the change is refused, so that nobody believes in it.
  boxes_.front()->signal(SIGKILL);
  EXPECT_TRUE(boxes_.front()->wait_exit(10s));
  const Answer refused = tell(customer, "PUT", "/admin/payment", {{"seed", 1}});
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.head.find("Retry-After: 1\r\n"), std::string::npos) << refused.head;
}

// A request's trace goes on to the provider, comes back with its webhook, and is that of the refund
// by which a worker ends the order.
TEST_F(SharedSwitches, ATraceGoesThroughTheProvidersProcess) {
  const BoxofficeProcess& provider =
      start({"--roles=pg", "--payment-delay=fixed:5", "--payment-approve=1", "--log-level=debug"});
  const BoxofficeProcess& customer =
      open({"--pg=process", "--pg-address=127.0.0.1:" + std::to_string(provider.port()),
            "--payment-mode=webhook", "--log-level=debug"});
  const Json made = tell(customer, "POST", "/admin/seed",
                         {{"users", {{"n", 1}, {"prefix", "u"}}},
                          {"events", {{{"rows", 1}, {"cols", 5}, {"queue", {{"on", false}}}}}}})
                        .json();
  const Json range{{"from", made.at("firstUser")}, {"to", made.at("firstUser")}};
  const std::string token =
      Json::parse(tell(customer, "POST", "/admin/tokens", range).body).at("token");
  const auto ask = [&](std::string_view method, const std::string& path, const Json& body,
                       const std::string& trace) {
    const std::string fields = "Authorization: Bearer " + token + "\r\nIdempotency-Key: " + trace +
                               "\r\ntraceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\n";
    return RawClient(customer.port())
        .exchange(method, path, fields, body.is_null() ? "" : body.dump());
  };
  const std::string ordered(32, 'a'), paid(32, 'b');
  const Json held = ask("POST", "/api/reservations",
                        {{"eventId", made.at("events").at(0).at("id")}, {"seatId", 1}}, ordered)
                        .json();
  const Json order = ask("POST", "/api/orders", {{"holdId", held.at("holdId")}}, ordered).json();
  const std::string path = "/api/orders/" + order.at("orderId").get<std::string>();
  const Json body{{"orderId", order.at("orderId")}, {"method", "CARD"}};
  EXPECT_EQ(ask("POST", "/api/payments/authorize", body, paid).status, 202);
  const auto becomes = [&](const char* status) {
    for (int i = 0; i < 200; ++i) {
      const Json now = ask("GET", path, nullptr, std::string(32, 'c')).json();
      if (now.contains("status") && now.at("status") == status) return true;
      std::this_thread::sleep_for(50ms);
    }
    return false;
  };
  EXPECT_TRUE(becomes("CONFIRMED"));
  EXPECT_EQ(ask("DELETE", path, nullptr, std::string(32, 'd')).status, 202);
  EXPECT_TRUE(becomes("REFUNDED"));
  for (const auto& box : boxes_) {  // what is in the log's buffer is written at the end
    box->signal(SIGTERM);
    EXPECT_TRUE(box->wait_exit(20s));
  }
  const auto has_line = [](const BoxofficeProcess& of, const std::string& trace,
                           const std::string& what) {
    std::istringstream lines(of.log());
    for (std::string line; std::getline(lines, line);) {
      if (line.find(trace) != std::string::npos && line.find(what) != std::string::npos)
        return true;
    }
    return false;
  };
  EXPECT_TRUE(has_line(provider, paid, "\"/v1/payments\"")) << provider.log();
  EXPECT_TRUE(has_line(customer, paid, "\"/webhooks/payments\"")) << customer.log();
  EXPECT_TRUE(has_line(provider, ordered, "/cancel\"")) << provider.log();
}

// Beside the above because it needs the same: which instance does what only one may do.
TEST_F(SharedSwitches, EverySingletonJobTellsItsHolder) {
  const BoxofficeProcess& box = open();
  const Json made = tell(box, "POST", "/admin/seed",
                         {{"events", {{{"rows", 1}, {"cols", 5}, {"queue", {{"cap", 1}}}}}},
                          {"auctions", {{{"slots", 1}, {"durationMs", 100}}}},
                          {"practice", {{{"bots", 1}}}}})
                        .json();
  const auto id = [&](const char* kind) { return made.at(kind).at(0).at("id").dump(); };
  const std::string names[] = {"sweep", "admit:" + id("events"), "reconcile:" + id("events"),
                               "auction:" + id("auctions"), "bots:" + id("practice")};
  std::set<std::string> held;
  for (int i = 0; i < 300 && held.size() < std::size(names); ++i) {
    const std::string metrics = RawClient(box.port()).exchange("GET", "/metrics").body;
    for (const std::string& name : names) {
      // An auction is somebody's only until it is settled.
      if (metrics.find("lease_owner{name=\"" + name + "\"} 1") != std::string::npos)
        held.insert(name);
    }
    std::this_thread::sleep_for(50ms);
  }
  for (const std::string& name : names) EXPECT_TRUE(held.contains(name)) << name;
}

}  // namespace
}  // namespace boxoffice::test
