// The workers of orders and payments, put together.
#include <fmt/format.h>
#include <unistd.h>

#include "target/order_parts.hpp"
#include "target/service/payments.hpp"
#include "target/worker/book_effects.hpp"
#include "target/worker/order_sweeper.hpp"
#include "target/worker/outbox_relay.hpp"
#include "target/worker/settle_effect.hpp"
#include "target/worker/stream_consumer.hpp"

namespace boxoffice {

namespace {

constexpr Millis reconcile_period{5000}, reconcile_age{10000};
constexpr Millis connect_time{1000};
constexpr Millis gather_time{1000};      // of notices and figures
constexpr int reconcile_all_every = 12;  // turns: once a minute

// A consumer group's member of this process, with the connection that its reads block.
class Group {
 public:
  Group(ThreadContext& thread, WorkerPlace place, EventStreams& streams, OutboxStore& outbox,
        std::string name, Millis gather, StreamConsumer::Effect effect)
      : name_(std::move(name)),
        redis_(thread.io, thread.config.redis_host, thread.config.redis_port),
        reading_(make_event_streams(redis_)),
        consumer_(std::move(place), *reading_, streams, outbox, setting(thread.config, gather),
                  std::move(effect)) {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  Task<Millis> turn() {
    if (!redis_.connected()) co_await redis_.wait_connected(Clock::now() + connect_time);
    co_return co_await consumer_.turn();
  }
  Task<Millis> take_over() { return consumer_.take_over(); }
  Task<Millis> trim() { return consumer_.trim(); }

 private:
  StreamConsumer::Setting setting(const Config& config, Millis gather) const {
    StreamConsumer::Setting setting;
    setting.group = name_;
    setting.consumer = fmt::format("n{}-{}", config.node, getpid());
    setting.streams = {"order", "pay"};
    setting.gather = gather;
    return setting;
  }

  std::string name_;
  RedisClient redis_;
  std::unique_ptr<EventStreams> reading_;
  StreamConsumer consumer_;
};

class OrderWorkers : public std::enable_shared_from_this<OrderWorkers> {
 public:
  explicit OrderWorkers(ThreadContext& thread)
      : place_{thread.io, thread.metrics, thread.stop},
        leases_(thread.leases),
        signals_(thread.order_signals != nullptr ? *thread.order_signals : own_signals_),
        orders_(make_order_store(thread.mysql, thread.metrics)),
        payments_(make_payment_store(thread.mysql, thread.metrics, thread.switches)),
        outbox_(make_outbox_store(thread.mysql, thread.metrics, &thread.switches)),
        books_(make_event_books(thread.mysql, thread.metrics)),
        streams_(make_event_streams(thread.redis)),
        settler_(std::make_shared<SeatSettler>(thread.io, thread.seats, thread.queue,
                                               thread.catalogue, signals_, thread.metrics)),
        gateway_(make_payment_gateway(thread.io, thread.config, thread.switches, nullptr,
                                      thread.breakers)),
        relay_(place_, *outbox_, *streams_, signals_),
        sweeper_(place_, *orders_, *settler_, leases_, *gateway_),
        desk_({.io = thread.io,
               .store = *payments_,
               .settler = *settler_,
               .switches = thread.switches,
               .metrics = thread.metrics,
               .gateway = *gateway_,
               .ids = OrderIds(thread.config.node, thread.thread)}) {
    using Entries = std::vector<StreamEntry>;
    add_group(thread, "settle", Millis(0), [this](Entries entries) {
      return settle_events(*orders_, *settler_, std::move(entries));
    });
    add_group(thread, "saga", Millis(0),
              [this](Entries entries) { return advance_saga(sweeper_, std::move(entries)); });
    add_group(thread, "notify", gather_time,
              [this](Entries entries) { return notify_events(*books_, std::move(entries)); });
    add_group(thread, "stats", gather_time,
              [this](Entries entries) { return count_events(*books_, std::move(entries)); });
  }

  void spawn() {
    const auto loop = [this](const char* name, Task<Millis> (OrderWorkers::*job)()) {
      spawn_loop(place_, name, shared_from_this(), [this, job] { return (this->*job)(); });
    };
    loop("relay", &OrderWorkers::relay);
    for (const auto& group : groups_) {
      Group* const of = group.get();
      spawn_loop(place_, of->name(), shared_from_this(), [of] { return of->turn(); });
      spawn_loop(place_, "take_over_" + of->name(), shared_from_this(),
                 [of] { return of->take_over(); });
    }
    // It looks at what every group has acknowledged: one does it for all.
    loop("trim", &OrderWorkers::trim);
    loop("expire", &OrderWorkers::expire);
    loop("refund", &OrderWorkers::refund);
    loop("reconcile", &OrderWorkers::reconcile);
    loop("garbage", &OrderWorkers::garbage);
  }

 private:
  void add_group(ThreadContext& thread, std::string name, Millis gather,
                 StreamConsumer::Effect effect) {
    groups_.push_back(std::make_unique<Group>(thread, place_, *streams_, *outbox_, std::move(name),
                                              gather, std::move(effect)));
  }

  Task<Millis> relay() { return relay_.turn(); }
  Task<Millis> trim() { return groups_.front()->trim(); }
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
  std::unique_ptr<OrderStore> orders_;
  std::unique_ptr<PaymentStore> payments_;
  std::unique_ptr<OutboxStore> outbox_;
  std::unique_ptr<EventBooks> books_;
  std::unique_ptr<EventStreams> streams_;
  std::shared_ptr<SeatSettler> settler_;
  std::unique_ptr<PaymentGateway> gateway_;
  OutboxRelay relay_;
  OrderSweeper sweeper_;
  PaymentDesk desk_;
  std::vector<std::unique_ptr<Group>> groups_;
  int reconcile_turn_ = 0;
};

}  // namespace

std::shared_ptr<void> spawn_order_workers(ThreadContext& thread) {
  auto workers = std::make_shared<OrderWorkers>(thread);
  workers->spawn();
  return workers;
}

}  // namespace boxoffice
