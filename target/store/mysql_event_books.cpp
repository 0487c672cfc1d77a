// Notices and sales figures in MySQL. Notices need no mark: their key is the outbox row's. Figures
// are sums, so what was added before is marked in `consumed` by the same transaction.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "target/order_parts.hpp"
#include "target/store/mysql_order_rows.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

class MysqlEventBooks final : public EventBooks {
 public:
  MysqlEventBooks(MysqlPool& pool, Metrics& metrics) : place_{pool, metrics} {}

  Task<std::uint64_t> note(std::vector<Notice> notices) override;
  Task<std::uint64_t> add(std::vector<Sale> sales) override;

 private:
  TransactionPlace place_;
};

// Types are our own words, but they came through Redis: nothing else gets into a statement.
bool is_type(const std::string& type) {
  return !type.empty() && type.size() <= 32 &&
         std::ranges::all_of(type, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

Task<std::uint64_t> MysqlEventBooks::note(std::vector<Notice> notices) {
  std::string values;
  for (const Notice& notice : notices) {
    if (!is_type(notice.type)) continue;
    values += fmt::format("{}({},{},{},'{}')", values.empty() ? "" : ",", notice.outbox_id,
                          notice.user, notice.order, notice.type);
  }
  if (values.empty()) co_return 0;
  const TransactionTimer timer(place_.metrics, "notify");
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  const Rows written = rows_or_throw(co_await connection->query(
      "INSERT IGNORE INTO notices (outbox_id,user_id,order_id,type) VALUES " + values));
  co_return written.affected;
}

std::string marks(const std::vector<Sale>& sales) {
  std::string values;
  for (const Sale& sale : sales) {
    values += fmt::format("{}('stats',{})", values.empty() ? "" : ",", sale.outbox_id);
  }
  return values;
}

// One row per event: in the key's order, so that two consumers never wait for each other.
std::string sums(const std::vector<Sale>& sales) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, Sale> events;
  for (const Sale& sale : sales) {
    Sale& sum = events[{sale.event, sale.epoch}];
    sum.created += sale.created;
    sum.confirmed += sale.confirmed;
    sum.declined += sale.declined;
    sum.cancelled += sale.cancelled;
    sum.expired += sale.expired;
    sum.refunded += sale.refunded;
    sum.seats += sale.seats;
    sum.revenue += sale.revenue;
    sum.refunded_amount += sale.refunded_amount;
  }
  std::string values;
  for (const auto& [key, sum] : events) {
    values +=
        fmt::format("{}({},{},{},{},{},{},{},{},{},{},{})", values.empty() ? "" : ",", key.first,
                    key.second, sum.created, sum.confirmed, sum.declined, sum.cancelled,
                    sum.expired, sum.refunded, sum.seats, sum.revenue, sum.refunded_amount);
  }
  return values;
}

Task<SqlResult<Rows>> add_sums(MysqlConnection& connection, const std::vector<Sale>& sales) {
  co_return co_await connection.query(
      "INSERT INTO event_sales (event_id,epoch,created,confirmed,declined,cancelled,expired,"
      "refunded,seats,revenue,refunded_amount) VALUES " +
      sums(sales) +
      " ON DUPLICATE KEY UPDATE created=created+VALUES(created),"
      "confirmed=confirmed+VALUES(confirmed),declined=declined+VALUES(declined),"
      "cancelled=cancelled+VALUES(cancelled),expired=expired+VALUES(expired),"
      "refunded=refunded+VALUES(refunded),seats=seats+VALUES(seats),"
      "revenue=revenue+VALUES(revenue),"
      "refunded_amount=refunded_amount+VALUES(refunded_amount)");
}

// An event may be in the batch twice (the relay died after it had sent it).
void keep_one_each(std::vector<Sale>& sales) {
  std::ranges::sort(sales, {}, &Sale::outbox_id);
  const auto again = std::ranges::unique(sales, {}, &Sale::outbox_id);
  sales.erase(again.begin(), again.end());
}

// Throws when two consumers keep taking each other's entries: they come again.
Task<std::uint64_t> MysqlEventBooks::add(std::vector<Sale> sales) {
  keep_one_each(sales);
  if (sales.empty()) co_return 0;
  using Result = SqlResult<Finished<std::uint64_t>>;
  auto work = [&sales](MysqlConnection& connection) -> Task<Result> {
    std::vector<std::uint64_t> ids;
    for (const Sale& sale : sales) ids.push_back(sale.outbox_id);
    const auto seen = co_await connection.query(
        "SELECT outbox_id FROM consumed WHERE consumer='stats' AND outbox_id IN (" + id_list(ids) +
        ")");
    if (!seen) co_return seen.error();
    std::set<std::uint64_t> known;
    for (const auto& row : seen->rows) known.insert(as_uint(row[0]));
    std::vector<Sale> fresh;
    for (const Sale& sale : sales) {
      if (!known.contains(sale.outbox_id)) fresh.push_back(sale);
    }
    if (fresh.empty()) co_return rolled_back(std::uint64_t{0});
    const auto marked = co_await connection.query(
        "INSERT INTO consumed (consumer,outbox_id) VALUES " + marks(fresh));
    if (!marked) co_return marked.error();
    const auto added = co_await add_sums(connection, fresh);
    if (!added) co_return added.error();
    co_return committed(static_cast<std::uint64_t>(fresh.size()));
  };
  const auto added = co_await transact<std::uint64_t>(place_, "stats", work);
  if (!added) throw_sql_error(added.error());
  co_return *added;
}

}  // namespace

std::unique_ptr<EventBooks> make_event_books(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlEventBooks>(mysql, metrics);
}

}  // namespace boxoffice
