// Accounts over the real server and real stores: who may enter, for how long, and what a stranger
// can find out.
#include <gtest/gtest.h>

#include "target/http/refresh_token.hpp"
#include "target/service/password.hpp"
#include "tests/integration/target_people/people_fixture.hpp"

namespace boxoffice {
namespace {

using Json = nlohmann::json;

class AccountsTest : public PeopleFixture {
 protected:
  static std::string fresh_login() {
    static int number = 0;
    return "person" + std::to_string(++number);
  }
  static Told sign_up(const std::string& login, const std::string& password = "correct horse") {
    const Json body{{"login", login}, {"password", password}, {"nickname", "Ann"}};
    return ask("POST", "/api/auth/signup", body.dump());
  }
  static Told log_in(const std::string& login, const std::string& password = "correct horse") {
    const Json body{{"login", login}, {"password", password}};
    return ask("POST", "/api/auth/login", body.dump());
  }
  static Told refresh(const std::string& token) {
    return ask("POST", "/api/auth/refresh", Json{{"refreshToken", token}}.dump());
  }
  static Told log_out(const std::string& token) {
    return ask("POST", "/api/auth/logout", Json{{"refreshToken", token}}.dump());
  }
  static std::string text(const Told& told, const char* name) { return told.json.value(name, ""); }
};

TEST_F(AccountsTest, WhoSignsUpMayLogInAndReadAndChangeOwnData) {
  const std::string login = fresh_login();
  const Told made = sign_up(login);
  ASSERT_EQ(made.status, 201) << made.text;
  const Told entered = log_in(login);
  ASSERT_EQ(entered.status, 200) << entered.text;
  EXPECT_EQ(entered.json.at("expiresInMs"), 3600000);
  EXPECT_EQ(entered.field("Cache-Control"), "no-store");
  const std::string token = text(entered, "accessToken");
  const Told me = ask_with(token, "GET", "/api/users/me");
  ASSERT_EQ(me.status, 200) << me.text;
  EXPECT_EQ(me.json.at("userId"), made.json.at("userId"));
  EXPECT_EQ(me.json.at("login"), login);
  EXPECT_EQ(me.json.at("role"), "USER");
  EXPECT_TRUE(me.json.at("email").is_null());
  EXPECT_EQ(me.text.find("scrypt"), std::string::npos);

  const Told changed = ask_with(token, "PUT", "/api/users/me",
                                R"({"email":"a@b.example","birthDate":"2001-12-31"})");
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(changed.json.at("email"), "a@b.example");
  EXPECT_EQ(changed.json.at("birthDate"), "2001-12-31");
  EXPECT_EQ(changed.json.at("nickname"), "Ann");
  const Told cleared = ask_with(token, "PUT", "/api/users/me", R"({"email":null})");
  EXPECT_TRUE(cleared.json.at("email").is_null());
  EXPECT_EQ(cleared.json.at("birthDate"), "2001-12-31");
}

TEST_F(AccountsTest, ALoginHasOneOwnerWhateverItsCase) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login).status, 201);
  const Told again = sign_up(login);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "LOGIN_TAKEN");
  std::string upper = login;
  upper[0] = 'P';
  EXPECT_EQ(sign_up(upper).code(), "LOGIN_TAKEN");
}

TEST_F(AccountsTest, SignUpNamesEveryProblemAtOnceAndMakesNobody) {
  const auto users = sql("SELECT COUNT(*) FROM users");
  const Told told = ask("POST", "/api/auth/signup",
                        R"({"login":"a b","password":"short","nickname":"","email":"x",)"
                        R"("birthDate":"2023-02-30"})");
  EXPECT_EQ(told.status, 422);
  const std::string detail = text(told, "detail");
  for (const char* name : {"login", "password", "nickname", "email", "birthDate"})
    EXPECT_NE(detail.find(name), std::string::npos) << detail;
  EXPECT_EQ(told.text.find("short"), std::string::npos) << "the password is told";
  for (const char* bad : {"[]", "{", "\"x\"", "{\"login\":1,\"password\":2,\"nickname\":3}"}) {
    const int status = ask("POST", "/api/auth/signup", bad).status;
    EXPECT_TRUE(status == 400 || status == 422) << bad << status;
  }
  EXPECT_EQ(sql("SELECT COUNT(*) FROM users"), users);
}

