#include "target/store/mysql_events.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "target/parts.hpp"
#include "target/service/instant.hpp"

namespace boxoffice {

namespace {

constexpr auto read_time = std::chrono::seconds(2);
constexpr std::size_t layouts_max = 1000;

// Subtle: not UNIX_TIMESTAMP(), which ends in 2038.
#define EPOCH_MS(column) "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', " column ") DIV 1000"

constexpr std::string_view event_columns =
    "SELECT id, epoch, title, mode, status, " EPOCH_MS("starts_at") ", " EPOCH_MS(
        "sale_open_at") ", " EPOCH_MS("sale_close_at")
    ", seat_count, seat_rows, seat_columns, max_per_user, hold_ttl_ms, queue_on, queue "
    "FROM events ";

std::uint32_t as_u32(const Cell& cell) { return static_cast<std::uint32_t>(as_uint(cell)); }

EventInfo event_of(const std::vector<Cell>& row) {
  EventInfo event;
  event.id = as_uint(row[0]);
  event.epoch = as_u32(row[1]);
  event.title = as_string(row[2]);
  event.mode = as_string(row[3]);
  event.status = as_string(row[4]);
  event.starts_ms = as_int(row[5]);
  event.sale_open_ms = as_int(row[6]);
  event.sale_close_ms = as_int(row[7]);
  event.seat_count = as_u32(row[8]);
  event.rows = as_u32(row[9]);
  event.columns = as_u32(row[10]);
  event.max_per_user = as_u32(row[11]);
  event.hold_ttl_ms = as_int(row[12]);
  event.queue = queue_settings(as_uint(row[13]) != 0, as_string(row[14]));
  return event;
}

class MysqlEventStore final : public EventStore {
 public:
  MysqlEventStore(MysqlPool& mysql, Metrics& metrics) : mysql_(mysql), metrics_(metrics) {}

  Task<EventPtr> find(std::uint64_t event) override;
  Task<EventPage> page(std::string status, std::string mode, std::uint32_t page,
                       std::uint32_t size) override;
  Task<std::vector<SeatRow>> seats(std::uint64_t event) override;

 private:
  // What find() made last of an event, and from which row: an unchanged row gives the same copy.
  // Seats are never added to an event, so the grade of each is read once.
  struct Known {
    std::vector<Cell> row;
    std::vector<std::vector<Cell>> grade_rows;
    std::string seat_grades;
    EventPtr event;
  };

