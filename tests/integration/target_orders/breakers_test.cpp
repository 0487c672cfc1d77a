// Breakers before Redis and MySQL, opened by the real thing: a store that is stopped or killed.
// What was slow becomes a refusal at once, and closes again when the store is back.
#include <csignal>

#include "tests/integration/target_orders/order_fixture.hpp"

namespace boxoffice {
namespace {

using State = CircuitBreaker::State;

class StoreBreakers : public OrderFixture {
 public:
  Task<void> redis_ping() {
    std::vector<std::string> words{"PING"};
    static_cast<void>(co_await redis->command(std::move(words), Clock::now() + Millis(100)));
  }
  Task<void> mysql_ping() {
    auto lease = co_await pool->acquire(Clock::now() + Millis(100));
    static_cast<void>(co_await lease->query("SELECT 1"));
  }

 protected:
  // The time that a call took that failed; nothing when it did not fail.
  template <class Ping>
  std::optional<Millis> failed_in(Ping ping) {
    const TimePoint begun = Clock::now();
    try {
      run(io, (this->*ping)());
    } catch (const StoreUnavailable&) {
      return std::chrono::duration_cast<Millis>(Clock::now() - begun);
    }
    return std::nullopt;
  }
  template <class Ping>
  void expect_to_open_and_close(CircuitBreaker& breaker, Ping ping,
                                const std::function<void()>& back) {
    for (int i = 0; i < 30 && breaker.state() != State::open; ++i) {
      EXPECT_TRUE(failed_in(ping).has_value());
    }
    ASSERT_EQ(breaker.state(), State::open);
    // A hundred calls that would have taken 100 ms each.
    const TimePoint begun = Clock::now();
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(failed_in(ping).has_value());
    EXPECT_LT(Clock::now() - begun, std::chrono::seconds(4)) << "refused at once";
    back();
    EXPECT_TRUE(eventually([&] {
      static_cast<void>(failed_in(ping));
      return breaker.state() == State::closed;
    }));
    EXPECT_FALSE(failed_in(ping).has_value());
  }
  Breakers breakers;
};

TEST_F(StoreBreakers, RedisThatIsStopped) {
  redis->guard(breakers.redis);
  order_redis().pause();
  expect_to_open_and_close(breakers.redis, &StoreBreakers::redis_ping,
                           [] { order_redis().resume(); });
}

TEST_F(StoreBreakers, RedisThatIsKilled) {
  redis->guard(breakers.redis);
  order_redis().kill();
  expect_to_open_and_close(breakers.redis, &StoreBreakers::redis_ping,
                           [] { order_redis().start(); });
}

TEST_F(StoreBreakers, MysqlThatIsStopped) {
  pool->guard(breakers.mysql);
  mariadb().pause();
  expect_to_open_and_close(breakers.mysql, &StoreBreakers::mysql_ping, [] { mariadb().resume(); });
}

TEST_F(StoreBreakers, MysqlThatIsKilled) {
  pool->guard(breakers.mysql);
  mariadb().kill();
  expect_to_open_and_close(breakers.mysql, &StoreBreakers::mysql_ping, [] { mariadb().start(); });
}

// Refusals of SQL are answers, not failures: duplicates must not shut the database off.
TEST_F(StoreBreakers, RefusalsOfTheDatabaseAreNoFailures) {
  pool->guard(breakers.mysql);
  sql("INSERT INTO fences VALUES ('x',1)");
  for (int i = 0; i < 40; ++i) {
    auto lease = run(io, pool->acquire(in(Millis(5000))));
    const auto again = run(io, lease->query("INSERT INTO fences VALUES ('x',1)"));
    EXPECT_FALSE(again.has_value());
  }
  EXPECT_EQ(breakers.mysql.state(), State::closed);
}

}  // namespace
}  // namespace boxoffice
