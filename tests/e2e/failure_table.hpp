// What the suites of the failure table share: instances of the real binary on private Redis and
// MariaDB servers that a test may kill, empty, damage or stop, and an event to be booked.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <thread>

#include "tests/e2e/boxoffice_process.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice::test {

using namespace std::chrono_literals;

class FailureTable : public ::testing::Test {
 protected:
  static inline const std::string admin_field =
      "Admin-Token: " + std::string(BoxofficeProcess::admin_token) + "\r\n";

  void SetUp() override {
    if (!PrivateMariadb::installed() || !PrivateRedis::installed()) {
      GTEST_SKIP() << "needs redis-server and mariadbd";
    }
    mariadb_ = std::make_unique<PrivateMariadb>();
    redis_ = std::make_unique<PrivateRedis>();
    // Not the administrator: read_only does not hold for that one.
    mariadb_->sql("CREATE DATABASE boxoffice CHARACTER SET utf8mb4");
    mariadb_->sql("CREATE USER box@'%'");
    mariadb_->sql("GRANT ALL ON boxoffice.* TO box@'%'");
  }
  void open(std::vector<std::string> more = {}, std::size_t instances = 1) {
    more.insert(more.end(),
                {"--redis=127.0.0.1:" + std::to_string(redis_->port()),
                 "--mysql=127.0.0.1:" + std::to_string(mariadb_->port()), "--mysql-user=box",
                 "--payment-delay=fixed:20", "--payment-approve=1"});
    const auto limits = [](const std::string& one) { return one.starts_with("--ratelimit="); };
    if (std::ranges::none_of(more, limits)) more.emplace_back("--ratelimit=off");
    for (std::size_t i = 0; i < instances; ++i) {
      auto arguments = more;
      arguments.push_back("--node=" + std::to_string(i));
      boxes_.push_back(std::make_unique<BoxofficeProcess>(
          arguments, std::vector<std::string>{"BOXOFFICE_JWT_SECRET=a secret of two instances",
                                              "BOXOFFICE_PASS_SECRET=another of both",
                                              "BOXOFFICE_WEBHOOK_SECRET=and a third"}));
    }
    for (auto& box : boxes_) box->wait_ready(30s);
    RawClient admin(boxes_[0]->admin_port());
    const auto seeded =
        admin
            .exchange("POST", "/admin/seed", admin_field,
                      R"({"seed":1,"users":{"n":10,"prefix":"u"},"events":[)"
                      R"({"rows":4,"cols":10,"holdTtlMs":600000,"queue":{"on":false}},)"
                      R"({"rows":1,"cols":10,"queue":{"on":true}}]})")
            .json();
    event_ = seeded.at("events").at(0).at("id").get<std::uint64_t>();
    queued_event_ = seeded.at("events").at(1).at("id").get<std::uint64_t>();
    first_user_ = seeded.at("firstUser").get<std::uint64_t>();
    mint_tokens();
  }
  // Anew, by the instance's clock.
  void mint_tokens() {
    const auto tokens = RawClient(boxes_[0]->admin_port())
                            .exchange("POST", "/admin/tokens", admin_field,
                                      R"({"from":)" + std::to_string(first_user_) + R"(,"to":)" +
                                          std::to_string(first_user_ + 9) + "}");
    tokens_.clear();
    std::istringstream lines(tokens.body);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) tokens_.push_back(nlohmann::json::parse(line).at("token"));
    }
  }

  Answer ask(std::string_view method, const std::string& path, std::size_t user = 0,
             const std::string& body = "", const std::string& key = "", std::size_t box = 0) {
    std::string fields = "Authorization: Bearer " + tokens_.at(user) + "\r\n";
    if (!key.empty()) fields += "Idempotency-Key: " + key + "\r\n";
    return RawClient(boxes_.at(box)->port()).exchange(method, path, fields, body);
  }
  Answer hold(unsigned seat, std::size_t user = 0, std::size_t box = 0) {
    return ask(
        "POST", "/api/reservations", user,
        R"({"eventId":)" + std::to_string(event_) + R"(,"seatIds":[)" + std::to_string(seat) + "]}",
        "", box);
  }
  std::string hold_id(unsigned seat, std::size_t user = 0, std::size_t box = 0) {
    const Answer held = hold(seat, user, box);
    EXPECT_EQ(held.status, 201) << held.body;
    return held.json().value("holdId", "");
  }
  Answer order(const std::string& hold, const std::string& key, std::size_t user = 0,
               std::size_t box = 0) {
    return ask("POST", "/api/orders", user, R"({"holdId":")" + hold + "\"}", key, box);
  }
  std::string order_id(unsigned seat, std::size_t user = 0, std::size_t box = 0) {
    const Answer made = order(hold_id(seat, user, box), "order" + std::to_string(seat), user, box);
    EXPECT_EQ(made.status, 201) << made.body;
    return made.json().value("orderId", "");
  }
  Answer pay(const std::string& order, std::size_t user = 0) {
    return ask("POST", "/api/payments/authorize", user,
               R"({"orderId":")" + order + R"(","method":"CARD"})", "pay" + order);
  }
  Answer seats() { return ask("GET", "/api/events/" + std::to_string(event_) + "/seats"); }
  Answer enter_queue(std::size_t user = 0) {
    return ask("POST", "/api/events/" + std::to_string(queued_event_) + "/queue", user, "{}");
  }
  std::string one(const std::string& sql) { return mariadb_->sql(sql, "boxoffice").at(0).at(0); }
  std::string metrics(std::size_t box = 0) {
    return RawClient(boxes_.at(box)->port()).exchange("GET", "/metrics").body;
  }
  // A command of words without spaces, in Redis' inline form.
  void redis(const std::string& command) {
    RawClient client(redis_->port());
    client.send(command + "\r\n");
    client.take(1);
  }
  static bool eventually(const std::function<bool()>& fact, std::chrono::seconds within = 30s) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (std::chrono::steady_clock::now() < end) {
      if (fact()) return true;
      std::this_thread::sleep_for(100ms);
    }
    return fact();
  }
  static std::string code(const Answer& answer) { return answer.json().value("code", ""); }
  static void expect_down(const Answer& answer) {
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_EQ(code(answer), "DEPENDENCY_DOWN");
    EXPECT_NE(answer.head.find("Retry-After: 1\r\n"), std::string::npos) << answer.head;
  }
  std::string key(const char* suffix) { return "{e" + std::to_string(event_) + ".1}:" + suffix; }

  std::unique_ptr<PrivateMariadb> mariadb_;
  std::unique_ptr<PrivateRedis> redis_;
  std::vector<std::unique_ptr<BoxofficeProcess>> boxes_;
  std::uint64_t event_ = 0, queued_event_ = 0, first_user_ = 0;
  std::vector<std::string> tokens_;
};

}  // namespace boxoffice::test
