// Orders in MySQL. The unique keys are the guarantee: one live order per seat, one order per hold,
// the quota of a person by a CHECK. Rows are locked in one order everywhere: orders, order_seats,
// quota, payments, outbox.
#include <fmt/format.h>

#include <array>

#include "target/order_parts.hpp"
#include "target/store/mysql_order_rows.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

constexpr std::size_t seats_per_insert = 32;
constexpr auto lock_name = "boxoffice_sweep";

// The statement for each number of rows, made once: a prepared statement is known by its text.
std::string_view insert_seats_sql(std::size_t count) {
  static const std::array<std::string, seats_per_insert + 1> statements = [] {
    std::array<std::string, seats_per_insert + 1> made;
    std::string values;
    for (std::size_t n = 1; n <= seats_per_insert; ++n) {
      values += n == 1 ? "(?,?,?,?,?)" : ",(?,?,?,?,?)";
      made[n] = "INSERT INTO order_seats (order_id,event_id,epoch,seat_no,price) VALUES " + values;
    }
    return made;
  }();
  return statements[count];
}

constexpr std::string_view view_sql =
    "SELECT " ORDER_COLUMNS
    ",(SELECT GROUP_CONCAT(t.seat_no ORDER BY t.seat_no) FROM tickets t WHERE "
    "t.order_id=o.id)," PAYMENT_COLUMNS
    " FROM orders o LEFT JOIN payments p ON p.id=(SELECT MAX(y.id) FROM payments y WHERE "
    "y.order_id=o.id) WHERE o.id=?";

class MysqlOrders final : public OrderStore {
 public:
  MysqlOrders(MysqlPool& pool, Metrics& metrics) : place_{pool, metrics} {}

  Task<KeyRecord> look_up(IdempotencyKey key) override;
  Task<Placed> place(NewOrder order, KeyedResponse keyed) override;
  Task<std::optional<OrderView>> find(std::uint64_t order) override;
  Task<std::optional<OrderFacts>> find_by_hold(std::string hold_id) override;
  Task<Cancelled> cancel(OrderFacts order, std::optional<KeyedResponse> keyed) override;
  Task<std::vector<OrderFacts>> not_pending(std::vector<std::uint64_t> orders) override;
  Task<std::vector<OrderFacts>> expire(std::uint32_t limit,
                                       std::optional<std::uint64_t> fence) override;
  Task<std::vector<RefundDue>> refunds_due(std::uint32_t limit) override;
  Task<bool> refunded(OrderFacts order) override;
  Task<void> collect_garbage() override;

 private:
  Task<MysqlPool::Lease> lease() {
    return place_.pool.acquire(Clock::now() + transaction_time_max);
  }
  Task<Rows> read(std::string_view sql, std::vector<Cell> cells);
  Task<Rows> read_text(std::string sql);
  Task<std::vector<OrderFacts>> expire_locked(MysqlConnection& connection, std::uint32_t limit,
                                              std::optional<std::uint64_t> fence);

  TransactionPlace place_;
};

Task<Rows> MysqlOrders::read(std::string_view sql, std::vector<Cell> cells) {
  auto connection = co_await lease();
  co_return rows_or_throw(co_await connection->execute(sql, std::move(cells)));
}

Task<Rows> MysqlOrders::read_text(std::string sql) {
  auto connection = co_await lease();
  co_return rows_or_throw(co_await connection->query(std::move(sql)));
}

Task<KeyRecord> MysqlOrders::look_up(IdempotencyKey key) {
  const Rows rows = co_await read("SELECT " KEY_COLUMNS " FROM " KEY_JOIN, key_cells(key));
  co_return key_record_of(rows.rows.at(0), 0);
}

Task<SqlResult<Rows>> insert_order(MysqlConnection& connection, const NewOrder& order) {
  const OrderFacts& facts = order.facts;
  std::vector<Cell> cells{facts.id,         facts.user,
                          facts.event,      static_cast<std::uint64_t>(facts.epoch),
                          facts.amount,     static_cast<std::uint64_t>(facts.seats.size()),
                          order.hold_id,    order.fence,
                          facts.expires_ms, trace_cell(order.trace_id)};
  co_return co_await connection.execute(
      "INSERT INTO orders (id,user_id,event_id,epoch,status,amount,seat_qty,hold_id,fence,"
      "expires_at,trace_id) VALUES (?,?,?,?,'PAYMENT_PENDING',?,?,UNHEX(?),?,"
      "TIMESTAMPADD(MICROSECOND,?*1000,'1970-01-01'),UNHEX(?))",
      std::move(cells));
}

