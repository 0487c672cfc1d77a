// Payments in MySQL. Every transition is conditional on the state it starts from, so that a
// webhook, a sync answer and the reconciler may all bring the same outcome.
#include "target/faults.hpp"
#include "target/order_parts.hpp"
#include "target/service/order_ids.hpp"
#include "target/store/mysql_order_rows.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

class MysqlPayments final : public PaymentStore {
 public:
  MysqlPayments(MysqlPool& pool, Metrics& metrics, const Switches& switches)
      : place_{pool, metrics}, switches_(switches) {}

  Task<PaymentStart> start(IdempotencyKey key, std::uint64_t order) override;
  Task<Opened> open(PaymentOpening opening, std::optional<KeyedResponse> keyed) override;
  Task<std::optional<OpenPayment>> find(std::string payment_key) override;
  Task<Applied> confirm(OpenPayment open, PaymentTail tail) override;
  Task<Applied> abort(OpenPayment open, std::string fail_code, PaymentTail tail) override;
  Task<Applied> owe_refund(OpenPayment open, std::string reason, PaymentTail tail) override;
  Task<bool> void_payment(std::uint64_t payment, std::string fail_code) override;
  Task<std::shared_ptr<void>> hold_connection() override {
    co_return std::make_shared<MysqlPool::Lease>(co_await lease());
  }
  Task<bool> store_webhook(WebhookEntry entry, std::string result) override;
  Task<std::vector<OpenPayment>> unanswered(Millis age, bool all) override;

 private:
  Task<MysqlPool::Lease> lease() {
    return place_.pool.acquire(Clock::now() + transaction_time_max);
  }
  Task<Rows> read(std::string_view sql, std::vector<Cell> cells);

  TransactionPlace place_;
  const Switches& switches_;
};

using AppliedResult = SqlResult<Finished<Applied>>;

Task<Rows> MysqlPayments::read(std::string_view sql, std::vector<Cell> cells) {
  auto connection = co_await lease();
  auto rows = co_await connection->execute(sql, std::move(cells));
  if (!rows) throw_sql_error(rows.error());
  co_return std::move(*rows);
}

Task<PaymentStart> MysqlPayments::start(IdempotencyKey key, std::uint64_t order) {
  std::vector<Cell> cells = key_cells(key);
  cells.emplace_back(order);
  const Rows rows = co_await read(
      "SELECT " KEY_COLUMNS "," ORDER_COLUMNS "," PAYMENT_COLUMNS " FROM " KEY_JOIN
      " LEFT JOIN orders o ON o.id=? LEFT JOIN payments p ON p.order_id=o.id AND p.live=1",
      std::move(cells));
  const auto& row = rows.rows.at(0);
  PaymentStart start;
  start.record = key_record_of(row, 0);
  if (std::holds_alternative<std::nullptr_t>(row[key_columns])) co_return start;
  start.view.emplace();
  start.view->order = order_of(row, key_columns);
  start.view->payment = payment_of(row, key_columns + order_columns);
  co_return start;
}

Task<SqlResult<Rows>> insert_payment(MysqlConnection& connection, const PaymentOpening& opening) {
  std::vector<Cell> cells{opening.id,       opening.key,   opening.method,
                          opening.delay_ms, opening.order, opening.user};
  co_return co_await connection.execute(
      "INSERT INTO payments (id,order_id,payment_key,method,amount,status,pg_delay_ms) "
      "SELECT ?,o.id,?,?,o.amount,'IN_PROGRESS',? FROM orders o WHERE o.id=? AND o.user_id=? AND "
      "o.status='PAYMENT_PENDING' AND o.expires_at>NOW(3)",
      std::move(cells));
}

Opened opened_of(const SqlResult<Rows>& row) {
  if (row) return row->affected == 1 ? Opened::done : Opened::not_payable;
  if (row.error().duplicate_of("uq_pay_live")) return Opened::live_exists;
  if (row.error().duplicate_of("uq_pay_key")) return Opened::payment_key_taken;
  if (row.error().retryable()) return Opened::busy;
  throw_sql_error(row.error());
}

