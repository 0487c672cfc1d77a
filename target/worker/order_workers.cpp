// The workers of orders and payments, put together.
#include <fmt/format.h>
#include <unistd.h>

#include "target/order_parts.hpp"
#include "target/service/payments.hpp"
#include "target/worker/order_sweeper.hpp"
#include "target/worker/outbox_relay.hpp"
#include "target/worker/settle_effect.hpp"
#include "target/worker/stream_consumer.hpp"

namespace boxoffice {

namespace {

constexpr Millis reconcile_period{5000}, reconcile_age{10000};
constexpr Millis connect_time{1000};
constexpr int reconcile_all_every = 12;  // turns: once a minute

class OrderWorkers : public std::enable_shared_from_this<OrderWorkers> {
 public:
  explicit OrderWorkers(ThreadContext& thread)
      : place_{thread.io, thread.metrics, thread.stop},
        leases_(thread.leases),
        signals_(thread.order_signals != nullptr ? *thread.order_signals : own_signals_),
        reading_redis_(thread.io, thread.config.redis_host, thread.config.redis_port),
        orders_(make_order_store(thread.mysql, thread.metrics)),
        payments_(make_payment_store(thread.mysql, thread.metrics, thread.switches)),
        outbox_(make_outbox_store(thread.mysql, thread.metrics)),
        streams_(make_event_streams(thread.redis)),
        reading_streams_(make_event_streams(reading_redis_)),
        settler_(std::make_shared<SeatSettler>(thread.io, thread.seats, thread.queue,
                                               thread.catalogue, signals_, thread.metrics)),
        relay_(place_, *outbox_, *streams_, signals_),
        settle_(place_, *reading_streams_, *streams_, *outbox_, settle_setting(thread.config),
                [this](std::vector<StreamEntry> entries) {
                  return settle_events(*orders_, *settler_, std::move(entries));
                }),
        sweeper_(place_, *orders_, *settler_, leases_),
        desk_({.io = thread.io,
               .store = *payments_,
               .settler = *settler_,
               .switches = thread.switches,
               .metrics = thread.metrics,
               .ids = OrderIds(thread.config.node, thread.thread)}) {}

  void spawn() {
    const auto loop = [this](const char* name, Task<Millis> (OrderWorkers::*job)()) {
      spawn_loop(place_, name, shared_from_this(), [this, job] { return (this->*job)(); });
    };
    loop("relay", &OrderWorkers::relay);
    loop("settle", &OrderWorkers::settle);
    loop("take_over", &OrderWorkers::take_over);
    loop("trim", &OrderWorkers::trim);
    loop("expire", &OrderWorkers::expire);
    loop("refund", &OrderWorkers::refund);
    loop("reconcile", &OrderWorkers::reconcile);
    loop("garbage", &OrderWorkers::garbage);
  }

 private:
  static StreamConsumer::Setting settle_setting(const Config& config) {
    StreamConsumer::Setting setting;
    setting.group = "settle";
    setting.consumer = fmt::format("n{}-{}", config.node, getpid());
    setting.streams = {"order", "pay"};
    return setting;
  }

  Task<Millis> relay() { return relay_.turn(); }
  Task<Millis> settle() {
    if (!reading_redis_.connected()) {
      co_await reading_redis_.wait_connected(Clock::now() + connect_time);
    }
    co_return co_await settle_.turn();
  }
  Task<Millis> take_over() { return settle_.take_over(); }
  Task<Millis> trim() { return settle_.trim(); }
  Task<Millis> expire() { return sweeper_.expire(); }
  Task<Millis> refund() { return sweeper_.refund(); }
  Task<Millis> garbage() { return sweeper_.collect_garbage(); }

  // Several instances may ask about the same payment: the conditional updates let one win.
  Task<Millis> reconcile() {
    const bool all = reconcile_turn_++ % reconcile_all_every == reconcile_all_every - 1;
    static_cast<void>(co_await desk_.reconcile(reconcile_age, all));
    co_return reconcile_period;
  }

  WorkerPlace place_;
  Leases& leases_;
  OrderSignals own_signals_;
  OrderSignals& signals_;
  RedisClient reading_redis_;
  std::unique_ptr<OrderStore> orders_;
  std::unique_ptr<PaymentStore> payments_;
  std::unique_ptr<OutboxStore> outbox_;
  std::unique_ptr<EventStreams> streams_, reading_streams_;
  std::shared_ptr<SeatSettler> settler_;
  OutboxRelay relay_;
  StreamConsumer settle_;
  OrderSweeper sweeper_;
  PaymentDesk desk_;
  int reconcile_turn_ = 0;
};

}  // namespace

std::shared_ptr<void> spawn_order_workers(ThreadContext& thread) {
  auto workers = std::make_shared<OrderWorkers>(thread);
  workers->spawn();
  return workers;
}

}  // namespace boxoffice