// Ascending seats: two orders that want the same ones wait for each other in one order.
Task<SqlResult<Rows>> insert_seats(MysqlConnection& connection, const NewOrder& order) {
  const OrderFacts& facts = order.facts;
  SqlResult<Rows> inserted = Rows{};
  for (std::size_t begin = 0; begin < facts.seats.size(); begin += seats_per_insert) {
    const std::size_t count = std::min(seats_per_insert, facts.seats.size() - begin);
    std::vector<Cell> cells;
    cells.reserve(5 * count);
    for (std::size_t i = begin; i < begin + count; ++i) {
      cells.emplace_back(facts.id);
      cells.emplace_back(facts.event);
      cells.emplace_back(static_cast<std::uint64_t>(facts.epoch));
      cells.emplace_back(static_cast<std::uint64_t>(facts.seats[i]));
      cells.emplace_back(static_cast<std::uint64_t>(order.prices[i]));
    }
    inserted = co_await connection.execute(insert_seats_sql(count), std::move(cells));
    if (!inserted) break;
  }
  co_return inserted;
}

Task<SqlResult<Rows>> take_quota(MysqlConnection& connection, const NewOrder& order) {
  const OrderFacts& facts = order.facts;
  std::vector<Cell> cells{facts.event, static_cast<std::uint64_t>(facts.epoch), facts.user,
                          static_cast<std::uint64_t>(facts.seats.size()),
                          static_cast<std::uint64_t>(order.max_per_user)};
  co_return co_await connection.execute(
      "INSERT INTO user_event_quota (event_id,epoch,user_id,used,max_allowed) VALUES (?,?,?,?,?) "
      "ON DUPLICATE KEY UPDATE used=used+VALUES(used),max_allowed=VALUES(max_allowed)",
      std::move(cells));
}

Task<Placed> MysqlOrders::place(NewOrder order, KeyedResponse keyed) {
  using Result = SqlResult<Finished<Placed>>;
  auto work = [&order, &keyed](MysqlConnection& connection) -> Task<Result> {
    const auto key = co_await insert_key(connection, keyed);
    if (!key && key.error().duplicate()) co_return rolled_back(Placed::key_taken);
    // The same key is under way elsewhere and holds its row: no use in waiting again.
    if (!key && key.error().number == static_cast<std::uint16_t>(SqlNo::lock_timeout)) {
      co_return rolled_back(Placed::busy);
    }
    if (!key) co_return key.error();
    const auto row = co_await insert_order(connection, order);
    // Of the hold, or of the order's id when a lost COMMIT is tried again.
    if (!row && row.error().duplicate()) {
      co_return rolled_back(Placed::hold_taken);
    }
    if (!row) co_return row.error();
    const auto seats = co_await insert_seats(connection, order);
    if (!seats && seats.error().duplicate()) co_return rolled_back(Placed::seat_claimed);
    if (!seats) co_return seats.error();
    const auto quota = co_await take_quota(connection, order);
    if (!quota && quota.error().check_failed()) co_return rolled_back(Placed::over_quota);
    if (!quota) co_return quota.error();
    const auto event =
        co_await insert_event(connection, "order", "ORDER_CREATED", order.facts, order.trace_id);
    if (!event) co_return event.error();
    co_return committed(Placed::done);
  };
  const auto placed = co_await transact<Placed>(place_, "order", work);
  if (placed) co_return *placed;
  if (placed.error().retryable()) co_return Placed::busy;
  throw_sql_error(placed.error());
}

Task<std::optional<OrderView>> MysqlOrders::find(std::uint64_t order) {
  std::vector<Cell> cells{order};
  const Rows rows = co_await read(view_sql, std::move(cells));
  if (rows.rows.empty()) co_return std::nullopt;
  const auto& row = rows.rows[0];
  OrderView view;
  view.order = order_of(row, 0);
  view.tickets = seats_of(as_string(row[order_columns]));
  view.payment = payment_of(row, order_columns + 1);
  co_return view;
}

Task<std::optional<OrderFacts>> MysqlOrders::find_by_hold(std::string hold_id) {
  std::vector<Cell> cells{std::move(hold_id)};
  const Rows rows = co_await read("SELECT " ORDER_COLUMNS " FROM orders o WHERE o.hold_id=UNHEX(?)",
                                  std::move(cells));
  if (rows.rows.empty()) co_return std::nullopt;
  co_return order_of(rows.rows[0], 0);
}

// The conditional transition of one order; 0 rows: somebody else was first.
Task<SqlResult<Rows>> turn(MysqlConnection& connection, std::uint64_t order, OrderStatus from,
                           OrderStatus to, std::string reason) {
  std::vector<Cell> cells{std::string(name_of(to)), std::move(reason), order,
                          std::string(name_of(from))};
  co_return co_await connection.execute(
      "UPDATE orders SET status=?,reason=?,version=version+1 WHERE id=? AND status=?",
      std::move(cells));
}

