// Goal: whatever is wrong with a request, on every route, it is refused with problem+json and the
// right code, tells nothing of the insides and changes nothing.
// Method: one good request for each route of openapi.json, spoilt in one way after the other.
#include <algorithm>
#include <fstream>
#include <set>

#include "target/http/jwt.hpp"
#include "test_paths.hpp"
#include "tests/integration/target_people/bad_input_fixture.hpp"

namespace boxoffice {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t stranger = 999;

TEST_F(BadInput, EveryRouteOfTheDescriptionIsTried) {
  const Json document =
      Json::parse(std::ifstream(std::string(STAMPEDE_SOURCE_DIR) + "/target/openapi.json"));
  std::set<std::string> tried, described;
  const auto tags_of = [](const Json& operation) {
    return operation.is_object() ? operation.at("tags").at(0).get<std::string>() : "";
  };
  for (const RouteRow& row : rows) {
    tried.insert(std::string(row.method) + " " + std::string(row.pattern));
    EXPECT_EQ(row.path().find('{'), std::string::npos) << row.path() << ": an id is not filled in";
  }
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      // The page's files are no routes of the API, and the provider is another process.
      const bool other = tags_of(operation) == "Page" || tags_of(operation) == "Provider";
      if (method == "parameters" || other) continue;
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      described.insert(upper + " " + path);
      EXPECT_EQ(operation.contains("requestBody"),
                std::ranges::any_of(rows,
                                    [&](const RouteRow& row) {
                                      return row.method == upper && row.pattern == path &&
                                             !row.body.empty();
                                    }))
          << upper << " " << path << ": the table and the description differ in the body";
    }
  }
  EXPECT_EQ(tried, described);
}

TEST_F(BadInput, TokensThatAreNoneOpenNothing) {
  const auto now = std::chrono::system_clock::now();
  const std::string secret = "the jwt secret of this test";
  const auto minutes = [](int n) { return std::chrono::seconds(60 * n); };
  const std::string good = sign_jwt(secret, world.user, Role::admin, now, minutes(10));
  const std::vector<std::string> bad{
      sign_jwt(secret, world.user, Role::admin, now - minutes(20), minutes(10)),  // expired
      sign_jwt("another secret", world.user, Role::admin, now, minutes(10)),      // forged
      base64url(R"({"alg":"none"})") + "." + base64url(R"({"sub":"1","exp":4102444800})") + ".",
      good.substr(0, good.size() - 2),
      good + "x",
      base64url(R"({"alg":"HS256"})") + good.substr(good.find('.')),
      "",
      "a.b.c",
      std::string(4000, 'x'),
  };
  for (const RouteRow& row : rows) {
    const Route& route = route_of(row);
    if (route.auth == Auth::none) continue;
    const std::string body = good_body(row, world), key = "Idempotency-Key: never\r\n";
    refused(ask_with_fields(row, row.path(), body, key), told_as(row, "no token"), 401,
            "UNAUTHENTICATED");
    for (const std::string& token : bad) {
      if (route.auth == Auth::admin_token) {
        // Not the operator's token, and a user's is none either.
        const std::string fields =
            "Admin-Token: " + token + "\r\n" + bearer(world.user, Role::admin) + key;
        refused(ask_with_fields(row, row.path(), body, fields), told_as(row, token), 401);
        continue;
      }
      const std::string fields = "Authorization: Bearer " + token + "\r\n" + key;
      refused(ask_with_fields(row, row.path(), body, fields), told_as(row, token), 401);
    }
    if (route.least != Role::user) {
      refused(ask_with_fields(row, row.path(), body, bearer(world.user) + key),
              told_as(row, "too small a role"), 403, "FORBIDDEN");
    }
    if (row.admin()) {
      refused(ask(row.method, row.path(), body, fields_of(row, body)),
              told_as(row, "the people's port"), 404);
    }
  }
}

TEST_F(BadInput, BodiesThatAreNoneAreRefused) {
  const std::string deep = std::string(8000, '[') + std::string(8000, ']');
  for (const RouteRow& row : rows) {
    if (row.body.empty()) continue;
    const std::string good = good_body(row, world);
    std::vector<std::string> bad{"{",
                                 "nonsense",
                                 "[]",
                                 "7",
                                 "\"x\"",
                                 "null",
                                 "{\"a\":1e999}",
                                 deep,
                                 good + "}",
                                 good.substr(0, good.size() - 1),
                                 "\xff\xfe" + good,
                                 "{\"a\":\"\xff\"}",
                                 std::string(3, '\0')};
    for (const std::string& body : bad) {
      const Told told = ask_row(row, row.path(), body);
      refused(told, told_as(row, "the body " + body));
      EXPECT_TRUE(told.status == 400 || told.status == 422) << told_as(row, body) << told.text;
    }
    refused(ask_row(row, row.path(), std::string(17 * 1024, ' ') + good),
            told_as(row, "an oversize body"), 413, "BODY_TOO_LARGE");
    test::RawClient client(row.admin() ? boxoffice->admin_port() : boxoffice->port());
    client.send(std::string(row.method) + " " + row.path() + " HTTP/1.1\r\nHost: x\r\n" +
                fields_of(row, good) + "Content-Type: text/plain\r\nContent-Length: " +
                std::to_string(good.size()) + "\r\n\r\n" + good);
    const test::Answer text = client.answer();
    refused({text.status, text.head, text.body, text.json()}, told_as(row, "text/plain"), 415);
  }
}

