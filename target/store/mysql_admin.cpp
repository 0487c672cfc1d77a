// AdminStore on MySQL.
#include <fmt/format.h>

#include <array>

#include "target/admin_parts.hpp"
#include "target/service/admin_audit.hpp"
#include "target/store/mysql_audit.hpp"
#include "target/store/mysql_events.hpp"
#include "target/store/mysql_seed.hpp"
#include "target/store/schema.hpp"

namespace boxoffice {

namespace {

constexpr auto quick = std::chrono::seconds(5);
constexpr auto slow = std::chrono::seconds(100);
constexpr int seed_tries_max = 5;
constexpr std::uint32_t events_max = 1000;

No refuse(Refusal refusal, std::string detail) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  return no;
}

template <class T>
Cell cell_of(const std::optional<T>& value) {
  if (!value) return nullptr;
  return std::int64_t{*value};
}
Cell time_cell(const std::optional<std::int64_t>& epoch_ms) {
  return epoch_ms ? Cell(sql_time(*epoch_ms)) : Cell(nullptr);
}

class MysqlAdminStore final : public AdminStore {
 public:
  explicit MysqlAdminStore(MysqlPool& mysql) : mysql_(mysql) {}

  Task<SeededUsers> seed_users(std::uint64_t seed, SeedUsers users) override;
  Task<std::uint64_t> seed_venue(SeedVenue venue, SeedEvent largest) override;
  Task<std::uint64_t> seed_event(SeedEvent event, std::uint64_t venue) override;
  Task<Decision<bool>> edit(std::uint64_t event, EventEdit edit) override;
  Task<Decision<std::uint32_t>> next_epoch(std::uint64_t event) override;
  Task<Decision<bool>> lock_seat(std::vector<std::uint64_t> events, std::uint32_t seat,
                                 bool locked) override;
  Task<std::vector<std::uint64_t>> events_of_venue(std::uint64_t venue) override;
  Task<std::vector<AuditCheck>> audit(std::uint64_t event, std::uint32_t epoch) override;
  Task<Figures> backlog() override;
  Task<Figures> orders_by_status() override;
  Task<std::vector<EventSales>> sales() override;
  Task<std::uint64_t> replay_outbox(std::int64_t since_ms) override;
  Task<std::vector<EventInfo>> events() override;
  Task<Decision<bool>> set_guards(bool on) override;

 private:
  Task<std::optional<No>> claim_on(MysqlConnection& connection, std::uint64_t event,
                                   std::uint32_t seat);

