// How an outcome of the provider is applied, with a store that answers what the case says: who
// comes second, who comes too late, and what stays locked.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <deque>

#include "target/domain/unavailable.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/payments.hpp"
#include "target/service/simulated_provider.hpp"

namespace boxoffice {
namespace {

class ScriptedPayments final : public PaymentStore {
 public:
  Task<PaymentStart> start(IdempotencyKey, std::uint64_t) override { co_return started; }
  Task<Opened> open(PaymentOpening opening, std::optional<KeyedResponse>) override {
    calls.push_back("open " + opening.key);
    co_return opened;
  }
  Task<std::optional<OpenPayment>> find(std::string) override { co_return known; }
  Task<Applied> confirm(OpenPayment, PaymentTail) override { co_return next("confirm"); }
  Task<Applied> abort(OpenPayment, std::string code, PaymentTail) override {
    co_return next("abort " + code);
  }
  Task<Applied> owe_refund(OpenPayment, std::string reason, PaymentTail tail) override {
    co_return next("owe_refund " + reason + (tail.webhook ? " with webhook" : ""));
  }
  Task<bool> void_payment(std::uint64_t, std::string code) override {
    calls.push_back("void " + code);
    co_return true;
  }
  Task<bool> store_webhook(WebhookEntry, std::string result) override {
    calls.push_back("store " + result);
    co_return true;
  }
  Task<std::vector<OpenPayment>> unanswered(Millis, bool) override {
    std::vector<OpenPayment> all;
    if (known) all.push_back(*known);
    co_return all;
  }

  Applied next(std::string call) {
    calls.push_back(std::move(call));
    if (answers.empty()) return Applied::done;
    const Applied answer = answers.front();
    answers.pop_front();
    return answer;
  }

  PaymentStart started;
  Opened opened = Opened::done;
  std::optional<OpenPayment> known;
  std::deque<Applied> answers;
  std::vector<std::string> calls;
};

class NoSeats final : public SeatHolds {
 public:
  Task<Decision<Hold>> take(EventPtr, Hold hold, std::int64_t, bool) override { co_return hold; }
  Task<Decision<Hold>> find(EventPtr, std::string, std::uint64_t) override { co_return Hold{}; }
  Task<Decision<std::int64_t>> extend(EventPtr, std::string, std::uint64_t, std::int64_t) override {
    co_return std::int64_t{0};
  }
  Task<Decision<std::uint32_t>> release(EventPtr, std::string, std::uint64_t) override {
    co_return std::uint32_t{0};
  }
  Task<Decision<Hold>> pend(EventPtr, std::string, std::uint64_t, std::uint64_t) override {
    co_return Hold{};
  }
  Task<void> unpend(EventPtr, const Hold&, std::uint64_t) override { co_return; }
  Task<void> settle(std::uint64_t, std::uint32_t, std::uint64_t, std::uint64_t, bool sold,
                    std::vector<std::uint32_t>) override {
    settled.push_back(sold);
    if (down) throw StoreUnavailable("redis", "down");
    co_return;
  }
  Task<Decision<SeatStates>> states(EventPtr) override { co_return SeatStates{}; }
  Task<std::uint32_t> sweep(std::uint64_t, std::uint32_t) override { co_return 0; }

  std::vector<bool> settled;
  bool down = false;
};

class NoQueue final : public QueuePlaces {
 public:
  Task<Decision<Place>> enter(EventPtr, std::uint64_t, double) override { co_return Place{}; }
  Task<Place> look(EventPtr, std::uint64_t, bool) override { co_return Place{}; }
  Task<bool> leave(std::uint64_t, std::uint32_t, std::uint64_t user, bool completed) override {
    if (completed) left.push_back(user);
    co_return true;
  }
  Task<Admission> admit(EventPtr) override { co_return Admission{}; }
  std::vector<std::uint64_t> left;
};

class OneEvent final : public EventStore {
 public:
  Task<EventPtr> find(std::uint64_t id) override {
    EventInfo event;
    event.id = id;
    event.queue.on = true;
    co_return std::make_shared<const EventInfo>(event);
  }
  Task<EventPage> page(std::string, std::string, std::uint32_t, std::uint32_t) override {
    co_return EventPage{};
  }
  Task<std::vector<SeatRow>> seats(std::uint64_t) override { co_return std::vector<SeatRow>{}; }
};

class Saga : public ::testing::Test {
 protected:
  void SetUp() override {
    PaymentConfig payment;
    payment.approve = 1;
    payment.delay = "fixed";
    payment.delay_a_ms = 0;
    switches.set_payment(payment);
    OpenPayment open;
    open.payment.key = "k";
    open.payment.status = "IN_PROGRESS";
    open.payment.amount = 1000;
    open.order.id = 5;
    open.order.user = 1;
    open.order.event = 7;
    open.order.epoch = 1;
    open.order.amount = 1000;
    open.order.seats = {3};
    store.known = open;
    store.started.view.emplace();
    store.started.view->order = open.order;
    store.started.view->order.expires_ms = 60000;
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    std::exception_ptr failure;
    asio::co_spawn(io, std::move(task), [&](std::exception_ptr error, T result) {
      failure = error;
      value = std::move(result);
    });
    io.restart();
    io.run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
  std::string webhook(const std::string& status) {
    const std::string body =
        R"({"eventType":"PAYMENT_STATUS_CHANGED","data":{"paymentKey":"k","orderId":"5",)"
        R"("status":")" +
        status + R"(","totalAmount":1000,"failure":{"code":"BAD"}}})";
    return run(desk.webhook("w1", body)).value();
  }
  Decision<Answer> authorise() {
    AuthoriseRequest request;
    request.user = 1;
    request.order = 5;
    request.method = "CARD";
    return run(desk.authorise(request));
  }
  using Calls = std::vector<std::string>;
  // How often a step ended so.
  double told(const std::string& step, const std::string& result) const {
    const std::string text = metrics.exposition();
    const std::string line = "saga_total{result=\"" + result + "\",step=\"" + step + "\"} ";
    const auto at = text.find(line);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + line.size()));
  }

  asio::io_context io{1};
  Metrics metrics;
  Switches switches;
  ScriptedPayments store;
  NoSeats seats;
  NoQueue queue;
  OneEvent events;
  Catalogue catalogue{events};
  OrderSignals signals;
  std::shared_ptr<SeatSettler> settler =
      std::make_shared<SeatSettler>(io, seats, queue, catalogue, signals, metrics);
  SimulatedProvider gateway{io, switches, nullptr};
  PaymentDesk desk{{.io = io,
                    .store = store,
                    .settler = *settler,
                    .switches = switches,
                    .metrics = metrics,
                    .gateway = gateway,
                    .ids = OrderIds(0, 0)}};
};

