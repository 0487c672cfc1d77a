// Several threads' readers of one event: one asks Redis, all see every change once and in order.
#include "target/service/shared_seat_feed.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <thread>

#include "target/domain/unavailable.hpp"
#include "target/service/seat_map.hpp"

namespace boxoffice {
namespace {

using Change = std::pair<std::uint32_t, std::uint8_t>;
constexpr std::uint32_t seats = 64;

EventPtr event_of_test() {
  auto event = std::make_shared<EventInfo>();
  event->id = 7;
  event->seat_count = seats;
  return event;
}

// What Redis would hold; any thread.
class Store {
 public:
  void change(std::uint32_t seat, std::uint8_t state) {
    const std::lock_guard lock(mutex_);
    log_.emplace_back(seat, state);
    set_seat_state(bitmap_, seat, state);
  }
  void rebuild() {
    const std::lock_guard lock(mutex_);
    ++turn_;
  }
  SeatNews look(const SeatPosition& from) {
    const std::lock_guard lock(mutex_);
    ++looks;
    SeatNews news;
    news.position = {std::to_string(log_.size()) + "-0", std::to_string(turn_), log_.size()};
    if (from.entry.empty() || from.turn != news.position.turn) {
      news.kind = SeatNews::Kind::map;
      news.bitmap = bitmap_;
      return news;
    }
    news.kind = SeatNews::Kind::changes;
    news.oldest_ms = static_cast<std::int64_t>(from.version) + 1;
    news.changes.assign(log_.begin() + static_cast<std::ptrdiff_t>(from.version), log_.end());
    return news;
  }
  std::string bitmap() {
    const std::lock_guard lock(mutex_);
    return bitmap_;
  }
  std::atomic<int> looks{0};
  std::atomic<bool> down{false};

 private:
  std::mutex mutex_;
  std::vector<Change> log_;
  std::string bitmap_ = std::string(seats / 4, '\0');
  int turn_ = 1;
};

// A reading takes some turns of the loop, so that others come while it is under way.
class Reader final : public SeatFeed {
 public:
  Reader(asio::io_context& io, Store& store) : io_(io), store_(store) {}
  Task<SeatNews> read(EventPtr, SeatPosition from) override {
    constexpr int turns = 5;
    for (int i = 0; i < turns; ++i) co_await asio::post(io_, use_task);
    if (store_.down) throw StoreUnavailable("redis", "down");
    co_return store_.look(from);
  }

 private:
  asio::io_context& io_;
  Store& store_;
};

// One thread's part.
struct Thread {
  Thread(asio::io_context& io, Store& store, SeatNewsBoard& board)
      : own(io, store), feed(io, own, board) {}
  Reader own;
  SharedSeatFeed feed;
  std::string bitmap;
  SeatPosition at;
  std::vector<Change> changes;
  int maps = 0, failures = 0;

  Task<void> look(EventPtr event, std::optional<TimePoint> due = std::nullopt) {
    try {
      SeatNews news =
          due ? co_await feed.read_as_of(event, at, *due) : co_await feed.read(event, at);
      if (news.kind == SeatNews::Kind::map) {
        bitmap = std::move(news.bitmap);
        ++maps;
      }
      for (const auto& [seat, state] : news.changes) set_seat_state(bitmap, seat, state);
      changes.insert(changes.end(), news.changes.begin(), news.changes.end());
      at = std::move(news.position);
    } catch (const StoreUnavailable&) {
      ++failures;
    }
  }
};

class SharedSeatFeedTest : public ::testing::Test {
 protected:
  void together(std::initializer_list<Thread*> threads) {
    for (Thread* thread : threads)
      asio::co_spawn(io, thread->look(event, due), [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      });
    io.restart();
    io.run();
  }
  // How often Redis was asked by it.
  int looks_of(std::initializer_list<Thread*> threads) {
    const int before = store.looks;
    together(threads);
    return store.looks - before;
  }