// Every member of an object, and of the objects in it, once of each wrong kind.
std::vector<std::pair<std::string, Json>> spoilt(const Json& good) {
  std::vector<std::pair<std::string, Json>> all;
  for (const auto& [name, value] : good.items()) {
    // A time to hold that is out of range is brought into it, as the description says.
    const bool clamped = name == "holdSeconds";
    // A place in the waiting room that is not ours is none: who has none comes in as well.
    const bool any_text = name == "queueToken";
    const bool either_way = name == "clockSkewMs";  // a clock may be slow as well
    for (const Json& wrong : wrong_values(value)) {
      if (either_way && wrong == -1) continue;
      if ((clamped && wrong.is_number()) || (any_text && wrong.is_string())) continue;
      all.emplace_back(name + " " + wrong.dump(), good).second[name] = wrong;
    }
    if (!value.is_object()) continue;
    for (const auto& [what, within] : spoilt(value))
      all.emplace_back(name + "." + what, good).second[name] = within;
  }
  return all;
}

TEST_F(BadInput, MembersOfTheWrongKindAreRefused) {
  for (const RouteRow& row : rows) {
    if (row.body.empty()) continue;
    for (const auto& [what, body] : spoilt(Json::parse(good_body(row, world))))
      refused(ask_row(row, row.path(), body.dump()), told_as(row, what));
    unchanged(told_as(row, "members of the wrong kind"));
  }
}

TEST_F(BadInput, IdsThatNobodyHasAreRefused) {
  const std::vector<std::string> bad{"0",
                                     "99999999",
                                     "18446744073709551615",
                                     "-1",
                                     "99999999999999999999999",
                                     "1e3",
                                     "%31",
                                     "abc",
                                     "%00",
                                     "1%20OR%201=1",
                                     "1'--",
                                     "..%2f..%2fetc%2fpasswd",
                                     "%ff",
                                     "0123456789abcdef0123456789abcdef",
                                     std::string(1500, '9')};
  for (const RouteRow& row : rows) {
    for (std::size_t i = 0; i < row.ids.size(); ++i) {
      for (const std::string& id : bad) {
        std::vector<std::string> ids = row.ids;
        if (ids[i] == id) continue;
        // The first seat has the number 0.
        if (id == "0" && i == 1 && row.pattern.ends_with("{seat}")) continue;
        ids[i] = id;
        const std::string path = row.path_with(ids) + row.query;
        const Told told = ask_row(row, path, good_body(row, world));
        refused(told, told_as(row, "the id " + id));
        EXPECT_NE(told.status, 401) << told_as(row, id);
      }
    }
    if (!row.ids.empty()) unchanged(told_as(row, "ids that nobody has"));
  }
}

TEST_F(BadInput, QueriesThatMakeNoSenseAreRefused) {
  struct Query {
    std::string_view pattern, name;
  };
  constexpr Query numbers[] = {{"/api/users/me/tickets", "page"},
                               {"/api/users/me/tickets", "size"},
                               {"/api/events", "page"},
                               {"/api/events", "size"},
                               {"/api/orders/{id}", "waitMs"},
                               {"/api/practice/{room}/leaderboard", "n"},
                               {"/api/auctions/{id}/result", "page"},
                               {"/api/auctions/{id}/result", "size"},
                               {"/api/auctions", "page"},
                               {"/api/auctions", "size"},
                               {"/api/practice", "page"},
                               {"/api/practice", "size"},
                               {"/admin/audit", "event"},
                               {"/admin/audit", "epoch"},
                               {"/admin/rebuild", "event"},
                               {"/admin/outbox/replay", "since"},
                               {"/admin/bots", "room"},
                               {"/api/users/me/tickets", "state"},
                               {"/api/events/{id}/queue", "reason"},
                               {"/api/events/{id}/seats", "format"},
                               {"/api/events", "status"},
                               {"/api/events", "mode"}};
  for (const RouteRow& row : rows) {
    for (const Query& query : numbers) {
      if (row.pattern != query.pattern || row.query.empty()) continue;
      for (const char* value : {"x", "-1", "1.5", "99999999999999999999", "%00", "%ff", "1%27"}) {
        const std::string bare = row.path().substr(0, row.path().find('?'));
        std::string path = bare + "?" + std::string(query.name) + "=" + value;
        // What else the route needs stays good.
        if (query.name == "epoch") path += "&event=" + std::to_string(world.event);
        refused(ask_row(row, path, good_body(row, world)), told_as(row, path));
      }
    }
  }
}

