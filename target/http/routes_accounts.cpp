// Accounts, §2.3.1: sign-up, log-in, refresh, log-out, own data, own tickets; and on the admin port
// the role of a user.
#include <fmt/format.h>

#include "target/account_parts.hpp"
#include "target/faults.hpp"
#include "target/http/json_answers.hpp"
#include "target/http/json_body.hpp"
#include "target/http/json_fields.hpp"
#include "target/http/jwt.hpp"
#include "target/http/query_number.hpp"
#include "target/http/refresh_token.hpp"
#include "target/service/instant.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

constexpr std::chrono::minutes access_ttl{60};
constexpr std::size_t session_bytes = 16, text_bytes_max = 1024;
constexpr std::uint32_t page_size_default = 20, page_size_max = 100, page_max = 100000;

// Tokens and personal data are nothing for a shared cache.
HttpResponse not_stored(HttpResponse response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Json to_json(const Account& account) {
  const auto text = [](const std::optional<std::string>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  return {{"userId", std::to_string(account.id)},
          {"login", account.login},
          {"nickname", account.nickname},
          {"email", text(account.email)},
          {"birthDate", text(account.birth_date)},
          {"role", name_of(account.role)},
          {"createdAt", rfc3339(account.created_ms)}};
}

Json to_json(const OwnTicket& ticket) {
  return {{"eventId", ticket.event},
          {"orderId", std::to_string(ticket.order)},
          {"title", ticket.title},
          {"startsAt", rfc3339(ticket.starts_ms)},
          {"seatId", ticket.seat},
          {"section", ticket.section},
          {"r", ticket.row_label},
          {"c", ticket.column},
          {"grade", std::string(1, ticket.grade)},
          {"price", ticket.price},
          {"state", ticket.live ? "LIVE" : "CANCELLED"}};
}

void judge(const std::optional<std::string>& value,
           std::optional<std::string> (*problem_of)(std::string_view), Problems& problems) {
  if (!value) return;
  if (auto wrong = problem_of(*value)) problems.push_back(std::move(*wrong));
}

SignUp read_sign_up(const Json& body, Problems& problems) {
  JsonFields fields(body, "", problems);
  const auto login = fields.text("login", text_bytes_max);
  const auto password = fields.text("password", text_bytes_max);
  const auto nickname = fields.text("nickname", text_bytes_max);
  SignUp wanted{login.value_or(""), password.value_or(""), nickname.value_or(""),
                fields.text("email", text_bytes_max), fields.text("birthDate", text_bytes_max)};
  if (!problems.empty()) return wanted;
  judge(wanted.login, &login_problem, problems);
  judge(wanted.password, &password_problem, problems);
  judge(wanted.nickname, &nickname_problem, problems);
  judge(wanted.email, &email_problem, problems);
  judge(wanted.birth_date, &birth_date_problem, problems);
  return wanted;
}

AccountEdit read_edit(const Json& body, Problems& problems) {
  JsonFields fields(body, "", problems);
  AccountEdit edit{fields.text("nickname", text_bytes_max), fields.text("email", text_bytes_max),
                   fields.text("birthDate", text_bytes_max)};
  judge(edit.nickname, &nickname_problem, problems);
  judge(edit.email, &email_problem, problems);
  judge(edit.birth_date, &birth_date_problem, problems);
  // null takes away what may be absent.
  const auto cleared = [&body](const char* name, std::optional<std::string>& field) {
    const auto found = body.find(name);
    if (found != body.end() && found->is_null()) field = "";
  };
  cleared("email", edit.email);
  cleared("birthDate", edit.birth_date);
  return edit;
}

std::optional<TicketFilter> filter_of(std::string_view text) noexcept {
  if (text.empty() || text == "ALL") return TicketFilter::all;
  if (text == "LIVE") return TicketFilter::live;
  if (text == "CANCELLED") return TicketFilter::cancelled;
  return std::nullopt;
}

class AccountRoutes {
 public:
  explicit AccountRoutes(ThreadContext& thread)
      : jwt_secret_(thread.config.jwt_secret),
        refresh_tokens_(jwt_secret_),
        store_(make_account_store(thread.mysql, thread.metrics)),
        sessions_(make_session_store(thread.redis)),
        own_passwords_(thread.passwords != nullptr
                           ? nullptr
                           : std::make_unique<PasswordPool>(thread.config.password_threads,
                                                            thread.config.password_waiting_max,
                                                            thread.config.password_cost)),
        accounts_(*store_, *sessions_,
                  thread.passwords != nullptr ? *thread.passwords : *own_passwords_),
        metrics_(thread.metrics) {}

  Task<HttpResponse> sign_up(const HttpRequest& request);
  Task<HttpResponse> log_in(const HttpRequest& request);
  Task<HttpResponse> refresh(const HttpRequest& request);
  Task<HttpResponse> log_out(const HttpRequest& request);
  Task<HttpResponse> me(const HttpRequest& request);
  Task<HttpResponse> edit(const HttpRequest& request);
  Task<HttpResponse> tickets(const HttpRequest& request);
  Task<HttpResponse> set_role(const HttpRequest& request);

 private:
  HttpResponse tokens(const Account& account, const Session& session);
  std::optional<Session> session_in(const JsonObject& body);

  const std::string jwt_secret_;
  const RefreshTokens refresh_tokens_;
  std::unique_ptr<AccountStore> store_;
  std::unique_ptr<SessionStore> sessions_;
  std::unique_ptr<PasswordPool> own_passwords_;
  Accounts accounts_;
  Metrics& metrics_;
};

HttpResponse AccountRoutes::tokens(const Account& account, const Session& session) {
  const auto now = wall_clock();
  const std::chrono::milliseconds expires_in = access_ttl;
  return not_stored(
      answer({{"accessToken", sign_jwt(jwt_secret_, account.id, account.role, now, access_ttl)},
              {"refreshToken", refresh_tokens_.sign(session, now + Accounts::session_ttl)},
              {"expiresInMs", expires_in.count()}}));
}

Task<HttpResponse> AccountRoutes::sign_up(const HttpRequest& request) {
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  SignUp wanted = read_sign_up(body->members, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  const auto made = co_await accounts_.sign_up(std::move(wanted));
  metrics_.count("signup", "result", made ? "OK" : row_of(made.error().refusal).code);
  if (!made) co_return problem(made.error(), request);
  auto response = answer({{"userId", std::to_string(*made)}}, 201);
  response.headers.emplace_back("Location", "/api/users/me");
  co_return response;
}

Task<HttpResponse> AccountRoutes::log_in(const HttpRequest& request) {
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  JsonFields fields(body->members, "", problems);
  auto login = fields.text("login", text_bytes_max);
  auto password = fields.text("password", text_bytes_max);
  if (!login || !password) problems.emplace_back("login and password are needed");
  if (!problems.empty()) co_return invalid(problems, request);
  // What can be no login and no password is refused as a wrong one, after the same work.
  if (login_problem(*login)) login = "";
  if (password_problem(*password)) password = "";
  const auto entered =
      co_await accounts_.log_in(std::move(*login), std::move(*password), random_hex(session_bytes));
  metrics_.count("login", "result", entered ? "OK" : row_of(entered.error().refusal).code);
  if (!entered) co_return problem(entered.error(), request);
  co_return tokens(entered->first, entered->second);
}

std::optional<Session> AccountRoutes::session_in(const JsonObject& body) {
  const auto found = body.members.find("refreshToken");
  if (found == body.members.end() || !found->is_string()) return std::nullopt;
  return refresh_tokens_.verify(found->get_ref<const std::string&>(), wall_clock());
}

Task<HttpResponse> AccountRoutes::refresh(const HttpRequest& request) {
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  auto session = session_in(*body);
  if (!session) co_return problem(refuse(Refusal::bad_token, "log in again"), request);
  const auto entered = co_await accounts_.refresh(std::move(*session));
  if (!entered) co_return problem(entered.error(), request);
  co_return tokens(entered->first, entered->second);
}

Task<HttpResponse> AccountRoutes::log_out(const HttpRequest& request) {
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  auto session = session_in(*body);
  if (!session) co_return problem(refuse(Refusal::bad_token, {}), request);
  co_await accounts_.log_out(std::move(session->id));
  co_return no_content();
}

Task<HttpResponse> AccountRoutes::me(const HttpRequest& request) {
  const auto account = co_await accounts_.account(request.caller->user);
  if (!account) co_return problem(account.error(), request);
  co_return not_stored(answer(to_json(*account)));
}

Task<HttpResponse> AccountRoutes::edit(const HttpRequest& request) {
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  AccountEdit edit = read_edit(body->members, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  const auto account = co_await accounts_.edit(request.caller->user, std::move(edit));
  if (!account) co_return problem(account.error(), request);
  co_return not_stored(answer(to_json(*account)));
}

Task<HttpResponse> AccountRoutes::tickets(const HttpRequest& request) {
  const auto filter = filter_of(request.query_value("state").value_or(""));
  const auto page = number_in(request, "page", 1, page_max);
  const auto size = number_in(request, "size", page_size_default, page_size_max);
  if (!filter || !page || !size) {
    const std::string rule = fmt::format(
        "state is ALL, LIVE or CANCELLED, page 1 to {}, size 1 to {}", page_max, page_size_max);
    co_return problem(refuse(Refusal::malformed, rule), request);
  }
  const TicketPage found =
      co_await accounts_.tickets(request.caller->user, *filter, *page - 1, *size);
  Json items = Json::array();
  for (const OwnTicket& ticket : found.items) items.push_back(to_json(ticket));
  co_return not_stored(answer(
      {{"items", std::move(items)}, {"page", *page}, {"size", *size}, {"total", found.total}}));
}

Task<HttpResponse> AccountRoutes::set_role(const HttpRequest& request) {
  const auto user = request.path_id(0);
  if (!user) co_return problem(refuse(Refusal::not_found, "no such user"), request);
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  const auto name = JsonFields(body->members, "", problems).text("role", text_bytes_max);
  const auto role = role_of(name.value_or(""));
  if (!role) problems.emplace_back("role must be USER, COMPANY or ADMIN");
  if (!problems.empty()) co_return invalid(problems, request);
  const auto account = co_await accounts_.set_role(*user, *role);
  if (!account) co_return problem(account.error(), request);
  co_return answer(to_json(*account));
}

using Method = Task<HttpResponse> (AccountRoutes::*)(const HttpRequest&);
struct AccountRow {
  std::string_view method, pattern;
  Auth auth;
  Method handle;
};
constexpr AccountRow rows[] = {
    {"POST", "/api/auth/signup", Auth::none, &AccountRoutes::sign_up},
    {"POST", "/api/auth/login", Auth::none, &AccountRoutes::log_in},
    {"POST", "/api/auth/refresh", Auth::none, &AccountRoutes::refresh},
    {"POST", "/api/auth/logout", Auth::none, &AccountRoutes::log_out},
    {"GET", "/api/users/me", Auth::bearer, &AccountRoutes::me},
    {"PUT", "/api/users/me", Auth::bearer, &AccountRoutes::edit},
    {"GET", "/api/users/me/tickets", Auth::bearer, &AccountRoutes::tickets},
    {"PATCH", "/admin/users/{id}", Auth::admin_token, &AccountRoutes::set_role},
};

}  // namespace

std::shared_ptr<void> add_account_routes(ThreadContext& thread, RouteTable& table) {
  auto routes = std::make_shared<AccountRoutes>(thread);
  for (const AccountRow& row : rows) {
    Route route;
    route.method = row.method;
    route.pattern = row.pattern;
    route.admin = row.auth == Auth::admin_token;
    route.role = route.admin ? "admin" : "catalog";
    route.auth = row.auth;
    route.handle = [self = routes.get(), handle = row.handle](const HttpRequest& request) {
      return (self->*handle)(request);
    };
    table.routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace boxoffice