Task<Cancelled> MysqlOrders::cancel(OrderFacts order, std::optional<KeyedResponse> keyed) {
  using Result = SqlResult<Finished<Cancelled>>;
  const bool paid = order.status == OrderStatus::confirmed;
  const OrderStatus to = paid ? OrderStatus::refund_pending : OrderStatus::cancelled;
  auto work = [&order, &keyed, paid, to](MysqlConnection& connection) -> Task<Result> {
    if (keyed) {
      const auto key = co_await insert_key(connection, *keyed);
      if (!key && key.error().duplicate()) co_return rolled_back(Cancelled::key_taken);
      if (!key) co_return key.error();
    }
    const auto turned = co_await turn(connection, order.id, order.status, to, "USER");
    if (!turned) co_return turned.error();
    if (turned->affected != 1) co_return rolled_back(Cancelled::already_final);
    if (paid) {
      std::vector<Cell> cells{order.id};
      const auto tickets =
          co_await connection.execute("DELETE FROM tickets WHERE order_id=?", std::move(cells));
      if (!tickets) co_return tickets.error();
    }
    const auto freed = co_await give_seats_back(connection, order);
    if (!freed) co_return freed.error();
    const auto event = co_await insert_event(
        connection, "order", paid ? "REFUND_REQUESTED" : "ORDER_CANCELLED", order, "");
    if (!event) co_return event.error();
    co_return committed(paid ? Cancelled::refund_pending : Cancelled::cancelled);
  };
  const auto cancelled = co_await transact<Cancelled>(place_, "cancel", work);
  if (cancelled) co_return *cancelled;
  if (cancelled.error().retryable()) co_return Cancelled::busy;
  throw_sql_error(cancelled.error());
}

Task<std::vector<OrderFacts>> MysqlOrders::not_pending(std::vector<std::uint64_t> orders) {
  std::vector<OrderFacts> found;
  if (orders.empty()) co_return found;
  const Rows rows = co_await read_text("SELECT " ORDER_COLUMNS " FROM orders o WHERE o.id IN (" +
                                       id_list(orders) + ") AND o.status<>'PAYMENT_PENDING'");
  for (const auto& row : rows.rows) found.push_back(order_of(row, 0));
  co_return found;
}

// The lease's fence against the newest that wrote: a holder that slept through its lease stops
// here.
Task<void> check_fence(MysqlConnection& connection, std::uint64_t fence) {
  std::vector<Cell> cells{fence};
  rows_or_throw(co_await connection.execute(
      "INSERT INTO fences (name,token) VALUES ('sweep',?) ON DUPLICATE KEY UPDATE "
      "token=GREATEST(token,VALUES(token))",
      std::move(cells)));
  const Rows rows =
      rows_or_throw(co_await connection.execute("SELECT token FROM fences WHERE name='sweep'"));
  const std::uint64_t newest = as_uint(rows.rows.at(0).at(0));
  if (newest > fence) throw FencedOff{newest};
}

Task<void> expire_rows(MysqlConnection& connection, const std::vector<OrderFacts>& orders) {
  std::vector<std::uint64_t> ids;
  std::string events;
  for (const OrderFacts& order : orders) {
    ids.push_back(order.id);
    // Our own numbers and fixed words: nothing in here needs quoting.
    events += fmt::format("{}('order',{},'ORDER_EXPIRED','{}')", events.empty() ? "" : ",",
                          order.id, event_json(order));
  }
  const std::string in = "(" + id_list(ids) + ")";
  rows_or_throw(co_await connection.query(
      "UPDATE orders SET status='EXPIRED',reason='PAY_WINDOW',version=version+1 WHERE id IN " + in +
      " AND status='PAYMENT_PENDING'"));
  rows_or_throw(
      co_await connection.query("UPDATE order_seats SET live=NULL WHERE order_id IN " + in));
  rows_or_throw(co_await connection.query(
      "UPDATE user_event_quota q JOIN (SELECT event_id,epoch,user_id,SUM(seat_qty) n FROM orders "
      "WHERE id IN " +
      in +
      " GROUP BY event_id,epoch,user_id) x ON q.event_id=x.event_id AND "
      "q.epoch=x.epoch AND q.user_id=x.user_id SET q.used=q.used-x.n"));
  rows_or_throw(co_await connection.query(
      "INSERT INTO outbox (stream,agg_id,type,payload) VALUES " + events));
}

