#include "harness/topology/sql_audit.hpp"

namespace stampede {

// Subtle: A2 looks at payments and orders only. It must not rest on the guard tables, whose unique
// keys would make it true by themselves.
const std::array<SqlAudit, 9> sql_audits{{
    {"A1", "no seat has two live claims",
     R"sql(
SELECT CONCAT('event {0} seat ', s.seat_no, ': ', COUNT(*), ' orders: ',
              SUBSTRING_INDEX(GROUP_CONCAT(CONCAT('user ', o.user_id, ' order ', o.id)
                                           ORDER BY o.id SEPARATOR ', '), ', ', 4),
              IF(COUNT(*) > 4, ', …', '')), 1
FROM order_seats s JOIN orders o ON o.id = s.order_id
WHERE s.event_id = {0} AND s.epoch = {1} AND s.live = 1
GROUP BY s.seat_no HAVING COUNT(*) > 1)sql",
     true},
    {"A2", "no seat is sold to two people, by orders and payments alone",
     R"sql(
SELECT CONCAT('event {0} seat ', s.seat_no, ': ', COUNT(DISTINCT o.id), ' orders: ',
              SUBSTRING_INDEX(GROUP_CONCAT(DISTINCT CONCAT('user ', o.user_id, ' order ', o.id)
                                           ORDER BY o.id SEPARATOR ', '), ', ', 4),
              IF(COUNT(DISTINCT o.id) > 4, ', …', '')), 1
FROM orders o JOIN payments y ON y.order_id = o.id AND y.status = 'DONE'
  JOIN order_seats s ON s.order_id = o.id
WHERE o.event_id = {0} AND o.epoch = {1} AND o.status = 'CONFIRMED'
GROUP BY s.seat_no HAVING COUNT(DISTINCT o.id) > 1)sql",
     true},
    {"A3", "no more tickets than seats, and none for a seat that does not exist",
     R"sql(
SELECT w, n FROM (
  SELECT CONCAT('event {0}: ', t.n, ' tickets for ', s.n, ' seats') w,
         CAST(t.n AS SIGNED) - CAST(s.n AS SIGNED) n
  FROM (SELECT COUNT(*) n FROM tickets WHERE event_id = {0} AND epoch = {1}) t,
       (SELECT COUNT(*) n FROM seats WHERE event_id = {0}) s
  UNION ALL
  SELECT CONCAT('event {0} seat ', t.seat_no, ': user ', t.user_id, ' order ', t.order_id,
                ' has a ticket for a seat that does not exist'), 1
  FROM tickets t LEFT JOIN seats s ON s.event_id = t.event_id AND s.seat_no = t.seat_no
  WHERE t.event_id = {0} AND t.epoch = {1} AND s.seat_no IS NULL) x
WHERE n > 0)sql",
     true},
    {"A4", "confirmed orders and tickets agree, both ways",
     R"sql(
SELECT CONCAT('event {0} seats ', COALESCE((SELECT GROUP_CONCAT(s.seat_no ORDER BY s.seat_no)
                                   FROM order_seats s WHERE s.order_id = o.id), '?'),
              ': user ', o.user_id, ' order ', o.id, ' is CONFIRMED for ', o.seat_qty,
              ' seats, tickets ', COUNT(t.seat_no)), 1
FROM orders o LEFT JOIN tickets t ON t.order_id = o.id AND t.user_id = o.user_id
WHERE o.event_id = {0} AND o.epoch = {1} AND o.status = 'CONFIRMED'
GROUP BY o.id, o.user_id, o.seat_qty HAVING o.seat_qty <> COUNT(t.seat_no)
UNION ALL
SELECT CONCAT('event {0} seat ', t.seat_no, ': user ', t.user_id, ' has a ticket of order ',
              t.order_id, ', which is ', COALESCE(o.status, 'absent')), 1
FROM tickets t LEFT JOIN orders o ON o.id = t.order_id
WHERE t.event_id = {0} AND t.epoch = {1} AND (o.status IS NULL OR o.status <> 'CONFIRMED'))sql",
     true},
    {"A5", "every confirmed order is paid exactly, and no ended one is paid",
     R"sql(
SELECT CONCAT('event {0} order ', o.id, ' of user ', o.user_id, ': CONFIRMED for ', o.amount,
              ', paid ', COALESCE(SUM(y.amount), 0)), 1
FROM orders o LEFT JOIN payments y ON y.order_id = o.id AND y.status = 'DONE'
WHERE o.event_id = {0} AND o.epoch = {1} AND o.status = 'CONFIRMED'
GROUP BY o.id, o.user_id, o.amount HAVING COALESCE(SUM(y.amount), 0) <> o.amount
UNION ALL
SELECT CONCAT('event {0} order ', o.id, ' of user ', o.user_id, ': ', o.status, ', but payment ',
              y.payment_key, ' is DONE'), 1
FROM orders o JOIN payments y ON y.order_id = o.id AND y.status = 'DONE'
WHERE o.event_id = {0} AND o.epoch = {1}
  AND o.status IN ('CANCELLED', 'EXPIRED', 'REFUNDED'))sql",
     true},
    {"A6", "a seat is claimed exactly while its order is pending or confirmed",
     R"sql(
SELECT CONCAT('event {0} seat ', s.seat_no, ': order ', o.id, ' of user ', o.user_id, ' is ',
              o.status, ', its claim is ', IF(s.live IS NULL, 'given back', 'live')), 1
FROM orders o JOIN order_seats s ON s.order_id = o.id
WHERE o.event_id = {0} AND o.epoch = {1}
  AND (s.live IS NOT NULL) <> (o.status IN ('PAYMENT_PENDING', 'CONFIRMED')))sql",
     true},
    {"A7", "nobody has more tickets than one person may have",
     R"sql(
SELECT CONCAT('event {0} user ', t.user_id, ': ', COUNT(*), ' tickets, allowed ', e.max_per_user,
              '; seats ', GROUP_CONCAT(t.seat_no ORDER BY t.seat_no)), 1
FROM tickets t JOIN events e ON e.id = t.event_id
WHERE t.event_id = {0} AND t.epoch = {1}
GROUP BY t.user_id, e.max_per_user HAVING COUNT(*) > e.max_per_user)sql",
     true},
    {"A8", "no order is stuck 5 s or more after its deadline",
     R"sql(
SELECT CONCAT('event {0} order ', o.id, ' of user ', o.user_id, ': ', o.status, ' since ',
              o.created_at, ', deadline was ', o.expires_at, '; seats ',
              COALESCE((SELECT GROUP_CONCAT(s.seat_no ORDER BY s.seat_no) FROM order_seats s
                        WHERE s.order_id = o.id), '?')), 1
FROM orders o
WHERE o.event_id = {0} AND o.epoch = {1} AND o.status IN ('PAYMENT_PENDING', 'REFUND_PENDING')
  AND o.expires_at < NOW(3) - INTERVAL 5 SECOND)sql",
     true},
    {"A9", "every message of the outbox was sent",
     R"sql(
SELECT CONCAT('outbox ', id, ': ', type, ' of ', agg_id, ' is ', status, ' after ', attempts,
              ' attempts'), 1
FROM outbox WHERE status <> 'SENT')sql",
     false},
}};

}  // namespace stampede