Task<Opened> MysqlPayments::open(PaymentOpening opening, std::optional<KeyedResponse> keyed) {
  if (!keyed) {
    const TransactionTimer timer(place_.metrics, "pay_open");
    auto connection = co_await lease();
    co_return opened_of(co_await insert_payment(*connection, opening));
  }
  auto work = [&](MysqlConnection& connection) -> Task<SqlResult<Finished<Opened>>> {
    const auto row = co_await insert_payment(connection, opening);
    if (!row && row.error().retryable()) co_return row.error();
    const Opened opened = opened_of(row);
    if (opened != Opened::done) co_return rolled_back(opened);
    const auto key = co_await insert_key(connection, *keyed);
    // The same key for another payment, this very moment.
    if (!key && key.error().duplicate()) co_return rolled_back(Opened::busy);
    if (!key) co_return key.error();
    co_return committed(opened);
  };
  const auto opened = co_await transact<Opened>(place_, "pay_open", work);
  if (opened) co_return *opened;
  if (opened.error().retryable()) co_return Opened::busy;
  throw_sql_error(opened.error());
}

OpenPayment open_payment_of(const std::vector<Cell>& row) {
  return {payment_of(row, 0).value(), order_of(row, payment_columns)};
}

Task<std::optional<OpenPayment>> MysqlPayments::find(std::string payment_key) {
  std::vector<Cell> cells{std::move(payment_key)};
  const Rows rows = co_await read("SELECT " PAYMENT_COLUMNS "," ORDER_COLUMNS
                                  " FROM payments p JOIN orders o ON o.id=p.order_id "
                                  "WHERE p.payment_key=?",
                                  std::move(cells));
  if (rows.rows.empty()) co_return std::nullopt;
  co_return open_payment_of(rows.rows[0]);
}

Task<SqlResult<Rows>> insert_webhook(MysqlConnection& connection, WebhookEntry entry,
                                     std::string result) {
  std::vector<Cell> cells{std::move(entry.id), std::move(entry.payment_key),
                          std::move(entry.event_type), std::move(entry.payload), std::move(result)};
  co_return co_await connection.execute(
      "INSERT INTO webhook_inbox (webhook_id,payment_key,event_type,payload,result) "
      "VALUES (?,?,?,?,?)",
      std::move(cells));
}

// The rows that go along: first the webhook's (its unique id serialises duplicates), then the
// key's. A key that exists already belongs to another request with the same key: the effect counts,
// not the note.
Task<SqlResult<Rows>> insert_tail(MysqlConnection& connection, const PaymentTail& tail,
                                  std::string result) {
  SqlResult<Rows> done = Rows{};
  if (tail.webhook) {
    done = co_await insert_webhook(connection, *tail.webhook, std::move(result));
    if (!done) co_return done;
  }
  if (tail.keyed) {
    done = co_await insert_key(connection, *tail.keyed);
    if (!done && done.error().duplicate_of("PRIMARY")) done = Rows{};
  }
  co_return done;
}

Task<SqlResult<Rows>> turn_order(MysqlConnection& connection, std::uint64_t order,
                                 std::string status, std::string reason) {
  std::vector<Cell> cells{std::move(status), reason.empty() ? Cell(nullptr) : Cell(reason), order};
  co_return co_await connection.execute(
      "UPDATE orders SET status=?,reason=?,version=version+1 WHERE id=? AND "
      "status='PAYMENT_PENDING'",
      std::move(cells));
}

Task<SqlResult<Rows>> mark_paid(MysqlConnection& connection, std::uint64_t payment) {
  std::vector<Cell> cells{payment};
  co_return co_await connection.execute(
      "UPDATE payments SET status='DONE',approved_at=NOW(6) WHERE id=? AND "
      "status IN ('READY','IN_PROGRESS')",
      std::move(cells));
}

