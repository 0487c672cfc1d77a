#include "harness/topology/probe.hpp"

#include <thread>

#include "harness/topology/probe_games.hpp"
#include "harness/topology/provider_process.hpp"
#include "harness/topology/sql_audit.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

using Row = SqlConnection::Row;

constexpr std::chrono::seconds store_timeout{30};
constexpr std::size_t samples_max = 10;
constexpr int steady_tries_max = 10;

std::uint64_t number(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}
template <class Integer>
std::optional<Integer> whole_number(const std::string& text) {
  Integer value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// --- MariaDB
// ---------------------------------------------------------------------------------------

// The event's epoch now: a reset raises it, and the rows of older epochs are nobody's seats any
// more.
void take_current_epochs(SqlConnection& sql, std::vector<SeededEvent>& events) {
  for (SeededEvent& event : events) {
    const auto found =
        sql.rows(fmt::format("SELECT epoch, seat_count FROM events WHERE id = {}", event.id));
    if (found.empty()) throw StoreProblem(fmt::format("mariadb: no event {}", event.id));
    event.epoch = static_cast<std::uint32_t>(number(found[0][0]));
    event.seats = static_cast<std::uint32_t>(number(found[0][1]));
  }
}

void run_audit(SqlConnection& sql, const SqlAudit& audit, const SeededEvent& event,
               SqlCheck& check) {
  const std::string query = fmt::format(fmt::runtime(audit.query), event.id, event.epoch);
  sql.query(query, [&check](const Row& row) {
    check.bad += number(row.at(1));
    if (check.samples.size() < samples_max) check.samples.push_back(row[0].value_or("?"));
  });
}

void run_audits(SqlConnection& sql, const std::vector<SeededEvent>& events, FinalState& state) {
  for (const SqlAudit& audit : sql_audits) {
    SqlCheck check{std::string(audit.id), std::string(audit.title), 0, {}};
    if (audit.per_event) {
      for (const SeededEvent& event : events) run_audit(sql, audit, event, check);
    } else {
      run_audit(sql, audit, {}, check);
    }
    state.sql_checks.push_back(std::move(check));
  }
}

void read_orders(SqlConnection& sql, const SeededEvent& event, FinalState& state) {
  std::unordered_map<std::uint64_t, std::size_t> index;
  sql.query(fmt::format("SELECT id, user_id, status, LOWER(HEX(hold_id)), amount, fence, "
                        "seat_qty, expires_at < NOW(3) - INTERVAL 5 SECOND FROM orders WHERE "
                        "event_id = {} AND epoch = {}",
                        event.id, event.epoch),
            [&](const Row& row) {
              StoredOrder order;
              order.id = number(row[0]);
              order.user = number(row[1]);
              order.event = event.id;
              order.epoch = event.epoch;
              order.status = row[2].value_or("");
              order.hold_id = row[3].value_or("");
              order.amount = number(row[4]);
              order.fence = number(row[5]);
              order.seat_qty = static_cast<std::uint32_t>(number(row[6]));
              order.overdue = number(row[7]) != 0;
              index.emplace(order.id, state.orders.size());
              state.orders.push_back(std::move(order));
            });
  sql.query(fmt::format("SELECT order_id, seat_no, live FROM order_seats WHERE event_id = {} AND "
                        "epoch = {} ORDER BY order_id, seat_no",
                        event.id, event.epoch),
            [&](const Row& row) {
              const auto found = index.find(number(row[0]));
              if (found == index.end()) return;
              StoredOrder& order = state.orders[found->second];
              const auto seat = static_cast<std::uint32_t>(number(row[1]));
              order.all_seats.push_back(seat);
              if (row[2]) order.live_seats.push_back(seat);
            });
}

void read_tickets_and_payments(SqlConnection& sql, const SeededEvent& event, FinalState& state) {
  sql.query(fmt::format("SELECT order_id, user_id, seat_no FROM tickets WHERE event_id = {} AND "
                        "epoch = {}",
                        event.id, event.epoch),
            [&](const Row& row) {
              state.tickets.push_back({event.id, event.epoch, number(row[0]), number(row[1]),
                                       static_cast<std::uint32_t>(number(row[2]))});
            });
  sql.query(
      fmt::format("SELECT y.id, y.order_id, y.amount, y.payment_key, y.status FROM payments y "
                  "JOIN orders o ON o.id = y.order_id WHERE o.event_id = {} AND o.epoch = {}",
                  event.id, event.epoch),
      [&](const Row& row) {
        state.payments.push_back({number(row[0]), number(row[1]), number(row[2]),
                                  row[3].value_or(""), row[4].value_or("")});
      });
}

void read_sql(const MysqlEndpoint& endpoint, std::vector<SeededEvent>& events, FinalState& state) {
  SqlConnection sql(endpoint, store_timeout);
  // One view for all questions; nothing is locked and nothing is written.
  sql.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  sql.execute("SET SESSION group_concat_max_len = 4000");
  sql.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  take_current_epochs(sql, events);
  run_audits(sql, events, state);
  for (const SeededEvent& event : events) {
    read_orders(sql, event, state);
    read_tickets_and_payments(sql, event, state);
  }
  sql.execute("ROLLBACK");
}

// --- Redis
// -----------------------------------------------------------------------------------------

std::string key_of(const RedisEvent& event, const char* name) {
  return fmt::format("{{e{}.{}}}:{}", event.event, event.epoch, name);
}

void read_seats(RedisConnection& redis, RedisEvent& event) {
  event.marker = redis.text({"EXISTS", key_of(event, "ok")}) == "1";
  redis.scan("HSCAN", key_of(event, "st"), [&](const std::string& seat, const std::string& value) {
    if (const auto n = whole_number<std::uint32_t>(seat)) event.states[*n] = value;
  });
  event.bitmap = redis.text({"GET", key_of(event, "bm")}).value_or("");
  redis.scan("ZSCAN", key_of(event, "ex"), [&](const std::string& seat, const std::string& score) {
    if (const auto n = whole_number<std::uint32_t>(seat)) {
      event.expiries[*n] = static_cast<std::int64_t>(std::stod(score));
    }
  });
  redis.scan("HSCAN", key_of(event, "hd"),
             [&](const std::string& hold, const std::string& value) { event.holds[hold] = value; });
  redis.scan("HSCAN", key_of(event, "uq"), [&](const std::string& user, const std::string& used) {
    const auto id = whole_number<std::uint64_t>(user);
    const auto count = whole_number<std::int64_t>(used);
    if (id && count) event.quota[*id] = *count;
  });
}

std::map<std::string, std::int64_t> read_counters(RedisConnection& redis, const RedisEvent& event) {
  std::map<std::string, std::int64_t> counters;
  redis.scan("HSCAN", key_of(event, "qs"), [&](const std::string& name, const std::string& value) {
    // Beside the counters it holds the token bucket: `tok` (a fraction) and `ts`.
    const auto count = whole_number<std::int64_t>(value);
    if (count && name != "tok" && name != "ts") counters[name] = *count;
  });
  return counters;
}

void read_queue(RedisConnection& redis, RedisEvent& event) {
  const auto into = [&](const char* name, std::map<std::string, double>& places) {
    redis.scan("ZSCAN", key_of(event, name),
               [&](const std::string& user, const std::string& score) {
                 places[user] = std::stod(score);
               });
  };
  into("qw", event.waiting);
  into("qa", event.admitted);
}

// Pages are read one after the other. That they belong together is shown by what every change
// touches: the version and the counters, read before and after.
struct Stamp {
  std::optional<std::string> version, holds, expiries;
  std::map<std::string, std::int64_t> counters;
  bool operator==(const Stamp&) const = default;
};
Stamp stamp_of(RedisConnection& redis, const RedisEvent& event) {
  return {redis.text({"GET", key_of(event, "vr")}), redis.text({"HLEN", key_of(event, "hd")}),
          redis.text({"ZCARD", key_of(event, "ex")}), read_counters(redis, event)};
}

RedisEvent read_event(RedisConnection& redis, const SeededEvent& seeded) {
  for (int attempt = 0; attempt < steady_tries_max; ++attempt) {
    RedisEvent event;
    event.event = seeded.id;
    event.epoch = seeded.epoch;
    event.seats = seeded.seats;
    const auto time = redis.list({"TIME"});
    event.now_ms = static_cast<std::int64_t>(number(time.at(0)) * 1000 + number(time.at(1)) / 1000);
    const Stamp before = stamp_of(redis, event);
    read_seats(redis, event);
    read_queue(redis, event);
    event.queue_counters = before.counters;
    if (stamp_of(redis, event) == before) return event;
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  }
  throw StoreProblem(fmt::format("redis: event {} was still changing while it was read ({} tries)",
                                 seeded.id, steady_tries_max));
}

}  // namespace

FinalState read_final_state(const TopologyEndpoints& endpoints,
                            const std::vector<SeededEvent>& seeded, const SeededGames& games) {
  FinalState state;
  std::vector<SeededEvent> events = seeded;
  if (!endpoints.mysql) {
    state.sql_problem = "no MySQL endpoint is known (--mysql)";
  } else {
    try {
      read_sql(*endpoints.mysql, events, state);
      read_games(*endpoints.mysql, games, state);
      state.have_sql = true;
    } catch (const StoreProblem& problem) {
      state = FinalState{};
      state.sql_problem = problem.what();
    }
  }
  read_provider_books(endpoints, state);
  if (!endpoints.redis) {
    state.redis_problem = "no Redis endpoint is known (--redis)";
    return state;
  }
  try {
    RedisConnection redis(*endpoints.redis, store_timeout);
    for (const SeededEvent& event : events) state.redis.push_back(read_event(redis, event));
    read_ranks(redis, state);
    state.have_redis = true;
  } catch (const StoreProblem& problem) {
    state.redis.clear();
    state.redis_problem = problem.what();
  }
  return state;
}

}  // namespace stampede
