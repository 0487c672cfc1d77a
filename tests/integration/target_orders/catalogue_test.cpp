// Schema, event store, seat ledger and the catalogue's cache.
#include <gtest/gtest.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "target/parts.hpp"
#include "target/service/wall_time.hpp"
#include "target/store/mysql_events.hpp"
#include "target/store/schema.hpp"
#include "tests/integration/target_orders/mysql_fixture.hpp"

namespace boxoffice {
namespace {

using namespace std::chrono_literals;

Task<void> nap(Millis time) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(
      co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_task);
}

class Schema : public MysqlFixture {};

TEST_F(Schema, IsSplitAtSemicolonsOutsideCommentsAndQuotes) {
  const auto statements = sql_statements("A 'x;y' B; -- no; 'split\nC;\n -- end;\n");
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0], "A 'x;y' B");
  EXPECT_EQ(statements[1], " \nC");
}

TEST_F(Schema, MayBeAppliedTwiceAndMakesItsDatabase) {
  mariadb().sql("DROP DATABASE `" + database() + "`");
  run(io, apply_schema(*pool));
  sql("INSERT INTO users (login, nickname, pw_hash) VALUES ('a', 'a', '!')");
  run(io, apply_schema(*pool));
  EXPECT_EQ(sql("SELECT COUNT(*) FROM users")[0][0], "1");
  const auto tables =
      sql("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()");
  EXPECT_EQ(tables[0][0], std::to_string(sql_statements(schema_text()).size()));
}

TEST_F(Schema, MayBeAppliedByTwoInstancesAtOnce) {
  MysqlPool other(io, config, 2);
  int done = 0;
  std::exception_ptr failure;
  for (MysqlPool* each : {pool.get(), &other}) {
    asio::co_spawn(io, apply_schema(*each), [&](std::exception_ptr error) {
      if (error) failure = error;
      ++done;
    });
  }
  io.run();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(failure, nullptr);
}

TEST_F(Schema, TheGuardOnLiveSeatsComesOffAndOn) {
  run(io, apply_schema(*pool));
  const std::string order =
      "INSERT INTO orders (id, user_id, event_id, epoch, status, amount, seat_qty, hold_id, fence, "
      "expires_at) VALUES ";
  sql(order +
      "(1, 1, 1, 1, 'CONFIRMED', 1, 1, UNHEX(REPEAT('01', 16)), 1, NOW(3)),"
      "(2, 2, 1, 1, 'CONFIRMED', 1, 1, UNHEX(REPEAT('02', 16)), 2, NOW(3))");
  const std::string seat =
      "INSERT INTO order_seats (order_id, event_id, epoch, seat_no, price) VALUES ";
  sql(seat + "(1, 1, 1, 7, 1)");
  EXPECT_THROW(sql(seat + "(2, 1, 1, 7, 1)"), std::runtime_error);
  run(io, apply_guards(*pool, false));
  run(io, apply_guards(*pool, false));
  sql(seat + "(2, 1, 1, 7, 1)");
  EXPECT_THROW(run(io, apply_guards(*pool, true)), StoreUnavailable);
  sql("DELETE FROM order_seats WHERE order_id = 2");
  run(io, apply_guards(*pool, true));
  EXPECT_THROW(sql(seat + "(2, 1, 1, 7, 1)"), std::runtime_error);
}

class EventStoreTest : public MysqlFixture {
 protected:
  void SetUp() override {
    MysqlFixture::SetUp();
    run(io, apply_schema(*pool));
    sql("INSERT INTO events (id, title, status, starts_at, sale_open_at, sale_close_at, "
        "seat_count, "
        "seat_rows, seat_columns, max_per_user, hold_ttl_ms, queue_on, queue, epoch) VALUES "
        "(5, 'Nacht', 'ON_SALE', '2045-01-01', '2026-01-02 03:04:05.678', '2044-06-01', 3, 1, 3, "
        "2, "
        "7000, 1, '{\"cap\":12,\"rate\":2.5,\"mode\":\"RANDOM\"}', 4), "
        "(6, 'Draft', 'DRAFT', '2045-01-01', '2026-01-02', '2044-06-01', 0, 0, 0, 2, 7000, 0, "
        "NULL, "
        "1)");
    sql("INSERT INTO seat_grades VALUES (5, 'A', 900), (5, 'B', 500)");
    sql("INSERT INTO seats (event_id, seat_no, row_label, col_no, grade, admin_lock) VALUES "
        "(5, 0, 'A', 1, 'A', 0), (5, 1, 'A', 2, 'B', 1), (5, 2, 'A', 3, 'B', 0)");
    store = make_event_store(*pool, metrics);
  }
  Metrics metrics;
  std::unique_ptr<EventStore> store;
};

