#include "target/store/mysql_audit.hpp"

#include <fmt/format.h>

namespace boxoffice {

namespace {

struct Check {
  std::string_view id, title, rows;  // in `rows`, {0} is the event and {1} the epoch
};

// None of them trusts the guards: a check must fire on a database whose keys were dropped.
constexpr Check checks[] = {
    {"A1", "No seat has two live claims",
     "SELECT CONCAT('seat ', seat_no) AS bad FROM order_seats "
     "WHERE event_id = {0} AND epoch = {1} AND live = 1 GROUP BY seat_no HAVING COUNT(*) > 1"},
    {"A2", "No seat is in two paid and confirmed orders",
     "SELECT CONCAT('seat ', s.seat_no) AS bad FROM orders o "
     "JOIN payments y ON y.order_id = o.id AND y.status = 'DONE' "
     "JOIN order_seats s ON s.order_id = o.id "
     "WHERE o.event_id = {0} AND o.epoch = {1} AND o.status = 'CONFIRMED' "
     "GROUP BY s.seat_no HAVING COUNT(DISTINCT o.id) > 1"},
    {"A3", "Every ticket is for a seat that exists, and each seat has one at most",
     "SELECT CONCAT('seat ', t.seat_no) AS bad FROM tickets t "
     "LEFT JOIN seats s ON s.event_id = t.event_id AND s.seat_no = t.seat_no "
     "WHERE t.event_id = {0} AND t.epoch = {1} AND s.seat_no IS NULL "
     "UNION ALL SELECT CONCAT('seat ', seat_no) FROM tickets "
     "WHERE event_id = {0} AND epoch = {1} GROUP BY seat_no HAVING COUNT(*) > 1"},
    {"A4", "A confirmed order has its tickets, and a ticket its confirmed order",
     "SELECT CONCAT('order ', o.id) AS bad FROM orders o "
     "WHERE o.event_id = {0} AND o.epoch = {1} AND o.status = 'CONFIRMED' AND o.seat_qty <> "
     "(SELECT COUNT(*) FROM tickets t WHERE t.order_id = o.id AND t.user_id = o.user_id) "
     "UNION ALL SELECT CONCAT('ticket of seat ', t.seat_no) FROM tickets t "
     "LEFT JOIN orders o ON o.id = t.order_id "
     "WHERE t.event_id = {0} AND t.epoch = {1} AND (o.id IS NULL OR o.status <> 'CONFIRMED')"},
    {"A5", "A confirmed order was paid its amount once; the others hold no money",
     "SELECT CONCAT('order ', o.id) AS bad FROM orders o "
     "WHERE o.event_id = {0} AND o.epoch = {1} AND o.status = 'CONFIRMED' AND o.amount <> "
     "(SELECT COALESCE(SUM(y.amount), 0) FROM payments y "
     "WHERE y.order_id = o.id AND y.status = 'DONE') "
     "UNION ALL SELECT CONCAT('order ', o.id) FROM orders o "
     "JOIN payments y ON y.order_id = o.id AND y.status = 'DONE' "
     "WHERE o.event_id = {0} AND o.epoch = {1} "
     "AND o.status IN ('CANCELLED', 'EXPIRED', 'REFUNDED')"},
    {"A6", "Seats are live exactly while their order is pending or confirmed",
     "SELECT CONCAT('order ', o.id, ' seat ', s.seat_no) AS bad FROM orders o "
     "JOIN order_seats s ON s.order_id = o.id WHERE o.event_id = {0} AND o.epoch = {1} "
     "AND (s.live IS NOT NULL) <> (o.status IN ('PAYMENT_PENDING', 'CONFIRMED'))"},
    {"A7", "Nobody has more tickets than one person may have",
     "SELECT CONCAT('user ', t.user_id) AS bad FROM tickets t JOIN events e ON e.id = t.event_id "
     "WHERE t.event_id = {0} AND t.epoch = {1} "
     "GROUP BY t.user_id, e.max_per_user HAVING COUNT(*) > e.max_per_user"},
    {"A8", "No order is stuck 5 s after its deadline",
     "SELECT CONCAT('order ', id) AS bad FROM orders WHERE event_id = {0} AND epoch = {1} "
     "AND status IN ('PAYMENT_PENDING', 'REFUND_PENDING') "
     "AND expires_at < NOW(3) - INTERVAL 5 SECOND"},
    {"A9", "The outbox is drained",
     "SELECT CONCAT('outbox ', id, ' ', status) AS bad FROM outbox WHERE status <> 'SENT'"},
};

}  // namespace

std::vector<AuditQuery> audit_queries(std::uint64_t event, std::uint32_t epoch) {
  std::vector<AuditQuery> queries;
  for (const Check& check : checks)
    queries.push_back({check.id, check.title, fmt::format(fmt::runtime(check.rows), event, epoch)});
  return queries;
}

}  // namespace boxoffice