Task<std::vector<OrderFacts>> MysqlOrders::expire_locked(MysqlConnection& connection,
                                                         std::uint32_t limit,
                                                         std::optional<std::uint64_t> fence) {
  std::vector<OrderFacts> orders;
  std::vector<Cell> cells{static_cast<std::uint64_t>(limit)};
  co_await connection.begin();
  const Rows due = rows_or_throw(co_await connection.execute(
      "SELECT id FROM orders WHERE status='PAYMENT_PENDING' AND expires_at<NOW(3) ORDER BY "
      "expires_at LIMIT ? FOR UPDATE SKIP LOCKED",
      std::move(cells)));
  if (due.rows.empty()) {
    co_await connection.rollback();
    co_return orders;
  }
  if (fence) co_await check_fence(connection, *fence);
  std::vector<std::uint64_t> ids;
  for (const auto& row : due.rows) ids.push_back(as_uint(row[0]));
  const Rows rows = rows_or_throw(co_await connection.query(
      "SELECT " ORDER_COLUMNS " FROM orders o WHERE o.id IN (" + id_list(ids) + ")"));
  for (const auto& row : rows.rows) orders.push_back(order_of(row, 0));
  co_await expire_rows(connection, orders);
  co_await connection.commit();
  for (OrderFacts& order : orders) order.status = OrderStatus::expired;
  co_return orders;
}

Task<std::vector<OrderFacts>> MysqlOrders::expire(std::uint32_t limit,
                                                  std::optional<std::uint64_t> fence) {
  const TransactionTimer timer(place_.metrics, "expire");
  auto connection = co_await lease();
  if (fence) co_return co_await expire_locked(*connection, limit, fence);
  // No lease to be had: the database's own lock elects. It is this connection's until released,
  // also by a broken connection.
  std::vector<Cell> cells{std::string(lock_name)};
  const Rows got = rows_or_throw(co_await connection->execute("SELECT GET_LOCK(?,0)", cells));
  if (as_uint(got.rows.at(0).at(0)) != 1) co_return std::vector<OrderFacts>{};
  std::vector<OrderFacts> orders;
  std::exception_ptr failure;
  try {
    orders = co_await expire_locked(*connection, limit, fence);
  } catch (...) {
    failure = std::current_exception();
  }
  // After a failure the connection may be broken: then the lock is gone with it.
  rows_or_throw(co_await connection->execute("SELECT RELEASE_LOCK(?)", cells));
  if (failure != nullptr) std::rethrow_exception(failure);
  co_return orders;
}

Task<std::vector<RefundDue>> MysqlOrders::refunds_due(std::uint32_t limit) {
  std::vector<Cell> cells{static_cast<std::uint64_t>(limit)};
  const Rows rows =
      co_await read("SELECT " ORDER_COLUMNS ",p.payment_key," ORDER_TRACE
                    " FROM orders o LEFT JOIN payments p ON "
                    "p.order_id=o.id AND p.live=1 WHERE o.status='REFUND_PENDING' LIMIT ?",
                    std::move(cells));
  std::vector<RefundDue> due;
  for (const auto& row : rows.rows) {
    due.push_back(
        {order_of(row, 0), as_string(row[order_columns]), as_string(row[order_columns + 1])});
  }
  co_return due;
}

Task<bool> MysqlOrders::refunded(OrderFacts order) {
  using Result = SqlResult<Finished<bool>>;
  auto work = [&order](MysqlConnection& connection) -> Task<Result> {
    const auto turned = co_await turn(connection, order.id, OrderStatus::refund_pending,
                                      OrderStatus::refunded, order.reason);
    if (!turned) co_return turned.error();
    if (turned->affected != 1) co_return rolled_back(false);
    std::vector<Cell> cells{order.id};
    const auto paid = co_await connection.execute(
        "UPDATE payments SET status='CANCELED',live=NULL WHERE order_id=? AND status='DONE'",
        std::move(cells));
    if (!paid) co_return paid.error();
    const auto event = co_await insert_event(connection, "order", "ORDER_REFUNDED", order, "");
    if (!event) co_return event.error();
    co_return committed(true);
  };
  const auto done = co_await transact<bool>(place_, "refund", work);
  if (!done) throw_sql_error(done.error());
  co_return *done;
}

Task<void> MysqlOrders::collect_garbage() {
  auto connection = co_await lease();
  for (const char* sql :
       {"DELETE FROM idempotency_keys WHERE created_at<NOW(6)-INTERVAL 24 HOUR LIMIT 2000",
        "DELETE FROM outbox WHERE status='SENT' AND available_at<NOW(6)-INTERVAL 24 HOUR LIMIT "
        "2000",
        "DELETE FROM notices WHERE created_at<NOW(6)-INTERVAL 48 HOUR LIMIT 2000",
        "DELETE FROM consumed WHERE consumed_at<NOW(6)-INTERVAL 48 HOUR LIMIT 2000"}) {
    rows_or_throw(co_await connection->execute(sql));
  }
}

}  // namespace

std::unique_ptr<OrderStore> make_order_store(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlOrders>(mysql, metrics);
}

}  // namespace boxoffice