TEST_F(AccountsTest, TheDatabaseKeepsAHashAndNoPassword) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login, "a password to find").status, 201);
  const auto stored = sql("SELECT pw_hash FROM users WHERE login = '" + login + "'");
  EXPECT_TRUE(stored[0][0].starts_with("$scrypt$ln=10,")) << stored[0][0];
  EXPECT_EQ(stored[0][0].find("password"), std::string::npos);
}

TEST_F(AccountsTest, AStrangerCannotTellAWrongPasswordFromAnUnknownLogin) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login).status, 201);
  sql("INSERT INTO users (login, nickname, pw_hash) VALUES ('seeded-user', 's', '!')");
  Told wrong = log_in(login, "wrong password");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "BAD_CREDENTIALS");
  for (const auto& [who, password] :
       std::vector<std::pair<std::string, std::string>>{{"nobody-at-all", "correct horse"},
                                                        {"seeded-user", "!"},
                                                        {"seeded-user", "!!!!!!!!"},
                                                        {"not a login", "correct horse"},
                                                        {login, std::string(1000, 'x')}}) {
    Told other = log_in(who, password);
    EXPECT_EQ(other.status, 401) << who;
    for (Json* json : {&wrong.json, &other.json}) (*json)["traceId"] = "";
    EXPECT_EQ(other.json, wrong.json) << who;
  }
}

TEST_F(AccountsTest, ARefreshTokenWorksOnceAndItsReuseEndsTheSession) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login).status, 201);
  const std::string first = text(log_in(login), "refreshToken");
  const Told second = refresh(first);
  ASSERT_EQ(second.status, 200) << second.text;
  EXPECT_NE(text(second, "refreshToken"), first);
  EXPECT_EQ(ask_with(text(second, "accessToken"), "GET", "/api/users/me").status, 200);
  const Told third = refresh(text(second, "refreshToken"));
  ASSERT_EQ(third.status, 200);
  // The thief comes with a copy; from then on nobody gets in by this session.
  EXPECT_EQ(refresh(first).status, 401);
  EXPECT_EQ(refresh(text(third, "refreshToken")).status, 401);
  EXPECT_EQ(log_in(login).status, 200);
}

TEST_F(AccountsTest, OfTwoRefreshesAtOnceOneWinsAtMost) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login).status, 201);
  const std::string token = text(log_in(login), "refreshToken");
  std::vector<std::future<int>> tries;
  for (int i = 0; i < 8; ++i)
    tries.push_back(std::async(std::launch::async, [&] { return refresh(token).status; }));
  int won = 0;
  for (auto& each : tries) won += each.get() == 200 ? 1 : 0;
  EXPECT_EQ(won, 1);
}

TEST_F(AccountsTest, LogOutEndsTheSessionAndOnlyThatOne) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login).status, 201);
  const std::string here = text(log_in(login), "refreshToken");
  const std::string there = text(log_in(login), "refreshToken");
  EXPECT_EQ(log_out(here).status, 204);
  EXPECT_EQ(log_out(here).status, 204);
  EXPECT_EQ(refresh(here).status, 401);
  EXPECT_EQ(refresh(there).status, 200);
}

