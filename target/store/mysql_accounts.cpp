// AccountStore on MySQL.
#include <fmt/format.h>

#include "target/account_parts.hpp"
#include "target/service/wall_time.hpp"
#include "target/store/mysql_transaction.hpp"

namespace boxoffice {

namespace {

constexpr auto quick = std::chrono::seconds(5);

#define ACCOUNT_COLUMNS                                   \
  "id, login, nickname, email, birth_date, role, "        \
  "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) " \
  "DIV 1000"

std::optional<std::string> text_of(const Cell& cell) {
  if (is_null(cell)) return std::nullopt;
  return as_string(cell);
}

Account account_of(const std::vector<Cell>& row) {
  Account account;
  account.id = as_uint(row[0]);
  account.login = as_string(row[1]);
  account.nickname = as_string(row[2]);
  account.email = text_of(row[3]);
  if (const auto date = text_of(row[4])) account.birth_date = date->substr(0, 10);
  account.role = role_of(as_string(row[5])).value_or(Role::user);
  account.created_ms = as_int(row[6]);
  return account;
}

Cell cell_of(const std::optional<std::string>& text) {
  return text && !text->empty() ? Cell(*text) : Cell(nullptr);
}

class MysqlAccounts final : public AccountStore {
 public:
  MysqlAccounts(MysqlPool& mysql, Metrics& metrics) : mysql_(mysql), metrics_(metrics) {}

  Task<Decision<std::uint64_t>> create(SignUp wanted, std::string password_hash) override;
  Task<std::optional<Credentials>> find_login(std::string login) override;
  Task<std::optional<Account>> find(std::uint64_t user) override;
  Task<void> edit(std::uint64_t user, AccountEdit edit) override;
  Task<bool> set_role(std::uint64_t user, Role role) override;
  Task<TicketPage> tickets(std::uint64_t user, TicketFilter filter, std::uint32_t page,
                           std::uint32_t size) override;