  MysqlPool& mysql_;
  Metrics& metrics_;
  std::map<std::uint64_t, Known> known_;
};

Task<EventPtr> MysqlEventStore::find(std::uint64_t event) {
  const TimePoint begun = Clock::now();
  static const std::string find_sql = std::string(event_columns) + "WHERE id = ?";
  auto lease = co_await mysql_.acquire(begun + read_time);
  auto found = (co_await lease->execute(find_sql, {event})).value();
  if (found.rows.empty()) co_return nullptr;
  auto grades =
      (co_await lease->execute(
           "SELECT grade, price FROM seat_grades WHERE event_id = ? ORDER BY grade", {event}))
          .value();
  if (known_.size() > layouts_max) known_.clear();
  std::string seat_grades = known_[event].seat_grades;
  if (seat_grades.size() != as_uint(found.rows[0][8])) {
    seat_grades.clear();
    const auto rows = (co_await lease->execute(
                           "SELECT grade FROM seats WHERE event_id = ? ORDER BY seat_no", {event}))
                          .value();
    for (const auto& row : rows.rows) seat_grades += as_string(row[0]).substr(0, 1);
  }
  // Subtle: looked up again, for the map may have been cleared while this one waited.
  Known& known = known_[event];
  if (known.event == nullptr || known.row != found.rows[0] || known.grade_rows != grades.rows ||
      known.seat_grades != seat_grades) {
    EventInfo made = event_of(found.rows[0]);
    std::map<char, std::uint32_t> price_of;
    for (const auto& row : grades.rows) {
      made.grades.emplace_back(as_string(row[0]).at(0), as_u32(row[1]));
      price_of.insert(made.grades.back());
    }
    made.prices.reserve(seat_grades.size());
    for (const char grade : seat_grades) made.prices.push_back(price_of[grade]);
    known = {std::move(found.rows[0]), std::move(grades.rows), std::move(seat_grades),
             std::make_shared<const EventInfo>(std::move(made))};
  }
  metrics_.mysql_tx("event", Clock::now() - begun);
  co_return known.event;
}

Task<EventPage> MysqlEventStore::page(std::string status, std::string mode, std::uint32_t page,
                                      std::uint32_t size) {
  const TimePoint begun = Clock::now();
  // An empty filter takes all; drafts are nobody's business.
  static const std::string where =
      "WHERE status <> 'DRAFT' AND (? = '' OR status = ?) AND (? = '' OR mode = ?) ";
  static const std::string page_sql =
      std::string(event_columns) + where + "ORDER BY id LIMIT ? OFFSET ?";
  static const std::string count_sql =
      "SELECT COUNT(*), " EPOCH_MS("NOW(3)") " FROM events " + where;
  auto lease = co_await mysql_.acquire(begun + read_time);
  std::vector<Cell> filter{status, status, mode, mode};
  EventPage answer;
  const auto counted = (co_await lease->execute(count_sql, filter)).value();
  answer.total = as_uint(counted.rows.at(0).at(0));
  answer.now_ms = as_int(counted.rows.at(0).at(1));
  filter.emplace_back(std::uint64_t{size});
  filter.emplace_back(std::uint64_t{page} * size);
  const auto rows = (co_await lease->execute(page_sql, filter)).value();
  for (const auto& row : rows.rows)
    answer.items.push_back(std::make_shared<const EventInfo>(event_of(row)));
  metrics_.mysql_tx("events", Clock::now() - begun);
  co_return answer;
}

Task<std::vector<SeatRow>> MysqlEventStore::seats(std::uint64_t event) {
  const TimePoint begun = Clock::now();
  auto lease = co_await mysql_.acquire(begun + read_time);
  const auto rows =
      (co_await lease->execute(
           "SELECT s.seat_no, s.section, s.row_label, s.col_no, s.grade, COALESCE(g.price, 0) "
           "FROM seats s LEFT JOIN seat_grades g ON g.event_id = s.event_id AND g.grade = s.grade "
           "WHERE s.event_id = ? ORDER BY s.seat_no",
           {event}))
          .value();
  std::vector<SeatRow> seats;
  seats.reserve(rows.rows.size());
  for (const auto& row : rows.rows) {
    seats.push_back({as_u32(row[0]), as_string(row[1]), as_string(row[2]), as_u32(row[3]),
                     as_string(row[4]).at(0), as_u32(row[5])});
  }
  metrics_.mysql_tx("event_seats", Clock::now() - begun);
  co_return seats;
}

class MysqlSeatLedger final : public SeatLedger {
 public:
  MysqlSeatLedger(MysqlPool& mysql, Metrics& metrics) : mysql_(mysql), metrics_(metrics) {}

  Task<SeatTruth> truth(std::uint64_t event, std::uint32_t epoch) override {
    const TimePoint begun = Clock::now();
    auto lease = co_await mysql_.acquire(begun + truth_time);
    SeatTruth truth;
    const std::vector<Cell> show{event, std::uint64_t{epoch}};
    const auto live = (co_await lease->execute(live_sql, show)).value();
    truth.live.reserve(live.rows.size());
    for (const auto& row : live.rows) {
      truth.live.push_back({as_u32(row[0]), as_uint(row[1]), as_uint(row[2]), as_uint(row[3]),
                            as_uint(row[4]) != 0, as_int(row[5])});
    }
    const auto locked =
        (co_await lease->execute("SELECT seat_no FROM seats WHERE event_id = ? AND admin_lock = 1",
                                 {event}))
            .value();
    for (const auto& row : locked.rows) truth.locked.push_back(as_u32(row[0]));
    const auto fence = (co_await lease->execute("SELECT COALESCE(MAX(fence), 0) FROM orders "
                                                "WHERE event_id = ? AND epoch = ?",
                                                show))
                           .value();
    truth.fence_max = as_uint(fence.rows.at(0).at(0));
    metrics_.mysql_tx("seat_truth", Clock::now() - begun);
    co_return truth;
  }