TEST_F(AccountsTest, ForgedAndExpiredTokensOpenNothing) {
  const std::string login = fresh_login();
  const Told made = sign_up(login);
  const Told entered = log_in(login);
  const std::string access = text(entered, "accessToken"), token = text(entered, "refreshToken");
  EXPECT_EQ(ask_with(token, "GET", "/api/users/me").status, 401);
  EXPECT_EQ(refresh(access).status, 401);
  std::string forged = token;
  forged.back() = forged.back() == '0' ? '1' : '0';
  EXPECT_EQ(refresh(forged).status, 401);
  EXPECT_EQ(log_out(forged).status, 401);
  const RefreshTokens signer("the jwt secret of this test");
  const Session session{std::string(32, 'a'), 1, 1};
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(refresh(signer.sign(session, now - std::chrono::seconds(1))).status, 401);
  EXPECT_EQ(refresh(signer.sign(session, now + std::chrono::seconds(60))).status, 401)
      << "a session that Redis does not know";
  for (const char* bad : {"{}", R"({"refreshToken":null})", R"({"refreshToken":7})",
                          R"({"refreshToken":"v1....."})", R"({"refreshToken":""})"}) {
    EXPECT_EQ(ask("POST", "/api/auth/refresh", bad).status, 401) << bad;
  }
  EXPECT_EQ(refresh(token).status, 200) << "the true one still works";
}

TEST_F(AccountsTest, TokensOfLoadUsersWorkAsBefore) {
  const Told seeded = ask_admin("POST", "/admin/seed", R"({"users":{"n":3,"prefix":"load"}})");
  ASSERT_EQ(seeded.status, 200) << seeded.text;
  const auto first = sql("SELECT MIN(id) FROM users WHERE login LIKE 'load%'")[0][0];
  const Told tokens =
      ask_admin("POST", "/admin/tokens", R"({"from":)" + first + R"(,"to":)" + first + "}");
  const Json line = Json::parse(tokens.text.substr(0, tokens.text.find('\n')));
  const Told me = ask_with(line.at("token"), "GET", "/api/users/me");
  EXPECT_EQ(me.status, 200) << me.text;
  EXPECT_EQ(me.json.at("userId"), first);
}

TEST_F(AccountsTest, ARoleIsGivenByTheOperatorAndRidesInTheNextToken) {
  const std::string login = fresh_login();
  const Told made = sign_up(login);
  const std::string id = text(made, "userId");
  EXPECT_EQ(ask_admin("PATCH", "/admin/users/" + id, R"({"role":"KING"})").status, 422);
  EXPECT_EQ(ask_admin("PATCH", "/admin/users/999999999", R"({"role":"ADMIN"})").status, 404);
  const Told set = ask_admin("PATCH", "/admin/users/" + id, R"({"role":"COMPANY"})");
  ASSERT_EQ(set.status, 200) << set.text;
  EXPECT_EQ(set.json.at("role"), "COMPANY");
  const std::string token = text(log_in(login), "accessToken");
  const auto caller =
      verify_jwt("the jwt secret of this test", token, std::chrono::system_clock::now());
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ(caller->role, Role::company);
}

TEST_F(AccountsTest, MyTicketsAreMineLiveOrCancelled) {
  const std::uint64_t event = seed_event(2, 5);
  const Told seeded = ask_admin("POST", "/admin/seed", R"({"users":{"n":2,"prefix":"owner"}})");
  const auto user = std::stoull(sql("SELECT MIN(id) FROM users WHERE login LIKE 'owner%'")[0][0]);
  std::vector<std::string> orders;
  for (const int seat : {0, 1, 2}) {
    const Told held = hold(user, event, {seat});
    ASSERT_EQ(held.status, 201) << held.text;
    const Told order =
        ask_as(user, "POST", "/api/orders", Json{{"holdId", held.json.at("holdId")}}.dump(),
               "Idempotency-Key: order" + std::to_string(seat) + "\r\n");
    ASSERT_EQ(order.status, 201) << order.text;
    orders.push_back(order.json.at("orderId"));
  }
  // Confirmed as the payment side does it; the third stays unpaid.
  for (const int paid : {0, 1}) {
    sql("UPDATE orders SET status = 'CONFIRMED' WHERE id = " + orders[std::size_t(paid)]);
    sql("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) VALUES (" +
        std::to_string(event) + ", 1, " + std::to_string(paid) + ", " + orders[std::size_t(paid)] +
        ", " + std::to_string(user) + ")");
  }
  ASSERT_EQ(ask_as(user, "DELETE", "/api/orders/" + orders[0]).status, 202);
  const auto count = [user](const char* query) {
    const Told told = ask_as(user, "GET", std::string("/api/users/me/tickets") + query);
    EXPECT_EQ(told.status, 200) << told.text;
    return std::pair(told.json.at("items").size(), told.json.at("total").get<std::size_t>());
  };
  EXPECT_EQ(count(""), std::pair(std::size_t{2}, std::size_t{2}));
  EXPECT_EQ(count("?state=LIVE"), std::pair(std::size_t{1}, std::size_t{1}));
  EXPECT_EQ(count("?state=CANCELLED"), std::pair(std::size_t{1}, std::size_t{1}));
  EXPECT_EQ(count("?size=1&page=2"), std::pair(std::size_t{1}, std::size_t{2}));
  EXPECT_EQ(count("?size=1&page=3").first, 0U);
  const Told live = ask_as(user, "GET", "/api/users/me/tickets?state=LIVE");
  EXPECT_EQ(live.json.at("items").at(0).at("orderId"), orders[1]);
  EXPECT_EQ(live.json.at("items").at(0).at("seatId"), 1);
  EXPECT_EQ(ask_as(user + 1, "GET", "/api/users/me/tickets").json.at("total"), 0);
  for (const char* bad : {"?state=live", "?page=0", "?size=101", "?size=x", "?page=-1"})
    EXPECT_EQ(ask_as(user, "GET", std::string("/api/users/me/tickets") + bad).status, 400) << bad;
}

