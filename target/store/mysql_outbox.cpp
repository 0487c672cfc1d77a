// The outbox in MySQL. Rows are found by their state, not by an id above the last one: a row that
// commits late would be lost. Under READ COMMITTED the relay's locks do not hold up the writers.
#include <fmt/format.h>

#include "target/order_parts.hpp"
#include "target/store/mysql_order_rows.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

constexpr std::uint32_t attempts_max = 20;

class MysqlOutbox final : public OutboxStore {
 public:
  MysqlOutbox(MysqlPool& pool, Metrics& metrics, const Switches* switches)
      : place_{pool, metrics}, switches_(switches) {}

  Task<Relayed> relay(EventStreams& streams, std::uint32_t limit) override;
  Task<std::uint64_t> replay(std::chrono::seconds window, std::string consumer) override;
  Task<bool> mark_consumed(std::string consumer, std::uint64_t outbox_id) override;

 private:
  Task<std::vector<std::string>> append_or_forget(EventStreams& streams,
                                                  std::vector<OutboxRow> rows);
  TransactionPlace place_;
  const Switches* switches_;
};

bool is_entry_id(const std::string& id) {
  return !id.empty() && id.size() <= 32 && id.find_first_not_of("0123456789-") == std::string::npos;
}

// A row that Redis refuses again and again must not hold up the others for ever.
Task<void> put_off(MysqlConnection& connection, const std::vector<std::uint64_t>& refused) {
  if (refused.empty()) co_return;
  rows_or_throw(co_await connection.query(
      fmt::format("UPDATE outbox SET attempts=attempts+1,available_at=NOW(6)+INTERVAL 1 SECOND,"
                  "status=IF(attempts>={},'DEAD','PENDING') WHERE id IN ({})",
                  attempts_max, id_list(refused))));
}

Task<void> mark_sent(MysqlConnection& connection, const std::vector<OutboxRow>& rows,
                     const std::vector<std::string>& entry_ids) {
  std::vector<std::uint64_t> sent, refused;
  std::string entries;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i >= entry_ids.size() || !is_entry_id(entry_ids[i])) {
      refused.push_back(rows[i].id);
      continue;
    }
    sent.push_back(rows[i].id);
    entries += fmt::format(" WHEN {} THEN '{}'", rows[i].id, entry_ids[i]);
  }
  if (!sent.empty()) {
    rows_or_throw(
        co_await connection.query("UPDATE outbox SET status='SENT',sent_at=NOW(6),"
                                  "stream_id=CASE id" +
                                  entries + " END WHERE id IN (" + id_list(sent) + ")"));
  }
  co_await put_off(connection, refused);
}

// The defect outbox_send_then_forget: whatever became of the sending, all is said to be sent.
Task<std::vector<std::string>> MysqlOutbox::append_or_forget(EventStreams& streams,
                                                             std::vector<OutboxRow> rows) {
  std::vector<std::string> forgotten(rows.size(), "0-1");
  try {
    static_cast<void>(co_await streams.append(std::move(rows)));
  } catch (const StoreUnavailable&) {
    // As it is.
  }
  co_return forgotten;
}

Task<Relayed> MysqlOutbox::relay(EventStreams& streams, std::uint32_t limit) {
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max,
                                                 MysqlPool::Use::transaction);
  const TransactionTimer timer(place_.metrics, "relay");
  co_await connection->begin();
  std::vector<Cell> cells{static_cast<std::uint64_t>(limit)};
  const Rows found = rows_or_throw(co_await connection->execute(
      "SELECT id,stream,type,payload,CAST(TIMESTAMPDIFF(MICROSECOND,created_at,NOW(6)) DIV 1000 AS "
      "SIGNED) FROM outbox WHERE status='PENDING' AND available_at<=NOW(6) ORDER BY "
      "available_at,id "
      "LIMIT ? FOR UPDATE SKIP LOCKED",
      std::move(cells)));
  Relayed relayed;
  std::vector<OutboxRow> rows;
  for (const auto& row : found.rows) {
    rows.push_back({as_uint(row[0]), as_string(row[1]), as_string(row[2]), as_string(row[3])});
    relayed.oldest_age_ms = std::max(relayed.oldest_age_ms, as_int(row[4]));
  }
  if (rows.empty()) {
    co_await connection->rollback();
    co_return relayed;
  }
  const bool forget = switches_ != nullptr && switches_->outbox_send_then_forget;
  const auto entry_ids =
      forget ? co_await append_or_forget(streams, rows) : co_await streams.append(rows);
  co_await mark_sent(*connection, rows, entry_ids);
  co_await connection->commit();
  relayed.sent = static_cast<std::uint32_t>(rows.size());
  co_return relayed;
}

Task<std::uint64_t> MysqlOutbox::replay(std::chrono::seconds window, std::string consumer) {
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  std::vector<Cell> cells{static_cast<std::int64_t>(window.count()), std::move(consumer),
                          static_cast<std::uint64_t>(replayed_rows_max)};
  const Rows rows = rows_or_throw(co_await connection->execute(
      "UPDATE outbox SET status='PENDING' WHERE status='SENT' AND "
      "available_at>NOW(6)-INTERVAL ? SECOND AND NOT EXISTS (SELECT 1 FROM consumed c WHERE "
      "c.consumer=? AND c.outbox_id=outbox.id) ORDER BY id DESC LIMIT ?",
      std::move(cells)));
  co_return rows.affected;
}

Task<bool> MysqlOutbox::mark_consumed(std::string consumer, std::uint64_t outbox_id) {
  auto connection = co_await place_.pool.acquire(Clock::now() + transaction_time_max);
  std::vector<Cell> cells{std::move(consumer), outbox_id};
  const auto marked = co_await connection->execute(
      "INSERT INTO consumed (consumer,outbox_id) VALUES (?,?)", std::move(cells));
  if (!marked && marked.error().duplicate()) co_return false;
  rows_or_throw(marked);
  co_return true;
}

}  // namespace

std::unique_ptr<OutboxStore> make_outbox_store(MysqlPool& mysql, Metrics& metrics,
                                               const Switches* switches) {
  return std::make_unique<MysqlOutbox>(mysql, metrics, switches);
}

}  // namespace boxoffice
