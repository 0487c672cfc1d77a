#include "target/store/mysql_order_rows.hpp"

#include <fmt/format.h>

namespace boxoffice {

OrderFacts order_of(const std::vector<Cell>& row, std::size_t at) {
  OrderFacts order;
  order.id = as_uint(row[at]);
  order.user = as_uint(row[at + 1]);
  order.event = as_uint(row[at + 2]);
  order.epoch = static_cast<std::uint32_t>(as_uint(row[at + 3]));
  order.status = order_status(as_string(row[at + 4])).value();
  order.reason = as_string(row[at + 5]);
  order.amount = as_uint(row[at + 6]);
  order.expires_ms = as_int(row[at + 7]);
  order.seats = seats_of(as_string(row[at + 8]));
  return order;
}

std::optional<PaymentFacts> payment_of(const std::vector<Cell>& row, std::size_t at) {
  if (std::holds_alternative<std::nullptr_t>(row[at])) return {};
  PaymentFacts payment;
  payment.id = as_uint(row[at]);
  payment.key = as_string(row[at + 1]);
  payment.method = as_string(row[at + 2]);
  payment.status = as_string(row[at + 3]);
  payment.fail_code = as_string(row[at + 4]);
  payment.amount = as_uint(row[at + 5]);
  payment.delay_ms = as_int(row[at + 6]);
  payment.age_ms = as_int(row[at + 7]);
  return payment;
}

KeyRecord key_record_of(const std::vector<Cell>& row, std::size_t at) {
  KeyRecord record;
  record.now_ms = as_int(row[at]);
  record.request_hash = as_string(row[at + 1]);
  record.response.status = static_cast<int>(as_int(row[at + 2]));
  record.response.body = as_string(row[at + 3]);
  return record;
}

std::vector<Cell> key_cells(const IdempotencyKey& key) { return {key.user, key.scope, key.key}; }

Cell trace_cell(const std::string& trace_id) {
  return trace_id.size() == 32 ? Cell(trace_id) : Cell(nullptr);
}

std::string id_list(const std::vector<std::uint64_t>& ids) {
  return fmt::format("{}", fmt::join(ids, ","));
}

// Written as DONE at once: the row is not visible before its effect is, and another request with
// the same key waits at this row's lock until then.
Task<SqlResult<Rows>> insert_key(MysqlConnection& connection, KeyedResponse keyed) {
  std::vector<Cell> cells{keyed.key.user,
                          keyed.key.scope,
                          keyed.key.key,
                          keyed.key.request_hash,
                          static_cast<std::int64_t>(keyed.response.status),
                          std::move(keyed.response.body)};
  co_return co_await connection.execute(
      "INSERT INTO idempotency_keys (user_id,scope,idem_key,req_hash,state,http_status,response,"
      "locked_until) VALUES (?,?,?,UNHEX(?),'DONE',?,?,NOW(3))",
      std::move(cells));
}

Task<SqlResult<Rows>> insert_event(MysqlConnection& connection, std::string stream,
                                   std::string type, const OrderFacts& order,
                                   std::string trace_id) {
  std::vector<Cell> cells{std::move(stream), order.id, std::move(type), event_json(order),
                          trace_cell(trace_id)};
  co_return co_await connection.execute(
      "INSERT INTO outbox (stream,agg_id,type,payload,trace_id) VALUES (?,?,?,?,UNHEX(?))",
      std::move(cells));
}

Task<SqlResult<Rows>> give_seats_back(MysqlConnection& connection, const OrderFacts& order) {
  std::vector<Cell> of_order{order.id};
  auto freed = co_await connection.execute("UPDATE order_seats SET live=NULL WHERE order_id=?",
                                           std::move(of_order));
  if (!freed) co_return freed;
  std::vector<Cell> cells{static_cast<std::uint64_t>(order.seats.size()), order.event,
                          static_cast<std::uint64_t>(order.epoch), order.user};
  co_return co_await connection.execute(
      "UPDATE user_event_quota SET used=used-? WHERE event_id=? AND epoch=? AND user_id=?",
      std::move(cells));
}

}  // namespace boxoffice