  Task<std::optional<std::uint32_t>> sold_among(EventPtr event,
                                                std::vector<std::uint32_t> seats) override {
    const TimePoint begun = Clock::now();
    auto lease = co_await mysql_.acquire(begun + look_time);
    std::string list;
    std::vector<Cell> cells{event->id, std::uint64_t{event->epoch}};
    for (const std::uint32_t seat : seats) {
      list += list.empty() ? "?" : ",?";
      cells.emplace_back(std::uint64_t{seat});
    }
    const std::string sql =
        "SELECT seat_no FROM tickets WHERE event_id = ? AND epoch = ? AND seat_no IN (" + list +
        ") LIMIT 1";
    const auto sold = (co_await lease->execute(sql, std::move(cells))).value();
    metrics_.mysql_tx("sold_among", Clock::now() - begun);
    if (sold.rows.empty()) co_return std::nullopt;
    co_return as_u32(sold.rows[0][0]);
  }

 private:
  static constexpr auto truth_time = std::chrono::seconds(10);
  static constexpr auto look_time = std::chrono::seconds(2);
  static constexpr std::string_view live_sql =
      "SELECT s.seat_no, o.id, o.user_id, o.fence, t.order_id IS NOT NULL, " EPOCH_MS(
          "o.expires_at")
      " FROM order_seats s JOIN orders o ON o.id = s.order_id "
      "LEFT JOIN tickets t ON t.event_id = s.event_id AND t.epoch = s.epoch "
      "AND t.seat_no = s.seat_no AND t.order_id = s.order_id "
      "WHERE s.event_id = ? AND s.epoch = ? AND s.live = 1 ORDER BY s.seat_no";

  MysqlPool& mysql_;
  Metrics& metrics_;
};

}  // namespace

std::string queue_column(const QueueSettings& queue) {
  return nlohmann::json{{"cap", queue.cap},
                        {"rate", queue.rate},
                        {"burst", queue.burst},
                        {"leaseMs", queue.lease_ms},
                        {"heartbeatMs", queue.heartbeat_ms},
                        {"passTtlMs", queue.pass_ttl_ms},
                        {"pushMs", queue.push_ms},
                        {"mode", queue.random ? "RANDOM" : "FIFO"},
                        {"maxWait", queue.wait_max},
                        {"requeue", queue.requeue}}
      .dump();
}

QueueSettings queue_settings(bool on, std::string_view column) {
  QueueSettings queue;
  queue.on = on;
  const auto json = nlohmann::json::parse(column, nullptr, false);
  if (!json.is_object()) return queue;
  const auto read = [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number() || found->template get<double>() < 0) return;
    value = found->template get<std::remove_reference_t<decltype(value)>>();
  };
  read("cap", queue.cap);
  read("rate", queue.rate);
  read("burst", queue.burst);
  read("leaseMs", queue.lease_ms);
  read("heartbeatMs", queue.heartbeat_ms);
  read("passTtlMs", queue.pass_ttl_ms);
  read("pushMs", queue.push_ms);
  read("maxWait", queue.wait_max);
  queue.random = json.value("mode", "FIFO") == "RANDOM";
  const auto requeue = json.find("requeue");
  queue.requeue = requeue != json.end() && requeue->is_boolean() && requeue->get<bool>();
  return queue;
}

std::string sql_time(std::int64_t epoch_ms) {
  std::string text = rfc3339(epoch_ms);
  text[10] = ' ';   // for the T
  text.pop_back();  // the Z: sessions are in UTC
  return text;
}

std::unique_ptr<EventStore> make_event_store(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlEventStore>(mysql, metrics);
}
std::unique_ptr<SeatLedger> make_seat_ledger(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlSeatLedger>(mysql, metrics);
}

}  // namespace boxoffice
