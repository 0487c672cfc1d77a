#include "target/service/payments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "target/domain/unavailable.hpp"
#include "target/faults.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/orders.hpp"
#include "target/service/payment_provider.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr int apply_tries_max = 3;
// A charge that the provider does not know may still be on its way to it.
constexpr std::int64_t void_after_ms = 30'000;
constexpr std::size_t fail_code_bytes_max = 48;

class InFlight {
 public:
  explicit InFlight(std::uint32_t& count) : count_(count) { ++count_; }
  ~InFlight() { --count_; }
  InFlight(InFlight&&) = delete;

 private:
  std::uint32_t& count_;
};

// Why this order cannot be paid; nullopt: it can.
std::optional<No> unpayable(const OrderView& view, std::int64_t now_ms) {
  switch (view.order.status) {
    case OrderStatus::confirmed:
      return refused(Refusal::already_paid);
    case OrderStatus::payment_pending:
      break;
    default:
      return refused(Refusal::order_expired, std::string(name_of(view.order.status)));
  }
  if (view.payment) {
    if (view.payment->status == "DONE") return refused(Refusal::already_paid);
    return refused(Refusal::in_progress, "", 1000);
  }
  if (view.order.expires_ms <= now_ms) return refused(Refusal::order_expired);
  return {};
}

std::string payment_answer(const PaymentOpening& opening, const ChargeReport& report) {
  const bool done = report.state == ChargeReport::State::done;
  return fmt::format(
      R"({{"paymentKey":"{}","orderId":"{}","status":"{}","failCode":{},"delayMs":{}}})",
      opening.key, opening.order, done ? "DONE" : "ABORTED",
      done ? "null" : '"' + report.fail_code + '"', report.delay_ms);
}

// What a webhook says.
struct Told {
  std::string event_type, payment_key, order, status, fail_code;
  std::uint64_t amount = 0;
};

