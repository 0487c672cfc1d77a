// How boxoffice is put together: what one thread has, and the functions by which each part adds
// itself. app.cpp calls them; nobody else.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "target/config.hpp"
#include "target/http/api.hpp"
#include "target/metrics.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/circuit_breaker.hpp"
#include "target/service/queue_places.hpp"
#include "target/service/rate_limits.hpp"
#include "target/service/seat_holds.hpp"
#include "target/store/mysql.hpp"
#include "target/store/redis_client.hpp"
#include "target/switches.hpp"

namespace boxoffice {

class OrderSignals;
class PasswordPool;
class SeatFeed;

// One per thread (I/O threads and the worker thread); its members are used only there, but for
// config, metrics and switches.
struct ThreadContext {
  asio::io_context& io;
  const Config& config;
  Metrics& metrics;
  Switches& switches;
  RedisClient& redis;
  MysqlPool& mysql;
  EventStore& events;
  Catalogue& catalogue;
  SeatHolds& seats;
  HoldDirectory& hold_directory;
  SeatLedger& seat_ledger;
  Leases& leases;
  QueuePlaces& queue;
  std::uint32_t thread = 0;
  std::stop_token stop;  // requested when the drain begins
  // Of the process (service/order_signals.hpp); null: orders' signals stay on this thread.
  OrderSignals* order_signals = nullptr;
  Breakers* breakers = nullptr;  // of the process
  // Of the process (service/password_pool.hpp); null: the routes of accounts make one of their own.
  PasswordPool* passwords = nullptr;
  // Of the process: it has looked at what the other instances were told, and follows from here on
  // (http/shared_switches.hpp). Null: it follows nobody.
  std::atomic<bool>* following = nullptr;
  // Tells this thread's live maps of an event what has changed, now; set with the routes of events.
  std::function<Task<void>(std::uint64_t event)> tell_seats{};
};

// store/ (MySQL side)
std::unique_ptr<EventStore> make_event_store(MysqlPool& mysql, Metrics& metrics);
std::unique_ptr<SeatLedger> make_seat_ledger(MysqlPool& mysql, Metrics& metrics);
// store/ (Redis side)
std::unique_ptr<SeatHolds> make_seat_holds(RedisClient& redis, const Switches& switches,
                                           Metrics& metrics);
std::unique_ptr<SeatFeed> make_seat_feed(RedisClient& redis, Metrics& metrics);
std::unique_ptr<HoldDirectory> make_hold_directory(RedisClient& redis);
std::unique_ptr<RateBuckets> make_rate_buckets(RedisClient& redis);
std::unique_ptr<Leases> make_leases(RedisClient& redis);
std::unique_ptr<QueuePlaces> make_queue_places(RedisClient& redis, Metrics& metrics);
// For lab mode: the same with the defects that are switched on.
std::unique_ptr<QueuePlaces> plant_queue_defects(std::unique_ptr<QueuePlaces> queue,
                                                 RedisClient& redis, const Switches& switches);

// http/: each adds its rows. The returned object owns what the handlers refer to and must outlive
// the table.
[[nodiscard]] std::shared_ptr<void> add_event_routes(ThreadContext& thread,
                                                     RouteTable& table);  // §2.3.2, /api/time
[[nodiscard]] std::shared_ptr<void> add_account_routes(ThreadContext& thread,
                                                       RouteTable& table);  // §2.3.1
[[nodiscard]] std::shared_ptr<void> add_venue_routes(ThreadContext& thread,
                                                     RouteTable& table);  // venues, prices, locks
[[nodiscard]] std::shared_ptr<void> add_queue_routes(
    ThreadContext& thread, RouteTable& table);  // §2.3.3, WebSocket §2.8.3
[[nodiscard]] std::shared_ptr<void> add_reservation_routes(ThreadContext& thread,
                                                           RouteTable& table);  // §2.3.4
[[nodiscard]] std::shared_ptr<void> add_order_routes(ThreadContext& thread,
                                                     RouteTable& table);  // §2.3.5
[[nodiscard]] std::shared_ptr<void> add_payment_routes(ThreadContext& thread,
                                                       RouteTable& table);  // §2.3.6
[[nodiscard]] std::shared_ptr<void> add_admin_routes(ThreadContext& thread,
                                                     RouteTable& table);  // §2.3.8

// worker/: spawn their loops on the thread's io_context; they end soon after thread.stop. The
// returned object owns what they refer to.
[[nodiscard]] std::shared_ptr<void> spawn_seat_workers(
    ThreadContext& thread);  // admission, hold sweeper, rebuild, reconciler
[[nodiscard]] std::shared_ptr<void> spawn_order_workers(
    ThreadContext& thread);  // outbox relay, consumers, order expiry, payment reconcile, provider

}  // namespace boxoffice