TEST_F(BadInput, MethodsPathsAndHeadsOutOfBoundsAreRefused) {
  for (const RouteRow& row : rows) {
    const std::uint16_t port = row.admin() ? boxoffice->admin_port() : boxoffice->port();
    const std::string fields = fields_of(row, "");
    if (!row.pattern.starts_with("/ws/")) {
      const Told told = ask_at(port, "TRACE", row.path(), "", fields);
      refused(told, told_as(row, "another method"), 405, "METHOD_NOT_ALLOWED");
      EXPECT_NE(told.field("Allow").find(row.method), std::string::npos) << told.head;
    }
    refused(ask_at(port, row.method,
                   row.path() + (row.query.empty() ? "?" : "&") + "x=" + std::string(3000, 'x'), "",
                   fields),
            told_as(row, "a long address"), 414);
    refused(
        ask_at(port, row.method, row.path(), "", fields + "X: " + std::string(9000, 'x') + "\r\n"),
        told_as(row, "a long header"), 431);
    const std::string below = row.path().substr(0, row.path().find('?')) + "/no/where";
    refused(ask_at(port, row.method, below, "", fields), told_as(row, "a path below"), 404);
  }
}

// Where a key is needed, and where one may come: a hold, a cancellation, a confirmation.
TEST_F(BadInput, KeysThatAreNoneAreRefused) {
  for (const RouteRow& row : rows) {
    const Route& route = route_of(row);
    const std::string body = good_body(row, world), token = bearer(world.user, row.role);
    if (route.auth != Auth::bearer || row.method == "GET") continue;
    if (route.idempotency_required) {
      refused(ask_with_fields(row, row.path(), body, token), told_as(row, "no key"), 400,
              "IDEMPOTENCY_KEY_MISSING");
    }
    for (const std::string& key :
         {std::string(), std::string(301, 'k'), std::string("a\x80z"), std::string("a\tb")}) {
      refused(ask_with_fields(row, row.path(), body, token + "Idempotency-Key: " + key + "\r\n"),
              told_as(row, "the key " + key), 400);
    }
  }
}

TEST_F(BadInput, WhatBelongsToAnotherIsRefused) {
  const auto as_stranger = [&](std::string_view method, const std::string& path,
                               const Json& body = nullptr) {
    const std::string text = body.is_null() ? "" : body.dump();
    refused(ask_as(stranger, method, path, text, "Idempotency-Key: of a stranger\r\n"),
            std::string(method) + " " + path, 403);
  };
  as_stranger("GET", "/api/reservations/" + world.hold);
  as_stranger("DELETE", "/api/reservations/" + world.hold);
  as_stranger("POST", "/api/reservations/" + world.hold + "/extend", {{"seconds", 5}});
  as_stranger("POST", "/api/orders", {{"holdId", world.hold}});
  as_stranger("GET", "/api/orders/" + world.order);
  as_stranger("DELETE", "/api/orders/" + world.order);
  as_stranger("POST", "/api/payments/authorize", {{"orderId", world.order}});
  as_stranger("POST", "/api/payments/confirm",
              {{"orderId", world.order}, {"paymentKey", "mine"}, {"amount", 50000}});
  const std::string room = "/api/practice/" + std::to_string(world.room);
  as_stranger("GET", room + "/records/" + world.record);
  as_stranger("DELETE", "/api/auctions/" + std::to_string(world.auction) + "/award");
  as_stranger("POST", "/api/auctions/" + std::to_string(world.auction) + "/award/accept");
  // A company has its own venues only.
  const std::string venue = "/api/venues/" + std::to_string(world.venue);
  const std::string company = bearer(stranger, Role::company);
  refused(ask("POST", venue + "/events", R"({"rows":1,"cols":1})", company), "an event", 403);
  refused(ask("PATCH", venue + "/seats/1", R"({"locked":true})", company), "a seat lock", 403);
  refused(ask("PUT", "/api/events/" + std::to_string(world.event) + "/grades",
              R"({"grades":[{"grade":"A","price":1}]})", company),
          "prices", 403);
}

}  // namespace
}  // namespace boxoffice