  asio::io_context io{1};
  std::optional<TimePoint> due;  // of all looks from now on
  Store store;
  SeatNewsBoard board;
  EventPtr event = event_of_test();
  Thread one{io, store, board}, two{io, store, board}, three{io, store, board};
};

TEST_F(SharedSeatFeedTest, WhoComesTogetherSharesOneReading) {
  store.change(3, 1);
  EXPECT_EQ(looks_of({&one, &two, &three}), 1);
  for (const Thread* thread : {&one, &two, &three}) EXPECT_EQ(thread->bitmap, store.bitmap());
  store.change(4, 1);
  store.change(3, 2);
  EXPECT_EQ(looks_of({&one, &two, &three}), 1);
  EXPECT_EQ(looks_of({&one, &two, &three}), 1);  // nothing new is one reading, too
  const std::vector<Change> both{{4, 1}, {3, 2}};
  for (const Thread* thread : {&one, &two, &three}) {
    EXPECT_EQ(thread->bitmap, store.bitmap());
    EXPECT_EQ(thread->changes, both);
  }
}

TEST_F(SharedSeatFeedTest, WhoComesLateToAMomentTakesWhatWasReadSince) {
  due = Clock::now();
  EXPECT_EQ(looks_of({&one}), 1);
  EXPECT_EQ(looks_of({&two}), 1) << "the map is asked for by whoever has none";
  EXPECT_EQ(looks_of({&three, &one}), 1);
  store.change(4, 1);
  due = Clock::now();
  EXPECT_EQ(looks_of({&one}), 1);
  EXPECT_EQ(looks_of({&two}), 0);
  EXPECT_EQ(looks_of({&one, &two, &three}), 0) << "there is no news since, for this moment";
  EXPECT_EQ(looks_of({&three}), 0);
  for (const Thread* thread : {&one, &two, &three}) EXPECT_EQ(thread->bitmap, store.bitmap());
  due = Clock::now();
  store.change(5, 1);
  EXPECT_EQ(looks_of({&one}), 1) << "another moment is another reading";
  EXPECT_EQ(looks_of({&two, &three}), 0);
  for (const Thread* thread : {&one, &two, &three}) EXPECT_EQ(thread->bitmap, store.bitmap());
}

TEST_F(SharedSeatFeedTest, WhoIsBehindGetsWhatTheOthersReadMeanwhile) {
  together({&one, &two});
  for (std::uint32_t seat = 0; seat < 10; ++seat) {
    store.change(seat, 1);
    together({&one});
  }
  EXPECT_EQ(looks_of({&two}), 0);
  EXPECT_EQ(two.changes, one.changes);
  EXPECT_EQ(two.bitmap, store.bitmap());
}

TEST_F(SharedSeatFeedTest, WhoJoinsStandsAtTheSameBorderAndHasTheNewest) {
  together({&one});
  store.change(9, 1);
  EXPECT_EQ(looks_of({&two}), 1);
  EXPECT_EQ(two.bitmap, store.bitmap());
  EXPECT_EQ(two.maps, 1);
  EXPECT_EQ(looks_of({&one}), 0);  // the newcomer read for it
  EXPECT_EQ(one.changes.size(), 1U);
  store.change(10, 1);
  EXPECT_EQ(looks_of({&one, &two}), 1);
}

TEST_F(SharedSeatFeedTest, AfterARebuildEverybodyGetsTheMap) {
  together({&one, &two});
  store.change(1, 2);
  store.rebuild();
  together({&one, &two});
  together({&one, &two});
  EXPECT_EQ(one.maps, 2);
  EXPECT_EQ(two.maps, 2);
  EXPECT_EQ(one.bitmap, store.bitmap());
  EXPECT_EQ(two.bitmap, store.bitmap());
}

TEST_F(SharedSeatFeedTest, AReadingThatFailsIsNobodyElsesFailureAndTheNextOneWorks) {
  together({&one, &two});
  store.change(5, 1);
  store.down = true;
  together({&one, &two});
  EXPECT_EQ(one.failures + two.failures, 2);
  store.down = false;
  EXPECT_EQ(looks_of({&one, &two}), 1);
  EXPECT_EQ(one.bitmap, store.bitmap());
  EXPECT_EQ(two.bitmap, store.bitmap());
}

TEST_F(SharedSeatFeedTest, APlaceThatIsNoBorderIsAskedOfRedis) {
  store.change(1, 1);
  together({&one});
  store.change(2, 1);
  store.change(3, 1);
  together({&one});
  two.at = {"2-0", "1", 2};  // a client's, between the two changes
  two.bitmap = std::string(seats / 4, '\0');
  EXPECT_EQ(looks_of({&two}), 1);
  EXPECT_EQ(two.changes, (std::vector<Change>{{3, 1}}));
  store.change(4, 1);
  EXPECT_EQ(looks_of({&one}), 1);
  EXPECT_EQ(one.changes.back(), Change(4, 1));
}

TEST(SharedSeatFeed, ThreadsThatFollowAtTheirOwnPaceEndWithTheSameMap) {
  Store store;
  SeatNewsBoard board;
  const EventPtr event = event_of_test();
  std::atomic<bool> over{false};
  struct Following {
    asio::io_context io{1};
    std::unique_ptr<Thread> part;
    std::thread thread;
  };
  std::vector<Following> followings(3);
  for (Following& following : followings) {
    following.part = std::make_unique<Thread>(following.io, store, board);
    const auto follow = [](Thread& part, EventPtr of, const std::atomic<bool>& end) -> Task<void> {
      while (!end) co_await part.look(of);
      co_await part.look(of);
      co_await part.look(of);  // what came while the one before was under way
    };
    asio::co_spawn(following.io, follow(*following.part, event, over),
                   [](const std::exception_ptr& failure) {
                     if (failure) std::rethrow_exception(failure);
                   });
    following.thread = std::thread([&following] { following.io.run(); });
  }
  constexpr std::uint32_t changes = 4000;
  for (std::uint32_t i = 0; i < changes; ++i) {
    store.change(i % seats, static_cast<std::uint8_t>(i % 3));
    if (i % 16 == 0) std::this_thread::yield();
  }
  over = true;
  for (Following& following : followings) following.thread.join();
  for (const Following& following : followings) {
    EXPECT_EQ(following.part->bitmap, store.bitmap());
    EXPECT_EQ(following.part->maps, 1);
  }
}

}  // namespace
}  // namespace boxoffice
