// Order ids, the signals that wake who waits, and the JSON of orders.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "target/service/order.hpp"
#include "target/service/order_ids.hpp"
#include "target/service/order_signals.hpp"

namespace boxoffice {
namespace {

using SystemTime = std::chrono::system_clock::time_point;
constexpr SystemTime noon{std::chrono::seconds(1'800'000'000)};

TEST(OrderIds, RiseAndNeverRepeatOnAThread) {
  OrderIds ids(5, 2);
  std::uint64_t last = 0;
  for (int i = 0; i < 100'000; ++i) {
    // 100 ids a millisecond, and the clock steps back now and then.
    const int step_back = i % 1000 == 999 ? 5000 : 0;
    const std::uint64_t id = ids.next(noon + std::chrono::milliseconds(i / 100 - step_back));
    ASSERT_GT(id, last);
    last = id;
  }
}

TEST(OrderIds, MoreThanAMillisecondHoldsRunAhead) {
  OrderIds ids(0, 0);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 5000; ++i) seen.insert(ids.next(noon));
  EXPECT_EQ(seen.size(), 5000U);
}

TEST(OrderIds, ThreadsAndNodesNeverMeet) {
  std::set<std::uint64_t> seen;
  for (const std::uint32_t node : {0U, 1U, 1023U}) {
    for (std::uint32_t thread = 0; thread < order_id_threads; ++thread) {
      OrderIds ids(node, thread);
      for (int i = 0; i < 256; ++i) seen.insert(ids.next(noon));
    }
  }
  EXPECT_EQ(seen.size(), 3U * order_id_threads * 256);
}

TEST(OrderIds, TellTheirTime) {
  OrderIds ids(1023, 15);
  const std::uint64_t id = ids.next(noon);
  EXPECT_GE(id, first_order_id_at(noon));
  EXPECT_LT(id, first_order_id_at(noon + std::chrono::milliseconds(1)));
  EXPECT_LT(id, std::uint64_t{1} << 63U) << "fits a signed number";
}

Task<void> wait_for(Wait wait, bool& over) {
  co_await wait.done();
  over = true;
}

TEST(OrderSignals, AWakeUpBeforeTheWaitIsNotLost) {
  asio::io_context io{1};
  OrderSignals signals;
  Wait wait(io, Clock::now() + std::chrono::hours(1));
  const OrderSignals::Subscription subscription(signals, 5, wait);
  signals.changed(5);
  io.run();
  EXPECT_TRUE(wait.over());
}

TEST(OrderSignals, WakeOnlyThoseOfTheOrder) {
  asio::io_context io{1};
  OrderSignals signals;
  bool mine = false, other = false;
  Wait first(io, Clock::now() + std::chrono::hours(1));
  Wait second(io, Clock::now() + std::chrono::hours(1));
  const OrderSignals::Subscription a(signals, 5, first), b(signals, 6, second);
  const auto ignore = [](const std::exception_ptr& failure) { EXPECT_FALSE(failure); };
  asio::co_spawn(io, wait_for(first, mine), ignore);
  asio::co_spawn(io, wait_for(second, other), ignore);
  io.poll();
  std::thread([&signals] { signals.changed(5); }).join();
  io.restart();
  io.poll();
  EXPECT_TRUE(mine);
  EXPECT_FALSE(other);
}

TEST(OrderSignals, AnEndedSubscriptionIsForgotten) {
  asio::io_context io{1};
  OrderSignals signals;
  Wait wait(io, Clock::now() + std::chrono::hours(1));
  { const OrderSignals::Subscription subscription(signals, 5, wait); }
  signals.changed(5);
  io.poll();
  EXPECT_FALSE(wait.over());
}

OrderFacts some_order() {
  OrderFacts order;
  order.id = 18'446'744'073'709'551'615U;
  order.user = 3;
  order.event = 7;
  order.epoch = 2;
  order.amount = 1500;
  order.seats = {1, 12};
  order.expires_ms = 1'800'000'000'123;
  return order;
}

TEST(OrderJson, IdsAreStrings) {
  const auto json = nlohmann::json::parse(receipt_json(some_order()));
  EXPECT_EQ(json["orderId"], "18446744073709551615");
  EXPECT_EQ(json["expiresAt"], "2027-01-15T08:00:00.123Z");
}

TEST(OrderJson, ForeignTextIsQuoted) {
  OrderView view;
  view.order = some_order();
  view.order.reason = "a\"b\\\xFF";
  view.payment = PaymentFacts{};
  view.payment->fail_code = "\n";
  const auto json = nlohmann::json::parse(view_json(view));
  EXPECT_EQ(json["payment"]["failCode"], "\n");
}

TEST(OrderJson, EventsComeBackAsTheyWent) {
  const auto facts = event_facts(event_json(some_order()));
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->id, some_order().id);
  EXPECT_EQ(facts->seats, some_order().seats);
  EXPECT_EQ(facts->epoch, 2U);
  for (const char* strange : {"", "[]", "{}", R"({"orderId":5})", R"({"orderId":"x"})"}) {
    EXPECT_FALSE(event_facts(strange).has_value()) << strange;
  }
}

TEST(OrderJson, StatusNamesComeBackAsTheyWent) {
  for (int i = 0; i < 6; ++i) {
    const auto status = static_cast<OrderStatus>(i);
    EXPECT_EQ(order_status(name_of(status)), status);
  }
  EXPECT_FALSE(order_status("LOST").has_value());
}

}  // namespace
}  // namespace boxoffice
