#include "target/store/mysql_audit.hpp"

#include <fmt/format.h>

#include <algorithm>

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

#define AUCTIONS_OF_EVENT "a.event_id = {0} AND a.epoch = {1}"

// Auctions of the event. A10 counts rows and A11 ranks by bids alone: no key makes them true.
constexpr Check auction_checks[] = {
    {"A10", "Nobody has more bids than allowed; no more awards are live than there are slots",
     "SELECT CONCAT('auction ', b.auction_id, ' user ', b.user_id) AS bad FROM bids b "
     "JOIN auctions a ON a.id = b.auction_id WHERE " AUCTIONS_OF_EVENT
     " GROUP BY b.auction_id, b.user_id HAVING COUNT(*) > MIN(a.max_bids) "
     "UNION ALL SELECT CONCAT('auction ', a.id, ' has ', COUNT(*), ' live awards') "
     "FROM auction_awards w JOIN auctions a ON a.id = w.auction_id WHERE " AUCTIONS_OF_EVENT
     " AND w.live = 1 GROUP BY a.id, a.slots HAVING COUNT(*) > a.slots"},
    {"A11", "Awards went out strictly in the order of the bids, ties to the earlier",
     "SELECT CONCAT('auction ', r.auction_id, ' user ', r.user_id, ' rank ', r.rk) AS bad "
     "FROM (SELECT b.auction_id, b.user_id, ROW_NUMBER() OVER (PARTITION BY b.auction_id "
     "ORDER BY b.amount DESC, b.seq) rk FROM bids b "
     "JOIN (SELECT auction_id, user_id, MAX(bid_no) m FROM bids GROUP BY auction_id, user_id) l "
     "ON l.auction_id = b.auction_id AND l.user_id = b.user_id AND l.m = b.bid_no) r "
     "JOIN auctions a ON a.id = r.auction_id AND a.status IN ('CLOSED', 'SETTLED') "
     "LEFT JOIN auction_awards w ON w.auction_id = r.auction_id AND w.user_id = r.user_id "
     "WHERE " AUCTIONS_OF_EVENT
     " AND ((w.rank_no IS NOT NULL AND w.rank_no <> r.rk) OR (w.rank_no IS NULL AND r.rk <= "
     "(SELECT COALESCE(MAX(z.rank_no), 0) FROM auction_awards z "
     "WHERE z.auction_id = r.auction_id)))"},
    {"A13", "Every award costs what the auction's pricing says",
     "SELECT CONCAT('auction ', a.id, ' rank ', w.rank_no, ' price ', w.amount) AS bad "
     "FROM auction_awards w JOIN auctions a ON a.id = w.auction_id "
     "JOIN (SELECT auction_id, user_id, MAX(amount) amount FROM bids GROUP BY auction_id, user_id) "
     "b ON b.auction_id = a.id AND b.user_id = w.user_id "
     "JOIN (SELECT x.auction_id, MIN(x.amount) cutoff FROM (SELECT auction_id, MAX(amount) amount, "
     "ROW_NUMBER() OVER (PARTITION BY auction_id ORDER BY MAX(amount) DESC) rk FROM bids "
     "GROUP BY auction_id, user_id) x JOIN auctions y ON y.id = x.auction_id "
     "WHERE x.rk <= y.slots GROUP BY x.auction_id) c ON c.auction_id = a.id "
     "WHERE " AUCTIONS_OF_EVENT
     " AND w.amount <> IF(a.pricing = 'PAY_AS_BID', b.amount, LEAST(b.amount, c.cutoff))"},
    {"A14", "A right is paid exactly while its order is confirmed, and a slot is paid once",
     "SELECT CONCAT('auction ', a.id, ' rank ', w.rank_no, ' is ', w.status) AS bad "
     "FROM auction_awards w JOIN auctions a ON a.id = w.auction_id "
     "LEFT JOIN orders o ON o.id = w.order_id WHERE " AUCTIONS_OF_EVENT
     " AND ((w.status = 'PAID') <> (COALESCE(o.status, '') = 'CONFIRMED') "
     "OR (o.id IS NOT NULL AND o.user_id <> w.user_id)) "
     "UNION ALL SELECT CONCAT('auction ', a.id, ' slot ', w.slot_no, ' is paid ', COUNT(*), "
     "' times') FROM auction_awards w JOIN auctions a ON a.id = w.auction_id "
     "WHERE " AUCTIONS_OF_EVENT
     " AND w.status = 'PAID' GROUP BY a.id, w.slot_no HAVING COUNT(*) > 1"},
};

#undef AUCTIONS_OF_EVENT

// Practice rooms are no event's: every audit looks at all of them.
constexpr Check practice_checks[] = {
    {"A12", "No practice seat is taken twice in a cycle, and nobody has two",
     "SELECT CONCAT('room ', room_id, ' cycle ', cycle_id, ' seat ', seat_no) AS bad "
     "FROM practice_records GROUP BY room_id, cycle_id, seat_no HAVING COUNT(*) > 1 "
     "UNION ALL SELECT CONCAT('room ', room_id, ' cycle ', cycle_id, ' user ', user_id) "
     "FROM practice_records GROUP BY room_id, cycle_id, user_id HAVING COUNT(*) > 1"},
    {"A15", "No practice record is outside its room's window, and its seat exists",
     "SELECT CONCAT('room ', r.room_id, ' record ', r.id, ' after ', r.duration_ms, ' ms') AS bad "
     "FROM practice_records r JOIN practice_rooms p ON p.id = r.room_id "
     "WHERE r.duration_ms >= p.open_ms OR r.seat_no >= p.seat_rows * p.seat_columns"},
    {"A16", "Bots are marked as bots, and each cycle has at most the room's number of them",
     "SELECT CONCAT('room ', r.room_id, ' record ', r.id, ' is_bot ', r.is_bot) AS bad "
     "FROM practice_records r LEFT JOIN users u ON u.id = r.user_id "
     "WHERE r.is_bot <> COALESCE(u.is_bot, 2) "
     "UNION ALL SELECT CONCAT('room ', r.room_id, ' cycle ', r.cycle_id, ' bots ', COUNT(*)) "
     "FROM practice_records r JOIN practice_rooms p ON p.id = r.room_id WHERE r.is_bot = 1 "
     "GROUP BY r.room_id, r.cycle_id, p.bot_users HAVING COUNT(*) > p.bot_users"},
};

}  // namespace

std::vector<AuditQuery> audit_queries(std::uint64_t event, std::uint32_t epoch) {
  std::vector<AuditQuery> queries;
  const auto add = [&](const Check& check) {
    queries.push_back({check.id, check.title, fmt::format(fmt::runtime(check.rows), event, epoch)});
  };
  std::ranges::for_each(checks, add);
  std::ranges::for_each(auction_checks, add);
  std::ranges::for_each(practice_checks, add);
  return queries;
}

}  // namespace boxoffice