TEST_F(AccountsTest, EveryRouteOfOwnDataNeedsAToken) {
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "/api/users/me"}, {"PUT", "/api/users/me"}, {"GET", "/api/users/me/tickets"}}) {
    const Told told = ask(method, path);
    EXPECT_EQ(told.status, 401) << path;
    EXPECT_NE(told.field("WWW-Authenticate"), "");
  }
}

// While every hashing thread is busy and the line is full, log-ins are shed at once and everybody
// else is served.
TEST_F(AccountsTest, AStormOfLogInsIsShedAndHoldsUpNobodyElse) {
  Config config = config_of_suite();
  config.password_threads = 1;
  config.password_waiting_max = 2;
  config.password_cost = 15;
  const auto small = start(config);
  const Json body{{"login", "nobody"}, {"password", "correct horse"}};
  std::vector<std::future<Told>> storm;
  for (int i = 0; i < 24; ++i)
    storm.push_back(std::async(std::launch::async, [&] {
      return ask_at(small->port(), "POST", "/api/auth/login", body.dump());
    }));
  int shed = 0, judged = 0, served = 0;
  while (storm.back().wait_for(Millis(0)) != std::future_status::ready && served < 1000) {
    EXPECT_EQ(ask_at(small->port(), "GET", "/api/time").status, 200);
    ++served;
  }
  for (auto& each : storm) {
    const Told told = each.get();
    if (told.status == 401) ++judged;
    if (told.status != 503) continue;
    ++shed;
    EXPECT_EQ(told.code(), "OVERLOADED");
    EXPECT_EQ(told.field("Retry-After"), "1");
  }
  EXPECT_GE(judged, 2);
  EXPECT_GE(shed, 1);
  EXPECT_EQ(judged + shed, 24);
}

// Access tokens are checked without a store; what needs Redis says so, and comes back with it.
TEST_F(AccountsTest, WithoutRedisTokensStillCountAndARefreshWaits) {
  const std::string login = fresh_login();
  ASSERT_EQ(sign_up(login).status, 201);
  const Told entered = log_in(login);
  const std::string token = text(entered, "refreshToken");
  people_redis().kill();
  EXPECT_EQ(ask_with(text(entered, "accessToken"), "GET", "/api/users/me").status, 200);
  const Told told = refresh(token);
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(told.code(), "DEPENDENCY_DOWN");
  people_redis().start();
  EXPECT_TRUE(eventually([&] { return log_in(login).status == 200; }));
  EXPECT_EQ(refresh(token).status, 401) << "Redis came back empty: log in again";
}

}  // namespace
}  // namespace boxoffice