TEST_F(EventStoreTest, GivesEveryFactOfAnEvent) {
  const EventPtr event = run(io, store->find(5));
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->title, "Nacht");
  EXPECT_EQ(event->epoch, 4U);
  EXPECT_EQ(event->sale_open_ms, *read_rfc3339("2026-01-02T03:04:05.678Z"));
  EXPECT_EQ(event->sale_close_ms, *read_rfc3339("2044-06-01T00:00:00Z"));  // past 2038
  EXPECT_EQ(event->hold_ttl_ms, 7000);
  EXPECT_EQ(event->columns, 3U);
  EXPECT_EQ(event->prices, (std::vector<std::uint32_t>{900, 500, 500}));
  EXPECT_TRUE(event->queue.on);
  EXPECT_EQ(event->queue.cap, 12U);
  EXPECT_EQ(event->queue.rate, 2.5);
  EXPECT_TRUE(event->queue.random);
  EXPECT_EQ(event->queue.lease_ms, QueueSettings{}.lease_ms);
  EXPECT_EQ(run(io, store->find(99)), nullptr);
}

TEST_F(EventStoreTest, AnUnchangedEventIsTheSameCopyAndAChangedOneIsNot) {
  const EventPtr first = run(io, store->find(5));
  EXPECT_EQ(run(io, store->find(5)), first);
  sql("UPDATE seat_grades SET price = 901 WHERE event_id = 5 AND grade = 'A'");
  const EventPtr dearer = run(io, store->find(5));
  EXPECT_EQ(dearer->prices[0], 901U);
  EXPECT_EQ(first->prices[0], 900U);
  sql("UPDATE events SET epoch = 5 WHERE id = 5");
  EXPECT_EQ(run(io, store->find(5))->epoch, 5U);
}

TEST_F(EventStoreTest, PagesLeaveOutDraftsAndFilter) {
  EXPECT_EQ(run(io, store->page("", "", 0, 10)).total, 1U);
  EXPECT_EQ(run(io, store->page("ON_SALE", "RESERVED", 0, 10)).items.size(), 1U);
  EXPECT_EQ(run(io, store->page("ENDED", "", 0, 10)).total, 0U);
  EXPECT_TRUE(run(io, store->page("", "", 1, 10)).items.empty());
}

TEST_F(EventStoreTest, QueueSettingsSurviveTheirColumn) {
  QueueSettings queue;
  queue.cap = 7;
  queue.rate = 0.5;
  queue.random = true;
  queue.wait_max = 99;
  queue.pass_ttl_ms = 4321;
  const QueueSettings read = queue_settings(true, queue_column(queue));
  EXPECT_TRUE(read.on);
  EXPECT_EQ(read.cap, 7U);
  EXPECT_EQ(read.rate, 0.5);
  EXPECT_TRUE(read.random);
  EXPECT_EQ(read.wait_max, 99U);
  EXPECT_EQ(read.pass_ttl_ms, 4321);
  EXPECT_EQ(queue_settings(false, "nonsense").cap, QueueSettings{}.cap);
}

TEST_F(EventStoreTest, TheLedgerTellsPendingSoldAndLockedSeats) {
  sql("INSERT INTO orders (id, user_id, event_id, epoch, status, amount, seat_qty, hold_id, fence, "
      "expires_at) VALUES "
      "(11, 1, 5, 4, 'CONFIRMED', 1, 1, UNHEX(REPEAT('01', 16)), 40, '2030-01-01'), "
      "(12, 2, 5, 4, 'PAYMENT_PENDING', 1, 1, UNHEX(REPEAT('02', 16)), 41, '2030-01-01'), "
      "(13, 3, 5, 4, 'CANCELLED', 1, 1, UNHEX(REPEAT('03', 16)), 42, '2030-01-01'), "
      "(14, 4, 5, 3, 'CONFIRMED', 1, 1, UNHEX(REPEAT('04', 16)), 99, '2030-01-01')");
  sql("INSERT INTO order_seats VALUES (11, 5, 4, 0, 1, 1), (12, 5, 4, 2, 1, 1), "
      "(13, 5, 4, 1, 1, NULL), (14, 5, 3, 1, 1, 1)");
  sql("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) VALUES (5, 4, 0, 11, 1)");
  const auto ledger = make_seat_ledger(*pool, metrics);
  const SeatTruth truth = run(io, ledger->truth(5, 4));
  ASSERT_EQ(truth.live.size(), 2U);
  EXPECT_EQ(truth.live[0].seat, 0U);
  EXPECT_TRUE(truth.live[0].sold);
  EXPECT_EQ(truth.live[0].order, 11U);
  EXPECT_EQ(truth.live[1].seat, 2U);
  EXPECT_FALSE(truth.live[1].sold);
  EXPECT_EQ(truth.live[1].user, 2U);
  EXPECT_EQ(truth.live[1].fence, 41U);
  EXPECT_EQ(truth.live[1].expires_ms, *read_rfc3339("2030-01-01T00:00:00Z"));
  EXPECT_EQ(truth.locked, std::vector<std::uint32_t>{1});
  EXPECT_EQ(truth.fence_max, 42U);
}