std::optional<Told> told_by(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return {};
  try {
    const auto& data = json.at("data");
    Told notice;
    notice.event_type = json.at("eventType").get<std::string>();
    notice.payment_key = data.at("paymentKey").get<std::string>();
    notice.order = data.at("orderId").get<std::string>();
    notice.status = data.at("status").get<std::string>();
    // Only a natural number is an amount: the library would turn any other into one.
    if (!data.at("totalAmount").is_number_unsigned()) return {};
    notice.amount = data.at("totalAmount").get<std::uint64_t>();
    if (data.contains("failure") && data["failure"].is_object()) {
      notice.fail_code = data["failure"].value("code", "");
    }
    const bool fits = notice.event_type.size() <= 48 && notice.payment_key.size() <= 64 &&
                      notice.status.size() <= 24 && decimal(notice.order) &&
                      notice.fail_code.size() <= fail_code_bytes_max;
    return fits ? std::optional(notice) : std::nullopt;
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

}  // namespace

PaymentDesk::PaymentDesk(Needs needs) : needs_(std::move(needs)) {}

Task<Decision<Answer>> PaymentDesk::authorise(AuthoriseRequest request) {
  auto decision = co_await authorise_once(std::move(request));
  if (!decision) {
    needs_.metrics.count("payment", "result", row_of(decision.error().refusal).code);
  } else if (decision->replayed) {
    needs_.metrics.count("payment", "result", "REPLAYED");
  }
  co_return decision;
}

Task<Decision<Answer>> PaymentDesk::authorise_once(AuthoriseRequest request) {
  PaymentStart start = co_await needs_.store.start(request.key, request.order);
  if (auto replay = replay_of(start.record, request.key)) co_return std::move(*replay);
  if (!start.view) co_return refused(Refusal::not_found);
  const OrderFacts& order = start.view->order;
  if (order.user != request.user) co_return refused(Refusal::forbidden);
  if (request.amount && *request.amount != order.amount) {
    co_return refused(Refusal::amount_mismatch);
  }
  if (auto no = unpayable(*start.view, start.record.now_ms)) co_return std::move(*no);
  if (in_flight_ >= needs_.switches.payment()->inflight_max) {
    co_return refused(Refusal::overloaded, "", 1000);
  }
  // From here to the answer: the left time is told relative to the database's clock.
  start.view->order.expires_ms -= start.record.now_ms;
  co_return co_await start_payment(std::move(request), std::move(*start.view));
}

std::string PaymentDesk::new_payment_key(std::uint64_t id, const std::string& test_code) const {
  std::string key = fmt::format("pay_{:016x}", id);
  return test_code.empty() ? key : test_payment_key(key, test_code);
}

Task<Decision<Answer>> PaymentDesk::start_payment(AuthoriseRequest request, OrderView view) {
  const InFlight in_flight(in_flight_);
  const auto config = needs_.switches.payment();
  PaymentOpening opening;
  opening.id = needs_.ids.next(wall_clock());
  opening.order = request.order;
  opening.user = request.user;
  opening.method = request.method;
  opening.key = request.payment_key.empty() ? new_payment_key(opening.id, request.test_code)
                                            : request.payment_key;
  Charge charge{.payment_key = opening.key,
                .method = opening.method,
                .order = opening.order,
                .amount = view.order.amount,
                .order_left_ms = view.order.expires_ms,
                .trace_id = request.trace_id};
  opening.delay_ms = needs_.gateway.expected_delay_ms(charge);
  if (config->webhook) {
    co_return co_await answer_by_webhook(std::move(request), std::move(opening), std::move(charge));
  }
  co_return co_await answer_at_once(std::move(request), std::move(view), std::move(opening),
                                    std::move(charge));
}

namespace {

std::optional<No> not_opened(Opened opened) {
  switch (opened) {
    case Opened::done:
      return {};
    case Opened::not_payable:
      return refused(Refusal::order_expired);
    case Opened::payment_key_taken:
      return refused(Refusal::validation_failed, "the paymentKey was used before");
    case Opened::live_exists:
    case Opened::busy:
      break;
  }
  return refused(Refusal::in_progress, "", 1000);
}

}  // namespace

Task<Decision<Answer>> PaymentDesk::answer_by_webhook(AuthoriseRequest request,
                                                      PaymentOpening opening, Charge charge) {
  const Answer accepted{
      202,
      fmt::format(R"({{"paymentKey":"{}","orderId":"{}","status":"IN_PROGRESS"}})", opening.key,
                  opening.order),
      false};
  std::optional<KeyedResponse> keyed;
  if (!request.key.key.empty()) {
    keyed = KeyedResponse{request.key, {accepted.status, accepted.body}};
  }
  const Opened opened = co_await needs_.store.open(std::move(opening), std::move(keyed));
  if (auto no = not_opened(opened)) co_return std::move(*no);
  // Accepted all the same: the reconciler finds out what the provider knows of it.
  const bool told = co_await needs_.gateway.charge_by_webhook(std::move(charge));
  if (!told) {
    needs_.metrics.count("payment", "result", "PG_UNREACHABLE");
    needs_.metrics.saga("pay", "UNKNOWN");
  }
  needs_.metrics.count("payment", "result", "IN_PROGRESS_ACCEPTED");
  co_return accepted;
}

// Outside of any transaction, and as many at once as there are customers: but for two defects.
Task<ChargeReport> PaymentDesk::charge(Charge charge) {
  const Switches& switches = needs_.switches;
  if (switches.saga_serial) co_return co_await charge_in_turn(std::move(charge));
  std::shared_ptr<void> connection;
  if (switches.pay_in_tx) connection = co_await needs_.store.hold_connection();
  co_return co_await needs_.gateway.charge(std::move(charge), Clock::now() + needs_.answer_max);
}

Task<ChargeReport> PaymentDesk::charge_in_turn(Charge charge) {
  const TimePoint patience = Clock::now() + needs_.answer_max;
  while (one_at_a_time_ && Clock::now() < patience) {
    Wait wait(needs_.io, patience);
    waiting_for_turn_.push_back(wait);
    co_await wait.done();
  }
  struct Turn {
    PaymentDesk& desk;
    explicit Turn(PaymentDesk& of) : desk(of) { desk.one_at_a_time_ = true; }
    ~Turn() {
      desk.one_at_a_time_ = false;
      if (desk.waiting_for_turn_.empty()) return;
      desk.waiting_for_turn_.front().wake();
      desk.waiting_for_turn_.pop_front();
    }
    Turn(Turn&&) = delete;
  };
  if (one_at_a_time_) co_return ChargeReport{};  // it took too long: nobody knows
  const Turn turn(*this);
  co_return co_await needs_.gateway.charge(std::move(charge), Clock::now() + needs_.answer_max);
}

Task<Decision<Answer>> PaymentDesk::answer_at_once(AuthoriseRequest request, OrderView view,
                                                   PaymentOpening opening, Charge charge) {
  const Opened opened = co_await needs_.store.open(opening, std::nullopt);
  if (auto no = not_opened(opened)) co_return std::move(*no);

  const ChargeReport report = co_await this->charge(std::move(charge));
  const auto state = report.state;
  if (state == ChargeReport::State::unreachable) {
    // Nothing was sent: the order may be paid by another try, also by this key.
    needs_.metrics.saga("pay", "FAILED");
    static_cast<void>(co_await needs_.store.void_payment(opening.id, "PG_UNREACHABLE"));
    co_return refused(Refusal::dependency_down, "the payment provider is not reachable", 1000);
  }
  if (state != ChargeReport::State::done && state != ChargeReport::State::aborted) {
    needs_.metrics.saga("pay", "UNKNOWN");
    co_return refused(Refusal::pg_timeout);
  }
  OpenPayment open;
  open.payment = PaymentFacts{.id = opening.id,
                              .key = opening.key,
                              .method = opening.method,
                              .status = "IN_PROGRESS",
                              .fail_code = {},
                              .amount = view.order.amount,
                              .delay_ms = report.delay_ms};
  open.order = std::move(view.order);
  const Answer done{200, payment_answer(opening, report), false};
  PaymentTail tail;
  if (!request.key.key.empty()) tail.keyed = KeyedResponse{request.key, {done.status, done.body}};
  Outcome outcome{state == ChargeReport::State::done, report.fail_code};
  const Ended ended = co_await apply(std::move(open), std::move(outcome), std::move(tail));
  if (ended == Ended::refunded) {
    co_return refused(Refusal::order_expired, "approved too late; the payment is given back");
  }
  co_return done;
}

Task<PaymentDesk::Ended> PaymentDesk::apply(OpenPayment open, Outcome outcome, PaymentTail tail) {
  if (outcome.approved) co_return co_await apply_approval(std::move(open), std::move(tail));
  Applied applied = Applied::busy;
  for (int i = 0; i < apply_tries_max && applied == Applied::busy; ++i) {
    applied = co_await needs_.store.abort(open, outcome.fail_code, tail);
  }
  if (applied == Applied::busy) throw StoreUnavailable("mysql", "rows stayed locked");
  if (applied == Applied::duplicate) co_return Ended::duplicate;
  if (applied == Applied::settled) co_return Ended::before;
  needs_.metrics.count("payment", "result", "ABORTED");
  needs_.metrics.saga("pay", "COMPENSATED");
  open.order.status = OrderStatus::cancelled;
  needs_.settler.decided(std::move(open.order));
  co_return Ended::declined;
}

Task<PaymentDesk::Ended> PaymentDesk::apply_approval(OpenPayment open, PaymentTail tail) {
  SagaStep step(needs_.metrics, "confirm");
  std::string reason;  // set: the order cannot have the payment
  for (int i = 0; i < 2 * apply_tries_max; ++i) {
    Applied applied = Applied::busy;
    if (reason.empty()) {
      applied = co_await needs_.store.confirm(open, tail);
    } else {
      applied = co_await needs_.store.owe_refund(open, reason, tail);
    }
    switch (applied) {
      case Applied::duplicate:
        step.ended("");
        co_return Ended::duplicate;
      case Applied::settled:
        step.ended("");
        co_return Ended::before;
      case Applied::busy:
        continue;
      case Applied::not_pending:
        reason = "LATE_APPROVAL";
        continue;
      case Applied::seat_conflict:
        reason = "SEAT_CONFLICT";
        continue;
      case Applied::done:
        break;
    }
    needs_.metrics.count("payment", "result", "DONE");
    needs_.metrics.saga("pay", "DONE");
    step.ended(reason.empty() ? "DONE" : "REFUND_OWED");
    open.order.status = reason.empty() ? OrderStatus::confirmed : OrderStatus::refund_pending;
    needs_.settler.decided(std::move(open.order));
    co_return reason.empty() ? Ended::paid : Ended::refunded;
  }
  throw StoreUnavailable("mysql", "rows stayed locked");
}

Task<Decision<std::string>> PaymentDesk::webhook(std::string id, std::string body) {
  const auto notice = told_by(body);
  if (!notice) co_return refused(Refusal::malformed);
  WebhookEntry entry{std::move(id), notice->payment_key, notice->event_type, std::move(body)};
  std::string result;
  auto open = co_await needs_.store.find(notice->payment_key);
  const bool outcome_told = notice->status == "DONE" || notice->status == "ABORTED";
  if (!open) {
    result = "UNKNOWN_KEY";
  } else if (open->payment.amount != notice->amount || decimal(notice->order) != open->order.id) {
    result = "MISMATCH";
  } else if (!outcome_told || open->payment.status != "IN_PROGRESS") {
    result = "IGNORED";
  }
  if (result.empty()) {
    PaymentTail tail;
    tail.webhook = entry;
    Outcome outcome{notice->status == "DONE", notice->fail_code};
    const Ended ended = co_await apply(std::move(*open), std::move(outcome), std::move(tail));
    if (ended == Ended::duplicate) co_return "DUPLICATE";
    if (ended == Ended::refunded) co_return "REFUND_OWED";
    if (ended != Ended::before) co_return "APPLIED";
    result = "IGNORED";
  }
  const bool fresh = co_await needs_.store.store_webhook(std::move(entry), result);
  if (!fresh) result = "DUPLICATE";
  co_return result;
}

Task<std::uint32_t> PaymentDesk::reconcile(Millis age, bool all) {
  using State = ChargeReport::State;
  std::uint32_t applied = 0;
  const auto open = co_await needs_.store.unanswered(age, all);
  for (const OpenPayment& one : open) {
    Charge charge{.payment_key = one.payment.key,
                  .method = one.payment.method,
                  .order = one.order.id,
                  .amount = one.payment.amount,
                  .trace_id = one.trace_id};
    const ChargeReport report = co_await needs_.gateway.look_up(
        std::move(charge), one.payment.age_ms, one.payment.delay_ms);
    if (report.state == State::unknown && one.payment.age_ms > void_after_ms) {
      const bool ended = co_await needs_.store.void_payment(one.payment.id, "PG_UNKNOWN");
      if (ended) needs_.metrics.count("payment", "result", "VOIDED");
    }
    if (report.state != State::done && report.state != State::aborted) continue;
    Outcome outcome{report.state == State::done, report.fail_code};
    const Ended ended = co_await apply(one, std::move(outcome), PaymentTail{});
    if (ended == Ended::before) continue;
    ++applied;
    needs_.metrics.count("payment", "result", "RECONCILED");
  }
  co_return applied;
}

}  // namespace boxoffice