  MysqlPool& mysql_;
};

// The first and the last login of the block, both or none: a block is made in one transaction.
Task<std::optional<SeededUsers>> find_users(MysqlConnection& connection, std::uint64_t seed,
                                            const SeedUsers& users) {
  std::vector<Cell> ends{seed_login(seed, users, 0), seed_login(seed, users, users.count - 1)};
  const auto found = co_await connection.execute(
      "SELECT MIN(id), MAX(id) FROM users WHERE login IN (?, ?)", std::move(ends));
  const auto& row = found.value().rows.at(0);
  if (is_null(row[0]) || as_uint(row[1]) - as_uint(row[0]) + 1 != users.count)
    co_return std::nullopt;
  co_return SeededUsers{as_uint(row[0]), users.count};
}

Task<SeededUsers> MysqlAdminStore::seed_users(std::uint64_t seed, SeedUsers users) {
  auto lease = co_await mysql_.acquire(Clock::now() + slow);
  for (int attempt = 1;; ++attempt) {
    const auto there = co_await find_users(*lease, seed, users);
    if (there) co_return *there;
    co_await lease->begin();
    const auto made = co_await insert_users(*lease, seed, users);
    if (made) {
      co_await lease->commit();
      co_return *made;
    }
    // Somebody seeds at the same time, or signed up: look again, try again.
    co_await lease->rollback();
    const bool again = made.error().retryable() || made.error().duplicate();
    if (!again || attempt == seed_tries_max) throw_sql_error(made.error());
  }
}

Task<std::uint64_t> MysqlAdminStore::seed_venue(SeedVenue venue, SeedEvent largest) {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  std::vector<Cell> row{venue.name, venue.address, row_label(largest.rows - 1),
                        std::uint64_t{largest.columns}};
  const auto made = co_await lease->execute(
      "INSERT INTO venues (name, address, max_row, max_col, owner_id) VALUES (?,?,?,?,0)",
      std::move(row));
  co_return made.value().insert_id;
}

Task<std::uint64_t> MysqlAdminStore::seed_event(SeedEvent event, std::uint64_t venue) {
  auto lease = co_await mysql_.acquire(Clock::now() + slow);
  co_await lease->begin();
  const auto made = co_await insert_event(*lease, event, venue);
  if (!made) {
    co_await lease->rollback();
    throw_sql_error(made.error());
  }
  co_await lease->commit();
  co_return *made;
}

Task<Decision<bool>> MysqlAdminStore::edit(std::uint64_t event, EventEdit edit) {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const bool queued = edit.queue.has_value();
  std::vector<Cell> cells{edit.title ? Cell(*edit.title) : Cell(nullptr),
                          time_cell(edit.sale_open_ms),
                          time_cell(edit.sale_close_ms),
                          cell_of(edit.hold_ttl_ms),
                          cell_of(edit.max_per_user),
                          queued ? Cell(std::int64_t{edit.queue->on}) : Cell(nullptr),
                          queued ? Cell(queue_column(*edit.queue)) : Cell(nullptr),
                          event};
  const auto edited = co_await lease->execute(
      "UPDATE events SET title = COALESCE(?, title), sale_open_at = COALESCE(?, sale_open_at), "
      "sale_close_at = COALESCE(?, sale_close_at), hold_ttl_ms = COALESCE(?, hold_ttl_ms), "
      "max_per_user = COALESCE(?, max_per_user), queue_on = COALESCE(?, queue_on), "
      "queue = COALESCE(?, queue), version = version + 1, status = IF(status IN ('SCHEDULED', "
      "'ON_SALE'), IF(sale_open_at <= NOW(3), 'ON_SALE', 'SCHEDULED'), status) WHERE id = ?",
      std::move(cells));
  if (!edited && edited.error().check_failed()) {
    co_return refuse(Refusal::validation_failed,
                     "the sale closes after it opens, and holds last 1 s to 1 h");
  }
  if (edited.value().affected == 0) co_return refuse(Refusal::not_found, "no such event");
  co_return true;
}

Task<Decision<std::uint32_t>> MysqlAdminStore::next_epoch(std::uint64_t event) {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto bumped = co_await lease->execute(
      "UPDATE events SET epoch = LAST_INSERT_ID(epoch + 1), version = version + 1 WHERE id = ?",
      {event});
  if (bumped.value().affected == 0) co_return refuse(Refusal::not_found, "no such event");
  co_return static_cast<std::uint32_t>(bumped->insert_id);
}

// Who stands on the seat in today's epoch, as the refusal to lock it.
Task<std::optional<No>> MysqlAdminStore::claim_on(MysqlConnection& connection, std::uint64_t event,
                                                  std::uint32_t seat) {
  std::vector<Cell> place{event, std::uint64_t{seat}};
  const auto claims = co_await connection.execute(
      "SELECT t.order_id IS NOT NULL FROM events e "
      "JOIN order_seats s ON s.event_id = e.id AND s.epoch = e.epoch AND s.live = 1 "
      "LEFT JOIN tickets t ON t.event_id = s.event_id AND t.epoch = s.epoch "
      "AND t.seat_no = s.seat_no WHERE e.id = ? AND s.seat_no = ?",
      std::move(place));
  if (claims.value().rows.empty()) co_return std::nullopt;
  const bool sold = as_uint(claims->rows[0][0]) != 0;
  No no = sold ? refuse(Refusal::seat_sold, fmt::format("seat {} is sold", seat))
               : refuse(Refusal::seat_claimed, fmt::format("seat {} is in an order", seat));
  no.seat = seat;
  no.seat_state = sold ? "SOLD" : "HELD";
  co_return no;
}

Task<Decision<bool>> MysqlAdminStore::lock_seat(std::vector<std::uint64_t> events,
                                                std::uint32_t seat, bool locked) {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  co_await lease->begin();
  for (const std::uint64_t event : events) {
    if (locked) {
      const auto claim = co_await claim_on(*lease, event, seat);
      if (claim) co_return *claim;  // the lease rolls back
    }
    std::vector<Cell> cells{std::int64_t{locked}, event, std::uint64_t{seat}};
    const auto set = co_await lease->execute(
        "UPDATE seats SET admin_lock = ? WHERE event_id = ? AND seat_no = ?", std::move(cells));
    if (!set) throw_sql_error(set.error());
  }
  co_await lease->commit();
  co_return true;
}

Task<std::vector<std::uint64_t>> MysqlAdminStore::events_of_venue(std::uint64_t venue) {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto found = co_await lease->execute(
      "SELECT id FROM events WHERE venue_id = ? AND status NOT IN ('ENDED', 'CANCELLED') "
      "ORDER BY id",
      {venue});
  std::vector<std::uint64_t> events;
  for (const auto& row : found.value().rows) events.push_back(as_uint(row[0]));
  co_return events;
}

Task<std::vector<AuditCheck>> MysqlAdminStore::audit(std::uint64_t event, std::uint32_t epoch) {
  auto lease = co_await mysql_.acquire(Clock::now() + slow);
  std::vector<AuditCheck> checks;
  for (const AuditQuery& query : audit_queries(event, epoch)) {
    AuditCheck check{std::string(query.id), std::string(query.title), 0, {}};
    const auto bad = co_await lease->query("SELECT COUNT(*) FROM (" + query.rows + ") x");
    check.bad = as_uint(bad.value().rows.at(0).at(0));
    if (check.bad > 0) {
      const auto rows = co_await lease->query(
          fmt::format("SELECT bad FROM ({}) x LIMIT {}", query.rows, audit_samples_max));
      for (const auto& row : rows.value().rows) check.sample.push_back(as_string(row.at(0)));
    }
    checks.push_back(std::move(check));
  }
  co_return checks;
}

Task<Figures> MysqlAdminStore::backlog() {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto counts = co_await lease->execute(
      "SELECT (SELECT COUNT(*) FROM orders WHERE status IN ('PAYMENT_PENDING', 'REFUND_PENDING')), "
      "(SELECT COUNT(*) FROM outbox WHERE status = 'PENDING')");
  const auto& row = counts.value().rows.at(0);
  Figures figures;
  figures.emplace_back("orders", as_uint(row[0]));
  figures.emplace_back("outbox", as_uint(row[1]));
  co_return figures;
}

Task<Figures> MysqlAdminStore::orders_by_status() {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto counts = co_await lease->execute(
      "SELECT status, COUNT(*) FROM orders GROUP BY status ORDER BY status");
  Figures figures;
  for (const auto& row : counts.value().rows)
    figures.emplace_back(as_string(row[0]), as_uint(row[1]));
  co_return figures;
}

Task<std::vector<EventSales>> MysqlAdminStore::sales() {
  static constexpr std::array names{"created",  "confirmed", "declined", "cancelled",     "expired",
                                    "refunded", "seats",     "revenue",  "refundedAmount"};
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto rows = co_await lease->execute(
      "SELECT event_id, epoch, created, confirmed, declined, cancelled, expired, refunded, seats, "
      "revenue, refunded_amount FROM event_sales ORDER BY event_id DESC, epoch DESC LIMIT ?",
      {std::uint64_t{events_max}});
  std::vector<EventSales> sales;
  for (const auto& row : rows.value().rows) {
    EventSales event{as_uint(row[0]), static_cast<std::uint32_t>(as_uint(row[1])), {}};
    for (std::size_t i = 0; i < names.size(); ++i) {
      event.figures.emplace_back(names[i], as_uint(row[i + 2]));
    }
    sales.push_back(std::move(event));
  }
  co_return sales;
}

Task<std::uint64_t> MysqlAdminStore::replay_outbox(std::int64_t since_ms) {
  auto lease = co_await mysql_.acquire(Clock::now() + slow);
  const auto replayed = co_await lease->execute(
      "UPDATE outbox SET status = 'PENDING', available_at = NOW(6) "
      "WHERE status = 'SENT' AND sent_at >= ?",
      {sql_time(since_ms)});
  co_return replayed.value().affected;
}

Task<std::vector<EventInfo>> MysqlAdminStore::events() {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto rows = co_await lease->execute(
      "SELECT id, epoch, seat_count FROM events WHERE status <> 'DRAFT' ORDER BY id DESC LIMIT ?",
      {std::uint64_t{events_max}});
  std::vector<EventInfo> events;
  for (const auto& row : rows.value().rows) {
    EventInfo& event = events.emplace_back();
    event.id = as_uint(row[0]);
    event.epoch = static_cast<std::uint32_t>(as_uint(row[1]));
    event.seat_count = static_cast<std::uint32_t>(as_uint(row[2]));
  }
  co_return events;
}

Task<Decision<bool>> MysqlAdminStore::set_guards(bool on) {
  const auto altered = co_await alter_guards(mysql_, on);
  if (!altered && altered.error().duplicate())
    co_return refuse(Refusal::validation_failed, "two live orders share a seat");
  if (!altered) throw_sql_error(altered.error());
  co_return true;
}

}  // namespace

std::unique_ptr<AdminStore> make_admin_store(MysqlPool& mysql) {
  return std::make_unique<MysqlAdminStore>(mysql);
}

}  // namespace boxoffice
