// What the suites on Redis share: one private server per program, emptied before each case, a
// client, stand-ins for what MySQL knows, and ways to run coroutines to their end.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "target/metrics.hpp"
#include "target/parts.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_mirror.hpp"
#include "target/service/seat_rebuild.hpp"
#include "target/store/redis_client.hpp"
#include "target/switches.hpp"
#include "tests/integration/target_seats/private_redis.hpp"

namespace boxoffice {

inline PrivateRedis& redis_server() {
  static PrivateRedis server;
  return server;
}

template <class T>
T run(asio::io_context& io, Task<T> task) {
  std::exception_ptr failure;
  std::optional<T> value;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
    failure = error;
    value = std::move(result);
    io.stop();
  });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}
inline void run(asio::io_context& io, Task<void> task) {
  std::exception_ptr failure;
  asio::co_spawn(io, std::move(task), [&](std::exception_ptr error) {
    failure = error;
    io.stop();
  });
  io.restart();
  io.run();
  if (failure) std::rethrow_exception(failure);
}

inline TimePoint in(Millis time) { return Clock::now() + time; }

inline Task<void> sleep_for(Millis time) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(
      co_await asio::this_coro::executor);
  timer.expires_after(time);
  co_await timer.async_wait(use_task);
}

// An event whose sale has been open for a minute.
inline EventInfo open_event(std::uint64_t id, std::uint32_t seats) {
  EventInfo event;
  event.id = id;
  event.status = "ON_SALE";
  event.seat_count = seats;
  event.max_per_user = 4;
  event.hold_ttl_ms = 60000;
  event.prices.assign(seats, 1000);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  event.sale_open_ms = std::chrono::duration_cast<Millis>(now).count() - 60000;
  event.sale_close_ms = event.sale_open_ms + 86400000;
  return event;
}

// What MySQL would know, in memory.
class FixedLedger final : public SeatLedger {
 public:
  Task<SeatTruth> truth(std::uint64_t, std::uint32_t) override { co_return known; }
  SeatTruth known;
};
class FixedEvents final : public EventStore {
 public:
  Task<EventPtr> find(std::uint64_t event) override {
    const auto found = events.find(event);
    EventPtr copy = found == events.end() ? nullptr : found->second;
    co_return copy;
  }
  Task<EventPage> page(std::string, std::string, std::uint32_t, std::uint32_t) override {
    EventPage all;
    for (const auto& [id, event] : events) all.items.push_back(event);
    all.total = all.items.size();
    co_return all;
  }
  Task<std::vector<SeatRow>> seats(std::uint64_t) override { co_return std::vector<SeatRow>{}; }
  std::map<std::uint64_t, EventPtr> events;
};

class RedisFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateRedis::installed()) GTEST_SKIP() << "redis-server is not installed";
    redis = std::make_unique<RedisClient>(io, "127.0.0.1", redis_server().port());
    run(io, redis->wait_connected(in(Millis(3000))));
    command({"FLUSHALL"});
    seats = make_seat_holds(*redis, switches, metrics);
    leases = make_leases(*redis);
    queue = make_queue_places(*redis, metrics);
    directory = make_hold_directory(*redis);
  }
  RedisReply command(std::vector<std::string> words) {
    return run(io, redis->command(std::move(words), in(Millis(3000))));
  }
  std::string key(const EventInfo& event, const std::string& suffix) {
    return event_key(event.id, event.epoch, suffix);
  }
  std::string seat_state(const EventInfo& event, std::uint32_t seat) {
    return command({"HGET", key(event, "st"), std::to_string(seat)}).text;
  }
  // Runs everything else until `fact()` holds; false: not within 5 s.
  template <class Fact>
  bool eventually(Fact fact) {
    const TimePoint give_up = in(Millis(5000));
    while (!fact() && Clock::now() < give_up) run(io, sleep_for(Millis(10)));
    return fact();
  }
  // A hash as a map.
  std::map<std::string, std::string> hash(const std::string& name) {
    const RedisReply reply = command({"HGETALL", name});
    std::map<std::string, std::string> fields;
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2)
      fields[reply.elements[i].text] = reply.elements[i + 1].text;
    return fields;
  }
  EventPtr ready(EventInfo info) {
    auto event = std::make_shared<const EventInfo>(std::move(info));
    SeatRebuild work(*seats, ledger, *leases);
    run(io, work.rebuild(event));
    return event;
  }
  // Checks of every derived key against the seats' states: the audit's R4, R5, R6.
  void expect_consistent(const EventInfo& event);

  asio::io_context io{1};
  Switches switches;
  Metrics metrics;
  std::unique_ptr<RedisClient> redis;
  std::unique_ptr<SeatHolds> seats;
  std::unique_ptr<Leases> leases;
  std::unique_ptr<QueuePlaces> queue;
  std::unique_ptr<HoldDirectory> directory;
  FixedLedger ledger;
};

inline void RedisFixture::expect_consistent(const EventInfo& event) {
  const auto states = hash(key(event, "st"));
  std::map<std::string, int> quota;
  std::set<std::string> held;
  std::string bits((event.seat_count + 3) / 4, '\0');
  for (const auto& [seat, state] : states) {
    const auto number = static_cast<unsigned>(std::stoul(seat));
    const unsigned code = state[0] == 'S' ? 2 : state[0] == 'L' ? 3 : 1;
    const unsigned shift = 6 - 2 * (number % 4);
    bits[number / 4] = static_cast<char>(bits[number / 4] | static_cast<char>(code << shift));
    if (state[0] == 'H') held.insert(seat);
    if (state[0] != 'L') ++quota[state.substr(2, state.find(':', 2) - 2)];
  }
  std::map<std::string, int> counted;
  for (const auto& [user, count] : hash(key(event, "uq"))) counted[user] = std::stoi(count);
  EXPECT_EQ(quota, counted);
  EXPECT_EQ(command({"GET", key(event, "bm")}).text, bits);
  std::set<std::string> expiring;
  for (const auto& element : command({"ZRANGE", key(event, "ex"), "0", "-1"}).elements)
    expiring.insert(element.text);
  EXPECT_EQ(expiring, held);
}

}  // namespace boxoffice
