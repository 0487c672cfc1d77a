// Rate limits before the routes, with their buckets in a real Redis: exact, the same on every
// instance, and kept up by the thread itself while Redis is away.
#include "target/http/rate_limits.hpp"

#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

Task<HttpResponse> fine(const HttpRequest&) { co_return json_response(200, "{}"); }

class RateLimited : public OrderFixture {
 protected:
  // A table of its own per instance, as each thread has one.
  struct Instance {
    RouteTable table;
    std::shared_ptr<void> owner;
  };
  void SetUp() override {
    OrderFixture::SetUp();
    if (IsSkipped()) return;
    make(one_);
  }
  void make(Instance& instance) {
    for (const auto& [method, pattern] :
         std::vector<std::pair<const char*, const char*>>{{"GET", "/api/orders/{id}"},
                                                          {"POST", "/api/reservations"},
                                                          {"POST", "/api/auctions/{id}/bids"},
                                                          {"POST", "/api/auth/login"},
                                                          {"POST", "/webhooks/payments"},
                                                          {"GET", "/readyz"}}) {
      Route route;
      route.method = method;
      route.pattern = pattern;
      route.handle = fine;
      instance.table.routes.push_back(std::move(route));
    }
    instance.owner = limit_rates(*thread, instance.table);
  }
  HttpResponse ask(Instance& instance, std::string_view pattern, std::uint64_t user,
                   const std::string& peer = "10.0.0.1", const std::string& body = "{}") {
    HttpRequest request;
    request.path = pattern;
    request.route = pattern;
    request.body = body;
    request.peer = peer;
    if (user != 0) request.caller = Caller{user, Role::user};
    for (const Route& route : instance.table.routes) {
      if (route.pattern == pattern) return run(io, route.handle(request));
    }
    return {};
  }
  HttpResponse ask(std::string_view pattern, std::uint64_t user) {
    return ask(one_, pattern, user);
  }
  int passed(std::string_view pattern, std::uint64_t user, int tries) {
    int passed = 0;
    for (int i = 0; i < tries; ++i) passed += ask(pattern, user).status == 200 ? 1 : 0;
    return passed;
  }
  static std::string header(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return {};
  }
  static std::int64_t retry_after(const HttpResponse& response) {
    return nlohmann::json::parse(response.body).value("retryAfterMs", std::int64_t{0});
  }

  Instance one_;
};

TEST_F(RateLimited, AnswersSayHowMuchIsLeftAndTheRefusalSaysHowLong) {
  config.rate_limits.user = {2, 3};
  Instance slow;
  make(slow);
  const HttpResponse first = ask(slow, "/api/orders/{id}", 1);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(header(first, "RateLimit-Limit"), "3");
  EXPECT_EQ(header(first, "RateLimit-Remaining"), "2");
  EXPECT_EQ(header(first, "RateLimit-Reset"), "1");
  ask(slow, "/api/orders/{id}", 1);
  ask(slow, "/api/orders/{id}", 1);
  const HttpResponse no = ask(slow, "/api/orders/{id}", 1);
  ASSERT_EQ(no.status, 429);
  EXPECT_EQ(no.code, "RATE_LIMITED");
  EXPECT_EQ(header(no, "Retry-After"), "1");
  EXPECT_EQ(header(no, "RateLimit-Remaining"), "0");
  EXPECT_GT(retry_after(no), 0);
  EXPECT_LE(retry_after(no), 500);
  EXPECT_EQ(ask(slow, "/api/orders/{id}", 2).status, 200) << "another user";
  // Whoever waits as long as was told gets through.
  run_for(Millis(retry_after(no) + 1));
  EXPECT_EQ(ask(slow, "/api/orders/{id}", 1).status, 200);
}

TEST_F(RateLimited, HoldsAndBidsHaveALimitOfTheirOwn) {
  // The clock runs on, so one more may have come free on a slow machine.
  EXPECT_LE(passed("/api/reservations", 1, 10), 7);
  EXPECT_GE(passed("/api/reservations", 2, 5), 5);
  EXPECT_LE(passed("/api/auctions/{id}/bids", 1, 10), 7) << "not the holds' bucket";
  EXPECT_GE(passed("/api/auctions/{id}/bids", 3, 5), 5);
  EXPECT_EQ(passed("/api/orders/{id}", 4, 40), 40);
}

TEST_F(RateLimited, LoginsAreCountedByNameWhereverTheyComeFrom) {
  int passed = 0;
  for (int i = 0; i < 8; ++i) {
    const auto answer = ask(one_, "/api/auth/login", 0, "10.0.0." + std::to_string(i),
                            R"({"login":"ann","password":"guess"})");
    passed += answer.status == 200 ? 1 : 0;
  }
  EXPECT_EQ(passed, 5);
  EXPECT_EQ(ask(one_, "/api/auth/login", 0, "10.0.0.1", R"({"login":"bob","password":"x"})").status,
            200);
}

TEST_F(RateLimited, AddressesAreLimitedWhereNoTokenSaysWhoAsks) {
  config.rate_limits.address = {1, 2};
  Instance strict;
  make(strict);
  EXPECT_EQ(ask(strict, "/api/auth/login", 0, "10.1.1.1").status, 200);
  EXPECT_EQ(ask(strict, "/api/auth/login", 0, "10.1.1.1").status, 200);
  EXPECT_EQ(ask(strict, "/api/auth/login", 0, "10.1.1.1").status, 429);
  EXPECT_EQ(ask(strict, "/api/auth/login", 0, "10.1.1.2").status, 200);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(strict, "/api/orders/{id}", 9, "10.1.1.1").status, 200) << "a user's own bucket";
  }
}

TEST_F(RateLimited, InstancesShareTheBuckets) {
  config.rate_limits.user = {0.01, 4};
  Instance a, b;
  make(a);
  make(b);
  int passed = 0;
  for (int i = 0; i < 5; ++i) {
    passed += ask(a, "/api/orders/{id}", 1).status == 200 ? 1 : 0;
    passed += ask(b, "/api/orders/{id}", 1).status == 200 ? 1 : 0;
  }
  EXPECT_EQ(passed, 4);
}

TEST_F(RateLimited, WithoutRedisTheThreadsOwnBucketsDecide) {
  config.rate_limits.user = {0.01, 4};
  Instance local;
  make(local);
  order_redis().kill();
  run_for(Millis(50));
  int passed = 0;
  for (int i = 0; i < 6; ++i) {
    passed += ask(local, "/api/orders/{id}", 1).status == 200 ? 1 : 0;
  }
  order_redis().start();
  EXPECT_EQ(passed, 4) << "neither open nor shut";
  EXPECT_EQ(metric("rate_limit_local_total"), 6U);
}

TEST_F(RateLimited, OthersAndSwitchedOffRoutesAreAsTheyWere) {
  const HttpResponse health = ask("/readyz", 0);
  EXPECT_EQ(header(health, "RateLimit-Limit"), "");
  EXPECT_EQ(header(ask("/webhooks/payments", 0), "RateLimit-Limit"), "");
  config.rate_limits.on = false;
  Instance off;
  make(off);
  EXPECT_EQ(off.owner, nullptr);
  for (int i = 0; i < 60; ++i) ASSERT_EQ(ask(off, "/api/reservations", 1).status, 200);
}

}  // namespace
}  // namespace boxoffice
