// VenueStore on MySQL.
#include "target/account_parts.hpp"
#include "target/service/venues.hpp"
#include "target/store/mysql_seed.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

constexpr auto quick = std::chrono::seconds(5);

// "A" → 1, "Z" → 26, "AA" → 27: the other way than row_label().
std::uint32_t rows_up_to(std::string_view label) {
  std::uint32_t rows = 0;
  for (const char c : label) {
    if (c < 'A' || c > 'Z') return 0;
    rows = rows * 26 + static_cast<std::uint32_t>(c - 'A') + 1;
  }
  return rows;
}

class MysqlVenues final : public VenueStore {
 public:
  MysqlVenues(MysqlPool& mysql, Metrics& metrics) : mysql_(mysql), metrics_(metrics) {}

  Task<std::uint64_t> create(Venue venue) override {
    auto lease = co_await mysql_.acquire(Clock::now() + quick);
    std::vector<Cell> row{venue.name, venue.address, row_label(venue.rows - 1),
                          std::uint64_t{venue.columns}, venue.owner};
    const auto made = co_await lease->execute(
        "INSERT INTO venues (name, address, max_row, max_col, owner_id) VALUES (?,?,?,?,?)",
        std::move(row));
    co_return made.value().insert_id;
  }

  Task<std::optional<Venue>> find(std::uint64_t venue) override {
    auto lease = co_await mysql_.acquire(Clock::now() + quick);
    std::vector<Cell> named{venue};
    const auto found = co_await lease->execute(
        "SELECT id, owner_id, name, address, max_row, max_col FROM venues WHERE id = ?",
        std::move(named));
    if (found.value().rows.empty()) co_return std::nullopt;
    const auto& row = found->rows[0];
    co_return Venue{as_uint(row[0]),
                    as_uint(row[1]),
                    as_string(row[2]),
                    as_string(row[3]),
                    rows_up_to(as_string(row[4])),
                    static_cast<std::uint32_t>(as_uint(row[5]))};
  }

  Task<std::optional<std::uint64_t>> owner_of(std::uint64_t event) override {
    auto lease = co_await mysql_.acquire(Clock::now() + quick);
    std::vector<Cell> named{event};
    const auto found = co_await lease->execute(
        "SELECT COALESCE(owner_id, 0) FROM events WHERE id = ?", std::move(named));
    if (found.value().rows.empty()) co_return std::nullopt;
    co_return as_uint(found->rows[0][0]);
  }

  Task<void> assign(std::uint64_t event, std::uint64_t venue, std::uint64_t owner) override {
    auto lease = co_await mysql_.acquire(Clock::now() + quick);
    std::vector<Cell> cells{venue, owner, event};
    const auto set = co_await lease->execute(
        "UPDATE events SET venue_id = ?, owner_id = ? WHERE id = ?", std::move(cells));
    if (!set) throw_sql_error(set.error());
  }

  Task<bool> set_prices(std::uint64_t event, Prices prices) override {
    auto work = [&](MysqlConnection& connection) -> Task<SqlResult<Finished<bool>>> {
      for (const auto& [grade, price] : prices) {
        std::vector<Cell> cells{event, std::string(1, grade)};
        const auto known = co_await connection.execute(
            "SELECT 1 FROM seat_grades WHERE event_id = ? AND grade = ? FOR UPDATE",
            std::move(cells));
        if (!known) co_return known.error();
        if (known->rows.empty()) co_return rolled_back(false);
        std::vector<Cell> row{std::uint64_t{price}, event, std::string(1, grade)};
        const auto set = co_await connection.execute(
            "UPDATE seat_grades SET price = ? WHERE event_id = ? AND grade = ?", std::move(row));
        if (!set) co_return set.error();
      }
      co_return committed(true);
    };
    const auto done = co_await transact<bool>({mysql_, metrics_}, "prices", work);
    if (!done) throw_sql_error(done.error());
    co_return *done;
  }

 private:
  MysqlPool& mysql_;
  Metrics& metrics_;
};

}  // namespace

std::unique_ptr<VenueStore> make_venue_store(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlVenues>(mysql, metrics);
}

}  // namespace boxoffice
