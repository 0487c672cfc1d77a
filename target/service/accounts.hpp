// People with a name and a password (domain §2.3.1): sign-up, log-in, sessions, own data, tickets.
// Knows no HTTP, SQL, Redis or token format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/caller.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"
#include "target/service/password_pool.hpp"

namespace boxoffice {

inline constexpr std::size_t login_bytes_min = 3, login_bytes_max = 64;
inline constexpr std::size_t password_bytes_min = 8, password_bytes_max = 128;
inline constexpr std::size_t nickname_letters_max = 20, email_bytes_max = 254;

struct Account {
  std::uint64_t id = 0;
  std::string login, nickname;
  std::optional<std::string> email, birth_date;  // the date as 2001-12-31
  Role role = Role::user;
  std::int64_t created_ms = 0;
};
struct SignUp {
  std::string login, password, nickname;
  std::optional<std::string> email, birth_date;
};
// What is absent stays; an empty text of `email` and `birth_date` clears it.
struct AccountEdit {
  std::optional<std::string> nickname, email, birth_date;
};
struct Credentials {
  Account account;
  std::string password_hash;
};

enum class TicketFilter : std::uint8_t { all, live, cancelled };
struct OwnTicket {
  std::uint64_t event = 0, order = 0;
  std::string title;
  std::int64_t starts_ms = 0;
  std::uint32_t seat = 0, column = 0, price = 0;
  std::string section, row_label;
  char grade = 'A';
  bool live = true;
};
struct TicketPage {
  std::vector<OwnTicket> items;
  std::uint64_t total = 0;
};

// MySQL. All throw StoreUnavailable("mysql").
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  virtual Task<Decision<std::uint64_t>> create(SignUp wanted, std::string password_hash) = 0;
  virtual Task<std::optional<Credentials>> find_login(std::string login) = 0;
  virtual Task<std::optional<Account>> find(std::uint64_t user) = 0;
  virtual Task<void> edit(std::uint64_t user, AccountEdit edit) = 0;
  virtual Task<bool> set_role(std::uint64_t user, Role role) = 0;  // false: no such user
  virtual Task<TicketPage> tickets(std::uint64_t user, TicketFilter filter, std::uint32_t page,
                                   std::uint32_t size) = 0;
};

// A log-in that can be prolonged. `generation` grows with every refresh, so that a token that was
// used before is known as such.
struct Session {
  std::string id;  // 32 hex digits
  std::uint64_t user = 0, generation = 1;
};
enum class Rotation : std::uint8_t { done, gone, reused };
// Redis. All throw StoreUnavailable("redis").
class SessionStore {
 public:
  virtual ~SessionStore() = default;
  virtual Task<void> start(Session session, Millis ttl) = 0;
  // One step, so that of two who come with the same generation one is told `reused`; then the
  // session is over for both, because one of them is a thief.
  virtual Task<Rotation> rotate(Session session, Millis ttl) = 0;
  virtual Task<void> end(std::string session) = 0;
};

class Accounts {
 public:
  static constexpr Millis session_ttl{std::chrono::hours(24 * 7)};

  Accounts(AccountStore& store, SessionStore& sessions, PasswordPool& passwords);

  Task<Decision<std::uint64_t>> sign_up(SignUp wanted);  // the new user's id
  // A wrong password, an unknown login and a user who has no password are the same refusal after
  // the same work.
  Task<Decision<std::pair<Account, Session>>> log_in(std::string login, std::string password,
                                                     std::string session_id);
  // The account as it is now: a changed role counts from the next refresh on.
  Task<Decision<std::pair<Account, Session>>> refresh(Session session);
  Task<void> log_out(std::string session);

  Task<Decision<Account>> account(std::uint64_t user);
  Task<Decision<Account>> edit(std::uint64_t user, AccountEdit edit);
  Task<TicketPage> tickets(std::uint64_t user, TicketFilter filter, std::uint32_t page,
                           std::uint32_t size);
  Task<Decision<Account>> set_role(std::uint64_t user, Role role);

 private:
  AccountStore& store_;
  SessionStore& sessions_;
  PasswordPool& passwords_;
};

// Each gives a sentence that says what is wrong, or nothing.
std::optional<std::string> login_problem(std::string_view login);
std::optional<std::string> password_problem(std::string_view password);
std::optional<std::string> nickname_problem(std::string_view nickname);
std::optional<std::string> email_problem(std::string_view email);
std::optional<std::string> birth_date_problem(std::string_view date);

}  // namespace boxoffice
