// Statements that the stores of orders and of payments share. Private to the stores.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "target/service/idempotency.hpp"
#include "target/service/order.hpp"
#include "target/store/mysql.hpp"

namespace boxoffice {

// The columns of orders as `o`, and how they are read from a row, beginning at `at`.
#define ORDER_COLUMNS                                              \
  "o.id,o.user_id,o.event_id,o.epoch,o.status,o.reason,o.amount,"  \
  "TIMESTAMPDIFF(MICROSECOND,'1970-01-01',o.expires_at) DIV 1000," \
  "(SELECT GROUP_CONCAT(s.seat_no ORDER BY s.seat_no) FROM order_seats s WHERE s.order_id=o.id)"
inline constexpr std::size_t order_columns = 9;
#define ORDER_TRACE "LOWER(HEX(o.trace_id))"  // a column more, where somebody is asked about it
OrderFacts order_of(const std::vector<Cell>& row, std::size_t at);

// The columns of payments as `p`.
#define PAYMENT_COLUMNS                                                      \
  "p.id,p.payment_key,p.method,p.status,p.fail_code,p.amount,p.pg_delay_ms," \
  "TIMESTAMPDIFF(MICROSECOND,p.requested_at,NOW(6)) DIV 1000"
inline constexpr std::size_t payment_columns = 8;
std::optional<PaymentFacts> payment_of(const std::vector<Cell>& row, std::size_t at);

// The database's clock and the row of an idempotency key as `k`.
#define KEY_COLUMNS                                     \
  "TIMESTAMPDIFF(MICROSECOND,'1970-01-01',NOW(3)) DIV " \
  "1000,LOWER(HEX(k.req_hash)),k.http_status,k.response"
#define KEY_JOIN                                                                  \
  "(SELECT 1) one LEFT JOIN idempotency_keys k ON k.user_id=? AND k.scope=? AND " \
  "k.idem_key=? AND k.created_at>NOW(6)-INTERVAL 24 HOUR"
inline constexpr std::size_t key_columns = 4;
KeyRecord key_record_of(const std::vector<Cell>& row, std::size_t at);
std::vector<Cell> key_cells(const IdempotencyKey& key);

Task<SqlResult<Rows>> insert_key(MysqlConnection& connection, KeyedResponse keyed);
Task<SqlResult<Rows>> insert_event(MysqlConnection& connection, std::string stream,
                                   std::string type, const OrderFacts& order, std::string trace_id);
// order_seats.live = NULL and the quota back: what every end without a ticket does.
Task<SqlResult<Rows>> give_seats_back(MysqlConnection& connection, const OrderFacts& order);

std::string id_list(const std::vector<std::uint64_t>& ids);  // "1,2,3", for IN (…)

// Hex as it is, or NULL when it is not 32 digits.
Cell trace_cell(const std::string& trace_id);

}  // namespace boxoffice
