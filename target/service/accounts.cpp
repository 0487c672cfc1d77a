#include "target/service/accounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "target/faults.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t busy_retry_ms = 1000;
constexpr int birth_year_min = 1900;

No refuse(Refusal refusal, std::string detail) {
  No no;
  no.refusal = refusal;
  no.detail = std::move(detail);
  return no;
}

No busy() {
  No no = refuse(Refusal::overloaded, "too many people log in at this moment");
  no.retry_after_ms = busy_retry_ms;
  return no;
}

No no_such_user() { return refuse(Refusal::not_found, "no such user"); }
No session_over() { return refuse(Refusal::bad_token, "log in again"); }

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }

// Of UTF-8 text: bytes that begin a letter.
std::size_t letters_in(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::optional<int> digits(std::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

std::optional<std::string> login_problem(std::string_view login) {
  const bool plain = std::ranges::all_of(login, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-").find(c) != std::string_view::npos;
  });
  if (plain && login.size() >= login_bytes_min && login.size() <= login_bytes_max) return {};
  return fmt::format("login must be {} to {} letters, digits or . _ @ + -", login_bytes_min,
                     login_bytes_max);
}

std::optional<std::string> password_problem(std::string_view password) {
  // Without NUL: scrypt's HMAC fills short keys up with it, so one at the end would not count.
  const bool plain = password.find('\0') == std::string_view::npos;
  if (plain && password.size() >= password_bytes_min && password.size() <= password_bytes_max)
    return {};
  return fmt::format("password must be {} to {} bytes, none of them NUL", password_bytes_min,
                     password_bytes_max);
}

std::optional<std::string> nickname_problem(std::string_view nickname) {
  const std::size_t letters = letters_in(nickname);
  const bool fine = letters >= 1 && letters <= nickname_letters_max &&
                    std::ranges::none_of(nickname, is_control) &&
                    nickname.find_first_not_of(' ') != std::string_view::npos;
  if (fine) return {};
  return fmt::format("nickname must be 1 to {} letters", nickname_letters_max);
}

std::optional<std::string> email_problem(std::string_view email) {
  const auto at = email.find('@');
  const bool fine = email.size() <= email_bytes_max && at != std::string_view::npos && at > 0 &&
                    at == email.rfind('@') && at + 1 < email.size() &&
                    std::ranges::none_of(email, is_control) &&
                    email.find(' ') == std::string_view::npos;
  if (fine) return {};
  return fmt::format("email must be an address of at most {} bytes", email_bytes_max);
}

std::optional<std::string> birth_date_problem(std::string_view date) {
  constexpr std::string_view problem = "birthDate must be a date in the past, such as 2001-12-31";
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return std::string(problem);
  const auto year = digits(date.substr(0, 4)), month = digits(date.substr(5, 2)),
             day = digits(date.substr(8, 2));
  if (!year || !month || !day || *year < birth_year_min) return std::string(problem);
  const std::chrono::year_month_day born{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  const auto today = std::chrono::floor<std::chrono::days>(wall_clock());
  if (!born.ok() || std::chrono::sys_days(born) > today) return std::string(problem);
  return {};
}

Accounts::Accounts(AccountStore& store, SessionStore& sessions, PasswordPool& passwords)
    : store_(store), sessions_(sessions), passwords_(passwords) {}

Task<Decision<std::uint64_t>> Accounts::sign_up(SignUp wanted) {
  auto hash = co_await passwords_.hash(std::move(wanted.password));
  if (!hash) co_return busy();
  wanted.password.clear();
  co_return co_await store_.create(std::move(wanted), std::move(*hash));
}

Task<Decision<std::pair<Account, Session>>> Accounts::log_in(std::string login,
                                                             std::string password,
                                                             std::string session_id) {
  auto known = co_await store_.find_login(std::move(login));
  std::string stored = known ? known->password_hash : "";
  const auto right = co_await passwords_.verify(std::move(password), std::move(stored));
  if (!right) co_return busy();
  if (!*right) co_return refuse(Refusal::bad_credentials, {});
  Session session{std::move(session_id), known->account.id, 1};
  co_await sessions_.start(session, session_ttl);
  co_return std::pair(std::move(known->account), std::move(session));
}

Task<Decision<std::pair<Account, Session>>> Accounts::refresh(Session session) {
  // Found before the step is taken, so that a database that is away does not cost the session.
  auto account = co_await store_.find(session.user);
  if (!account) co_return session_over();
  const Rotation rotation = co_await sessions_.rotate(session, session_ttl);
  if (rotation != Rotation::done) co_return session_over();
  ++session.generation;
  co_return std::pair(std::move(*account), std::move(session));
}

Task<void> Accounts::log_out(std::string session) { co_await sessions_.end(std::move(session)); }

Task<Decision<Account>> Accounts::account(std::uint64_t user) {
  auto account = co_await store_.find(user);
  if (!account) co_return no_such_user();
  co_return std::move(*account);
}

Task<Decision<Account>> Accounts::edit(std::uint64_t user, AccountEdit edit) {
  co_await store_.edit(user, std::move(edit));
  co_return co_await account(user);
}

Task<TicketPage> Accounts::tickets(std::uint64_t user, TicketFilter filter, std::uint32_t page,
                                   std::uint32_t size) {
  return store_.tickets(user, filter, page, size);
}

Task<Decision<Account>> Accounts::set_role(std::uint64_t user, Role role) {
  if (!co_await store_.set_role(user, role)) co_return no_such_user();
  co_return co_await account(user);
}

}  // namespace boxoffice