// A store that counts, waits and fails as it is told.
class ToldStore final : public EventStore {
 public:
  Task<EventPtr> find(std::uint64_t event) override {
    ++finds;
    co_await nap(delay);
    if (down) throw StoreUnavailable("mysql", "told so");
    EventInfo info;
    info.id = event;
    info.epoch = epoch;
    EventPtr made = event == 404 ? nullptr : std::make_shared<const EventInfo>(info);
    co_return made;
  }
  Task<EventPage> page(std::string, std::string, std::uint32_t, std::uint32_t) override {
    co_return EventPage{};
  }
  Task<std::vector<SeatRow>> seats(std::uint64_t) override {
    ++layouts;
    co_return std::vector<SeatRow>(3);
  }
  int finds = 0, layouts = 0;
  Millis delay{1};
  bool down = false;
  std::uint32_t epoch = 1;
};

class CatalogueTest : public ::testing::Test {
 protected:
  Decision<EventPtr> event(std::uint64_t id) { return run(io, catalogue.event(id)); }
  asio::io_context io{1};
  ToldStore store;
  Catalogue catalogue{store};
};

TEST_F(CatalogueTest, AFreshCopyIsNotAskedForAgain) {
  EXPECT_EQ((*event(1))->id, 1U);
  EXPECT_EQ((*event(1))->id, 1U);
  EXPECT_EQ(store.finds, 1);
  run(io, nap(510ms));
  EXPECT_EQ((*event(1))->id, 1U);
  EXPECT_EQ(store.finds, 2);
}

TEST_F(CatalogueTest, WhatIsNotThereIsRemembered) {
  EXPECT_EQ(event(404).error().refusal, Refusal::not_found);
  EXPECT_EQ(event(404).error().refusal, Refusal::not_found);
  EXPECT_EQ(store.finds, 1);
}

TEST_F(CatalogueTest, MissesAtTheSameTimeAskOnce) {
  store.delay = 20ms;
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io, catalogue.event(1), [&](std::exception_ptr, Decision<EventPtr> found) {
      answered += found && (*found)->id == 1 ? 1 : 0;
    });
  }
  io.run();
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(store.finds, 1);
}

TEST_F(CatalogueTest, AForgottenEventIsAskedForAtOnce) {
  (void)event(1);
  store.epoch = 2;
  EXPECT_EQ((*event(1))->epoch, 1U);
  catalogue.forget(1);
  EXPECT_EQ((*event(1))->epoch, 2U);
}

TEST_F(CatalogueTest, AnAnswerOlderThanTheForgettingDoesNotCount) {
  store.delay = 20ms;
  asio::co_spawn(io, catalogue.event(1), [&](std::exception_ptr, Decision<EventPtr>) {});
  io.run_for(5ms);
  catalogue.forget(1);
  io.restart();
  io.run();
  (void)event(1);
  EXPECT_EQ(store.finds, 2);
}

TEST_F(CatalogueTest, AnOldCopyServesWhileTheStoreIsDown) {
  (void)event(1);
  store.down = true;
  run(io, nap(510ms));
  EXPECT_EQ((*event(1))->id, 1U);
  EXPECT_EQ((*event(1))->id, 1U);
  EXPECT_EQ(store.finds, 2);  // the second did not wait for a store that had just failed
  EXPECT_THROW((void)event(2), StoreUnavailable);
}

TEST_F(CatalogueTest, ACancelledReaderDoesNotLeaveTheOthersWaiting) {
  store.delay = 50ms;
  asio::cancellation_signal cancel;
  asio::co_spawn(io, catalogue.event(1),
                 asio::bind_cancellation_slot(
                     cancel.slot(), [](std::exception_ptr, const Decision<EventPtr>&) {}));
  io.run_for(5ms);
  bool answered = false;
  asio::co_spawn(io, catalogue.event(1), [&](std::exception_ptr, Decision<EventPtr> found) {
    answered = found.has_value();
  });
  io.restart();
  io.run_for(5ms);
  cancel.emit(asio::cancellation_type::terminal);
  io.restart();
  io.run();
  EXPECT_TRUE(answered);
}

TEST_F(CatalogueTest, ALayoutIsReadOnce) {
  const auto found = event(1);
  EXPECT_EQ(run(io, catalogue.seats(*found))->size(), 3U);
  EXPECT_EQ(run(io, catalogue.seats(*found))->size(), 3U);
  EXPECT_EQ(store.layouts, 1);
}

TEST(WallTime, ReadsRfc3339AndNothingElse) {
  EXPECT_EQ(read_rfc3339("1970-01-01T00:00:01Z"), 1000);
  EXPECT_EQ(read_rfc3339("1970-01-01T09:00:01.5+09:00"), 1500);
  EXPECT_EQ(read_rfc3339("2026-11-21T07:08:09.123456Z"), 1795244889123);
  for (const char* wrong : {"", "2026", "2026-11-21", "2026-11-21T07:08:09", "2026-13-21T07:08:09Z",
                            "2026-11-21T25:08:09Z", "2026-11-21T07:08:09.Z", "2026-02-30T00:00:00Z",
                            "2026-11-21T07:08:09Zx", "2026-11-21T07:08:09+9:00"})
    EXPECT_FALSE(read_rfc3339(wrong)) << wrong;
}

}  // namespace
}  // namespace boxoffice