 private:
  MysqlPool& mysql_;
  Metrics& metrics_;
};

Task<Decision<std::uint64_t>> MysqlAccounts::create(SignUp wanted, std::string password_hash) {
  const TransactionTimer timer(metrics_, "signup");
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  std::vector<Cell> row{wanted.login, wanted.nickname, cell_of(wanted.email),
                        cell_of(wanted.birth_date), std::move(password_hash)};
  const auto made = co_await lease->execute(
      "INSERT INTO users (login, nickname, email, birth_date, pw_hash) VALUES (?,?,?,?,?)",
      std::move(row));
  if (made) co_return made->insert_id;
  if (!made.error().duplicate_of("uq_users_login")) throw_sql_error(made.error());
  No no;
  no.refusal = Refusal::login_taken;
  co_return no;
}

Task<std::optional<Credentials>> MysqlAccounts::find_login(std::string login) {
  const TransactionTimer timer(metrics_, "login");
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  std::vector<Cell> named{std::move(login)};
  const auto found = co_await lease->execute(
      "SELECT " ACCOUNT_COLUMNS ", pw_hash FROM users WHERE login = ?", std::move(named));
  if (found.value().rows.empty()) co_return std::nullopt;
  const auto& row = found->rows[0];
  co_return Credentials{account_of(row), as_string(row[7])};
}

Task<std::optional<Account>> MysqlAccounts::find(std::uint64_t user) {
  const TransactionTimer timer(metrics_, "account");
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  std::vector<Cell> named{user};
  const auto found = co_await lease->execute("SELECT " ACCOUNT_COLUMNS " FROM users WHERE id = ?",
                                             std::move(named));
  if (found.value().rows.empty()) co_return std::nullopt;
  co_return account_of(found->rows[0]);
}

Task<void> MysqlAccounts::edit(std::uint64_t user, AccountEdit edit) {
  const TransactionTimer timer(metrics_, "account_edit");
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto given = [](const std::optional<std::string>& text) {
    return Cell(std::int64_t{text.has_value()});
  };
  std::vector<Cell> cells{cell_of(edit.nickname), given(edit.email),        cell_of(edit.email),
                          given(edit.birth_date), cell_of(edit.birth_date), user};
  const auto edited = co_await lease->execute(
      "UPDATE users SET nickname = COALESCE(?, nickname), email = IF(?, ?, email), "
      "birth_date = IF(?, ?, birth_date) WHERE id = ?",
      std::move(cells));
  if (!edited) throw_sql_error(edited.error());
}

Task<bool> MysqlAccounts::set_role(std::uint64_t user, Role role) {
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  std::vector<Cell> cells{std::string(name_of(role)), user};
  const auto set =
      co_await lease->execute("UPDATE users SET role = ? WHERE id = ?", std::move(cells));
  if (!set) throw_sql_error(set.error());
  std::vector<Cell> named{user};
  const auto found = co_await lease->execute("SELECT 1 FROM users WHERE id = ?", std::move(named));
  co_return !found.value().rows.empty();
}

// A live ticket has its row; of a cancelled one the order and its seats remain. Orders that were
// never confirmed (expired, or paid too late) had no ticket and are not shown.
#define LIVE_TICKETS                                                                  \
  "SELECT t.event_id, t.order_id, t.seat_no, 1 AS live, o.created_at FROM tickets t " \
  "JOIN orders o ON o.id = t.order_id WHERE t.user_id = ? AND ? <> 2"
#define CANCELLED_TICKETS                                                      \
  "SELECT s.event_id, o.id, s.seat_no, 0 AS live, o.created_at FROM orders o " \
  "JOIN order_seats s ON s.order_id = o.id WHERE o.user_id = ? AND ? <> 1 "    \
  "AND o.status IN ('REFUND_PENDING', 'REFUNDED') AND o.reason = 'USER'"
#define OWN_TICKETS "(" LIVE_TICKETS " UNION ALL " CANCELLED_TICKETS ") x "

Task<TicketPage> MysqlAccounts::tickets(std::uint64_t user, TicketFilter filter, std::uint32_t page,
                                        std::uint32_t size) {
  const TransactionTimer timer(metrics_, "own_tickets");
  auto lease = co_await mysql_.acquire(Clock::now() + quick);
  const auto wanted = static_cast<std::uint64_t>(filter);
  std::vector<Cell> filtered{user, wanted, user, wanted};
  TicketPage answer;
  const auto count = co_await lease->execute("SELECT COUNT(*) FROM " OWN_TICKETS, filtered);
  answer.total = as_uint(count.value().rows.at(0).at(0));
  filtered.emplace_back(std::uint64_t{size});
  filtered.emplace_back(std::uint64_t{page} * size);
  const auto found = co_await lease->execute(
      "SELECT x.event_id, x.order_id, e.title, "
      "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', e.starts_at) DIV 1000, x.seat_no, p.section, "
      "p.row_label, p.col_no, p.grade, s.price, x.live FROM " OWN_TICKETS
      "JOIN events e ON e.id = x.event_id "
      "JOIN seats p ON p.event_id = x.event_id AND p.seat_no = x.seat_no "
      "JOIN order_seats s ON s.order_id = x.order_id AND s.seat_no = x.seat_no "
      "ORDER BY x.created_at DESC, x.order_id, x.seat_no LIMIT ? OFFSET ?",
      std::move(filtered));
  for (const auto& row : found.value().rows) {
    OwnTicket& ticket = answer.items.emplace_back();
    ticket.event = as_uint(row[0]);
    ticket.order = as_uint(row[1]);
    ticket.title = as_string(row[2]);
    ticket.starts_ms = as_int(row[3]);
    ticket.seat = static_cast<std::uint32_t>(as_uint(row[4]));
    ticket.section = as_string(row[5]);
    ticket.row_label = as_string(row[6]);
    ticket.column = static_cast<std::uint32_t>(as_uint(row[7]));
    ticket.grade = as_string(row[8]).at(0);
    ticket.price = static_cast<std::uint32_t>(as_uint(row[9]));
    ticket.live = as_uint(row[10]) != 0;
  }
  co_return answer;
}

}  // namespace

std::unique_ptr<AccountStore> make_account_store(MysqlPool& mysql, Metrics& metrics) {
  return std::make_unique<MysqlAccounts>(mysql, metrics);
}

}  // namespace boxoffice