Task<SqlResult<Rows>> issue_tickets(MysqlConnection& connection, const OrderFacts& order,
                                    bool overwrite) {
  std::vector<Cell> cells{order.user, order.id};
  if (overwrite) {
    co_return co_await connection.execute(
        "INSERT INTO tickets (event_id,epoch,seat_no,order_id,user_id) SELECT event_id,epoch,"
        "seat_no,order_id,? FROM order_seats WHERE order_id=? AND live=1 ON DUPLICATE KEY UPDATE "
        "order_id=VALUES(order_id),user_id=VALUES(user_id)",
        std::move(cells));
  }
  co_return co_await connection.execute(
      "INSERT INTO tickets (event_id,epoch,seat_no,order_id,user_id) SELECT event_id,epoch,"
      "seat_no,order_id,? FROM order_seats WHERE order_id=? AND live=1",
      std::move(cells));
}

// A result for `transact` from one for the desk: what stays locked is told as busy.
Applied applied_of(const SqlResult<Applied>& applied) {
  if (applied) return *applied;
  if (applied.error().retryable()) return Applied::busy;
  throw_sql_error(applied.error());
}

Task<Applied> MysqlPayments::confirm(OpenPayment open, PaymentTail tail) {
  const bool overwrite = switches_.no_guard1.load(std::memory_order_relaxed);
  auto work = [&open, &tail, overwrite](MysqlConnection& connection) -> Task<AppliedResult> {
    const auto turned = co_await turn_order(connection, open.order.id, "CONFIRMED", "");
    if (!turned) co_return turned.error();
    const bool pending = turned->affected == 1;
    const auto paid = co_await mark_paid(connection, open.payment.id);
    if (!paid) co_return paid.error();
    if (paid->affected != 1) co_return rolled_back(Applied::settled);
    if (!pending) co_return rolled_back(Applied::not_pending);
    const auto tickets = co_await issue_tickets(connection, open.order, overwrite);
    if (!tickets && tickets.error().duplicate()) co_return rolled_back(Applied::seat_conflict);
    if (!tickets) co_return tickets.error();
    const auto event =
        co_await insert_event(connection, "order", "ORDER_CONFIRMED", open.order, "");
    if (!event) co_return event.error();
    const auto noted = co_await insert_tail(connection, tail, "APPLIED");
    if (!noted && noted.error().duplicate()) co_return rolled_back(Applied::duplicate);
    if (!noted) co_return noted.error();
    co_return committed(Applied::done);
  };
  co_return applied_of(co_await transact<Applied>(place_, "confirm", work));
}

Task<Applied> MysqlPayments::abort(OpenPayment open, std::string fail_code, PaymentTail tail) {
  auto work = [&open, &fail_code, &tail](MysqlConnection& connection) -> Task<AppliedResult> {
    const auto turned =
        co_await turn_order(connection, open.order.id, "CANCELLED", fail_code.substr(0, 32));
    if (!turned) co_return turned.error();
    if (turned->affected == 1) {
      const auto freed = co_await give_seats_back(connection, open.order);
      if (!freed) co_return freed.error();
    }
    std::vector<Cell> cells{fail_code, open.payment.id};
    const auto ended = co_await connection.execute(
        "UPDATE payments SET status='ABORTED',live=NULL,fail_code=? WHERE id=? AND "
        "status IN ('READY','IN_PROGRESS')",
        std::move(cells));
    if (!ended) co_return ended.error();
    if (ended->affected != 1) co_return rolled_back(Applied::settled);
    const auto event = co_await insert_event(connection, "pay", "PAYMENT_FAILED", open.order, "");
    if (!event) co_return event.error();
    const auto noted = co_await insert_tail(connection, tail, "APPLIED");
    if (!noted && noted.error().duplicate()) co_return rolled_back(Applied::duplicate);
    if (!noted) co_return noted.error();
    co_return committed(Applied::done);
  };
  co_return applied_of(co_await transact<Applied>(place_, "abort", work));
}