TEST_F(Saga, ApprovalSettlesAndLeavesTheQueue) {
  EXPECT_EQ(webhook("DONE"), "APPLIED");
  EXPECT_EQ(store.calls, Calls{"confirm"});
  EXPECT_EQ(seats.settled, std::vector<bool>{true});
  EXPECT_EQ(queue.left, std::vector<std::uint64_t>{1});
  for (const char* step : {"pay", "confirm", "settle"}) EXPECT_EQ(told(step, "DONE"), 1) << step;
}

TEST_F(Saga, DeclineCompensates) {
  EXPECT_EQ(webhook("ABORTED"), "APPLIED");
  EXPECT_EQ(store.calls, Calls{"abort BAD"});
  EXPECT_EQ(seats.settled, std::vector<bool>{false});
  EXPECT_TRUE(queue.left.empty());
  EXPECT_EQ(told("pay", "COMPENSATED"), 1);
  EXPECT_EQ(told("pay", "DONE") + told("confirm", "DONE"), 0);
}

TEST_F(Saga, LateApprovalIsOwedBack) {
  store.answers = {Applied::not_pending};
  EXPECT_EQ(webhook("DONE"), "REFUND_OWED");
  EXPECT_EQ(store.calls, (Calls{"confirm", "owe_refund LATE_APPROVAL with webhook"}));
  EXPECT_EQ(seats.settled, std::vector<bool>{false});
}

TEST_F(Saga, SeatConflictIsOwedBack) {
  store.answers = {Applied::seat_conflict, Applied::busy, Applied::done};
  EXPECT_EQ(webhook("DONE"), "REFUND_OWED");
  EXPECT_EQ(store.calls.size(), 3U) << "a busy row is tried again";
  EXPECT_EQ(told("pay", "DONE"), 1);
  EXPECT_EQ(told("confirm", "REFUND_OWED"), 1);
  EXPECT_EQ(told("confirm", "DONE"), 0);
}

TEST_F(Saga, WhoComesSecondFindsTheWorkDone) {
  store.answers = {Applied::settled};
  EXPECT_EQ(webhook("DONE"), "IGNORED");
  EXPECT_EQ(store.calls, (Calls{"confirm", "store IGNORED"}));
  EXPECT_TRUE(seats.settled.empty());
  EXPECT_EQ(told("confirm", "DONE") + told("confirm", "FAILED"), 0) << "that was the first one's";
}

TEST_F(Saga, RowsThatStayLockedAreTheStoresFailure) {
  store.answers.assign(10, Applied::busy);
  EXPECT_THROW(webhook("DONE"), StoreUnavailable);
  store.answers.assign(10, Applied::busy);
  EXPECT_THROW(webhook("ABORTED"), StoreUnavailable);
  EXPECT_EQ(told("confirm", "FAILED"), 1);
}

TEST_F(Saga, SettlingMayFailWithoutHarm) {
  seats.down = true;
  const auto answer = authorise();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(told("settle", "DEFERRED"), 1);
}

TEST_F(Saga, RefusalsOfTheStoreAreToldApart) {
  const std::pair<Opened, Refusal> rows[] = {
      {Opened::not_payable, Refusal::order_expired},
      {Opened::live_exists, Refusal::in_progress},
      {Opened::payment_key_taken, Refusal::validation_failed},
      {Opened::busy, Refusal::in_progress}};
  for (const auto& [opened, refusal] : rows) {
    store.opened = opened;
    const auto answer = authorise();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().refusal, refusal);
  }
}

TEST_F(Saga, ReconcilerWaitsForTheDecision) {
  store.known->payment.delay_ms = 1000;
  store.known->payment.age_ms = 999;
  EXPECT_EQ(run(desk.reconcile(Millis(0), false)), 0U);
  store.known->payment.age_ms = 1000;
  EXPECT_EQ(run(desk.reconcile(Millis(0), false)), 1U);
  EXPECT_EQ(store.calls, Calls{"confirm"});
}

}  // namespace
}  // namespace boxoffice
