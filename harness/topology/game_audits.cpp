#include "harness/topology/probe_games.hpp"

namespace stampede {

// Subtle: A10 counts rows and not guards, A11 ranks by bids alone: neither is made true by a key.
const std::array<GameAudit, 7> game_audits{{
    {"A10", "nobody has more bids than allowed, and no more awards are live than there are slots",
     true, R"sql(
SELECT CONCAT('auction {0} user ', user_id, ': ', COUNT(*), ' bids, allowed ', MIN(max_bids)), 1
FROM bids WHERE auction_id = {0} GROUP BY user_id HAVING COUNT(*) > MIN(max_bids)
UNION ALL
SELECT CONCAT('auction {0}: ', COUNT(*), ' live awards for ', a.slots, ' slots'), 1
FROM auction_awards w JOIN auctions a ON a.id = w.auction_id
WHERE w.auction_id = {0} AND w.live = 1 GROUP BY a.slots HAVING COUNT(*) > a.slots)sql"},
    {"A11", "awards went out strictly in the order of the bids, ties to the earlier", true, R"sql(
SELECT CONCAT('auction {0} user ', r.user_id, ': rank ', r.rk,
              IF(w.rank_no IS NULL, ' was passed over', CONCAT(' was offered as ', w.rank_no))), 1
FROM (SELECT b.user_id, ROW_NUMBER() OVER (ORDER BY b.amount DESC, b.seq) rk
      FROM bids b JOIN (SELECT user_id, MAX(bid_no) m FROM bids WHERE auction_id = {0}
                        GROUP BY user_id) l ON l.user_id = b.user_id AND l.m = b.bid_no
      WHERE b.auction_id = {0}) r
  JOIN auctions a ON a.id = {0} AND a.status IN ('CLOSED', 'SETTLED')
  LEFT JOIN auction_awards w ON w.auction_id = {0} AND w.user_id = r.user_id
WHERE (w.rank_no IS NOT NULL AND w.rank_no <> r.rk)
   OR (w.rank_no IS NULL AND r.rk <= (SELECT COALESCE(MAX(z.rank_no), 0) FROM auction_awards z
                                      WHERE z.auction_id = {0})))sql"},
    {"A13", "every award costs what the auction's pricing says", true, R"sql(
SELECT CONCAT('auction {0} rank ', w.rank_no, ' user ', w.user_id, ': price ', w.amount, ', bid ',
              b.amount, ', cut-off ', c.cutoff), 1
FROM auction_awards w JOIN auctions a ON a.id = w.auction_id
  JOIN (SELECT user_id, MAX(amount) amount FROM bids WHERE auction_id = {0} GROUP BY user_id) b
    ON b.user_id = w.user_id
  JOIN (SELECT COALESCE(MIN(amount), 0) cutoff FROM (
          SELECT MAX(amount) amount, ROW_NUMBER() OVER (ORDER BY MAX(amount) DESC) rk
          FROM bids WHERE auction_id = {0} GROUP BY user_id) x
        WHERE rk <= (SELECT slots FROM auctions WHERE id = {0})) c
WHERE w.auction_id = {0}
  AND w.amount <> IF(a.pricing = 'PAY_AS_BID', b.amount, LEAST(b.amount, c.cutoff)))sql"},
    {"A14", "a right is PAID exactly while its order is confirmed, and a slot is paid once", true,
     R"sql(
SELECT CONCAT('auction {0} rank ', w.rank_no, ' user ', w.user_id, ' is ', w.status, ', order ',
              COALESCE(o.id, 'none'), ' is ', COALESCE(o.status, 'absent')), 1
FROM auction_awards w LEFT JOIN orders o ON o.id = w.order_id
WHERE w.auction_id = {0} AND ((w.status = 'PAID') <> (COALESCE(o.status, '') = 'CONFIRMED')
                              OR (o.id IS NOT NULL AND o.user_id <> w.user_id))
UNION ALL
SELECT CONCAT('auction {0} slot ', slot_no, ': ', COUNT(*), ' paid awards'), COUNT(*) - 1
FROM auction_awards WHERE auction_id = {0} AND status = 'PAID'
GROUP BY slot_no HAVING COUNT(*) > 1)sql"},
    {"A12", "no practice seat is taken twice in a cycle, and nobody has two", false, R"sql(
SELECT CONCAT('room {0} cycle ', cycle_id, ' seat ', seat_no, ': ', COUNT(*), ' records'), 1
FROM practice_records WHERE room_id = {0} GROUP BY cycle_id, seat_no HAVING COUNT(*) > 1
UNION ALL
SELECT CONCAT('room {0} cycle ', cycle_id, ' user ', user_id, ': ', COUNT(*), ' records'), 1
FROM practice_records WHERE room_id = {0} GROUP BY cycle_id, user_id HAVING COUNT(*) > 1)sql"},
    {"A15", "no practice record is outside the room's window, and its seat exists", false, R"sql(
SELECT CONCAT('room {0} cycle ', r.cycle_id, ' user ', r.user_id, ': after ', r.duration_ms,
              ' ms, seat ', r.seat_no), 1
FROM practice_records r JOIN practice_rooms p ON p.id = r.room_id
WHERE r.room_id = {0} AND (r.duration_ms >= p.open_ms OR r.seat_no >= p.seat_rows * p.seat_columns)
)sql"},
    {"A16", "bots are marked as bots, and each cycle has at most the room's number of them", false,
     R"sql(
SELECT CONCAT('room {0} cycle ', r.cycle_id, ' user ', r.user_id, ': is_bot ', r.is_bot,
              ', the account''s is ', COALESCE(u.is_bot, 'absent')), 1
FROM practice_records r LEFT JOIN users u ON u.id = r.user_id
WHERE r.room_id = {0} AND r.is_bot <> COALESCE(u.is_bot, 2)
UNION ALL
SELECT CONCAT('room {0} cycle ', r.cycle_id, ': ', COUNT(*), ' bots of ', p.bots), 1
FROM practice_records r JOIN practice_rooms p ON p.id = r.room_id
WHERE r.room_id = {0} AND r.is_bot = 1 GROUP BY r.cycle_id, p.bots HAVING COUNT(*) > p.bots)sql"},
}};

}  // namespace stampede