// Of an order that still waits (a ticket for its seat exists) the seats go back here; an expired or
// cancelled one gave them back when it ended.
Task<Applied> MysqlPayments::owe_refund(OpenPayment open, std::string reason, PaymentTail tail) {
  auto work = [&open, &reason, &tail](MysqlConnection& connection) -> Task<AppliedResult> {
    const auto turned = co_await turn_order(connection, open.order.id, "REFUND_PENDING", reason);
    if (!turned) co_return turned.error();
    if (turned->affected == 1) {
      const auto freed = co_await give_seats_back(connection, open.order);
      if (!freed) co_return freed.error();
    } else {
      std::vector<Cell> cells{reason, open.order.id};
      const auto late = co_await connection.execute(
          "UPDATE orders SET status='REFUND_PENDING',reason=?,version=version+1 WHERE id=? AND "
          "status IN ('EXPIRED','CANCELLED')",
          std::move(cells));
      if (!late) co_return late.error();
    }
    const auto paid = co_await mark_paid(connection, open.payment.id);
    if (!paid) co_return paid.error();
    if (paid->affected != 1) co_return rolled_back(Applied::settled);
    const auto event =
        co_await insert_event(connection, "order", "REFUND_REQUESTED", open.order, "");
    if (!event) co_return event.error();
    // The response that was prepared says that the order is paid: not to be kept.
    const PaymentTail webhook_only{tail.webhook, std::nullopt};
    const auto noted = co_await insert_tail(connection, webhook_only, "REFUND_OWED");
    if (!noted && noted.error().duplicate()) co_return rolled_back(Applied::duplicate);
    if (!noted) co_return noted.error();
    co_return committed(Applied::done);
  };
  co_return applied_of(co_await transact<Applied>(place_, "owe_refund", work));
}

Task<bool> MysqlPayments::void_payment(std::uint64_t payment, std::string fail_code) {
  const TransactionTimer timer(place_.metrics, "void");
  auto connection = co_await lease();
  std::vector<Cell> cells{std::move(fail_code), payment};
  const Rows rows = rows_or_throw(co_await connection->execute(
      "UPDATE payments SET status='ABORTED',live=NULL,fail_code=? WHERE id=? AND "
      "status IN ('READY','IN_PROGRESS')",
      std::move(cells)));
  co_return rows.affected == 1;
}

Task<bool> MysqlPayments::store_webhook(WebhookEntry entry, std::string result) {
  const TransactionTimer timer(place_.metrics, "webhook");
  auto connection = co_await lease();
  const auto stored = co_await insert_webhook(*connection, std::move(entry), std::move(result));
  if (stored) co_return true;
  if (stored.error().duplicate()) co_return false;
  throw_sql_error(stored.error());
}

// There is no index on the state of payments. Those that matter at once belong to orders that wait,
// which have one; the others are looked for now and then in the ids (that is: the time) of a day.
Task<std::vector<OpenPayment>> MysqlPayments::unanswered(Millis age, bool all) {
  const auto day_ago = wall_clock() - std::chrono::hours(24);
  std::vector<Cell> cells;
  std::string_view sql = "SELECT " PAYMENT_COLUMNS "," ORDER_COLUMNS "," ORDER_TRACE
                         " FROM orders o JOIN payments p ON p.order_id=o.id AND p.live=1 WHERE "
                         "o.status='PAYMENT_PENDING' AND p.status='IN_PROGRESS' AND "
                         "p.requested_at<NOW(6)-INTERVAL ? MICROSECOND LIMIT 200";
  if (all) {
    cells.emplace_back(first_order_id_at(day_ago));
    sql = "SELECT " PAYMENT_COLUMNS "," ORDER_COLUMNS "," ORDER_TRACE
          " FROM payments p JOIN orders o ON o.id=p.order_id WHERE p.id>=? AND "
          "p.status='IN_PROGRESS' AND p.requested_at<NOW(6)-INTERVAL ? MICROSECOND LIMIT 200";
  }
  cells.emplace_back(static_cast<std::int64_t>(age.count() * 1000));
  const Rows rows = co_await read(sql, std::move(cells));
  std::vector<OpenPayment> found;
  for (const auto& row : rows.rows) {
    found.push_back(open_payment_of(row));
    found.back().trace_id = as_string(row[payment_columns + order_columns]);
  }
  co_return found;
}

}  // namespace

std::unique_ptr<PaymentStore> make_payment_store(MysqlPool& mysql, Metrics& metrics,
                                                 const Switches& switches) {
  return std::make_unique<MysqlPayments>(mysql, metrics, switches);
}

}  // namespace boxoffice
