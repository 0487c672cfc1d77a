#include "tests/integration/target_people/route_rows.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;

std::vector<RouteRow> rows_of_people(const World& world) {
  const std::string event = std::to_string(world.event), venue = std::to_string(world.venue);
  const std::string queued = std::to_string(world.queued_event);
  return {
      {"POST",
       "/api/auth/signup",
       {},
       "",
       R"({"login":"nobody-yet","password":"correct horse","nickname":"N","email":"a@b.example",)"
       R"("birthDate":"2000-02-29"})"},
      {"POST", "/api/auth/login", {}, "", R"({"login":"nobody-yet","password":"correct horse"})"},
      {"POST", "/api/auth/refresh", {}, "", R"({"refreshToken":"none"})"},
      {"POST", "/api/auth/logout", {}, "", R"({"refreshToken":"none"})"},
      {"GET", "/api/users/me", {}, ""},
      {"PUT",
       "/api/users/me",
       {},
       "",
       R"({"nickname":"M","email":"c@d.example","birthDate":"1999-12-31"})"},
      {"GET", "/api/users/me/tickets", {}, "?state=LIVE&page=1&size=20"},
      {"GET", "/api/events", {}, "?page=1&size=20"},
      {"GET", "/api/events/{id}", {event}, ""},
      {"GET", "/api/events/{id}/seats", {event}, "?format=bitmap"},
      {"GET", "/api/events/{id}/seats/stream", {event}, ""},
      {"GET", "/api/time", {}, ""},
      {"POST", "/api/events/{id}/queue", {queued}, "", R"({"queueToken":"q1.none"})"},
      {"GET", "/api/events/{id}/queue", {queued}, ""},
      {"DELETE", "/api/events/{id}/queue", {queued}, "?reason=left"},
      {"POST", "/api/events/{id}/queue/heartbeat", {queued}, ""},
      {"POST",
       "/api/venues",
       {},
       "",
       R"({"name":"Hall","address":"Here","rows":5,"cols":5})",
       Role::company},
      {"GET", "/api/venues/{id}", {venue}, ""},
      {"POST",
       "/api/venues/{id}/events",
       {venue},
       "",
       R"({"title":"E","rows":2,"cols":2,"holdTtlMs":60000,"maxPerUser":2,)"
       R"("grades":[{"grade":"A","price":1}],"sections":["A"],"queue":{"cap":3}})",
       Role::admin},
      {"PATCH",
       "/api/venues/{id}/seats/{seat}",
       {venue, "1"},
       "",
       R"({"locked":true})",
       Role::admin},
      {"PUT",
       "/api/events/{id}/grades",
       {event},
       "",
       R"({"grades":[{"grade":"A","price":7}]})",
       Role::admin},
      {"GET", "/healthz", {}, ""},
      {"GET", "/readyz", {}, ""},
      {"GET", "/metrics", {}, ""},
      {"GET", "/ws/queue", {}, "?event=" + queued},
  };
}

std::vector<RouteRow> rows_of_sales(const World& world) {
  const std::string auction = std::to_string(world.auction), room = std::to_string(world.room);
  return {
      {"POST",
       "/api/reservations",
       {},
       "",
       R"({"eventId":@event,"seatIds":[30,31],"holdSeconds":60})"},
      {"GET", "/api/reservations/{id}", {world.hold}, ""},
      {"DELETE", "/api/reservations/{id}", {world.hold}, ""},
      {"POST", "/api/reservations/{id}/extend", {world.hold}, "", R"({"seconds":30.5})"},
      {"POST", "/api/orders", {}, "", R"({"holdId":"@hold","eventId":@event,"seatIds":[0,1]})"},
      {"GET", "/api/orders/{id}", {world.order}, "?waitMs=0"},
      {"DELETE", "/api/orders/{id}", {world.order}, ""},
      {"POST",
       "/api/payments/authorize",
       {},
       "",
       R"({"orderId":"@order","method":"CARD","amount":1})"},
      {"POST",
       "/api/payments/confirm",
       {},
       "",
       R"({"paymentKey":"pay_1","orderId":"@order","amount":1})"},
      {"POST",
       "/webhooks/payments",
       {},
       "",
       R"({"eventType":"PAYMENT_STATUS_CHANGED","data":{"paymentKey":"none","orderId":"1",)"
       R"("status":"DONE","totalAmount":1}})"},
      {"GET", "/api/auctions", {}, "?page=1&size=20"},
      {"GET", "/api/auctions/{id}", {auction}, ""},
      {"GET", "/api/auctions/{id}/me", {auction}, ""},
      {"POST", "/api/auctions/{id}/bids", {auction}, "", R"({"amount":50000})"},
      {"GET", "/api/auctions/{id}/result", {auction}, "?page=0&size=10"},
      {"POST", "/api/auctions/{id}/award/accept", {auction}, ""},
      {"DELETE", "/api/auctions/{id}/award", {auction}, ""},
      {"GET", "/api/auctions/{id}/stream", {auction}, ""},
      {"GET", "/api/practice", {}, "?page=1&size=20"},
      {"GET", "/api/practice/{room}", {room}, ""},
      {"POST", "/api/practice/{room}/confirm", {room}, "", R"({"seatId":5})"},
      {"GET", "/api/practice/{room}/records/{id}", {room, world.record}, ""},
      {"GET", "/api/practice/{room}/leaderboard", {room}, "?n=5"},
  };
}

std::vector<RouteRow> rows_of_operator(const World& world) {
  const std::string event = std::to_string(world.event), venue = std::to_string(world.venue);
  const std::string auction = std::to_string(world.auction);
  return {
      {"POST",
       "/admin/seed",
       {},
       "",
       R"({"seed":1,"users":{"n":1,"prefix":"s"},"venue":{"name":"V"},"events":[{"rows":1}],)"
       R"("auctions":[{"slots":1}],"practice":[{"periodMs":60000}]})"},
      {"POST", "/admin/tokens", {}, "", R"({"from":1,"to":2,"ttlMs":60000})"},
      {"POST", "/admin/events/{id}/reset", {event}, ""},
      {"POST", "/admin/events/{id}/open", {event}, "", R"({"at":1})"},
      {"PATCH",
       "/admin/events/{id}",
       {event},
       "",
       R"({"title":"T","saleOpenAt":1,"holdTtlMs":60000,"maxPerUser":3,)"
       R"("queue":{"on":false,"cap":3,"rate":1.5,"mode":"FIFO"}})"},
      {"PATCH", "/admin/events/{id}/seats/{seat}", {event, "9"}, "", R"({"locked":true})"},
      {"PATCH", "/admin/venues/{id}/seats/{seat}", {venue, "1"}, "", R"({"locked":true})"},
      {"PATCH", "/admin/users/{id}", {std::to_string(world.user)}, "", R"({"role":"COMPANY"})"},
      {"GET", "/admin/audit", {}, "?event=" + event + "&epoch=1"},
      {"POST", "/admin/quiesce", {}, "", R"({"timeoutMs":1,"resume":true})"},
      {"POST", "/admin/rebuild", {}, "?event=" + event},
      {"POST", "/admin/outbox/replay", {}, "?since=4102444800000"},
      {"GET", "/admin/defects", {}, ""},
      {"PUT", "/admin/defects", {}, "", R"({"conflict_is_400":false})"},
      {"PUT",
       "/admin/payment",
       {},
       "",
       R"({"webhook":false,"approve":1,"delay":"fixed","delayAMs":1.5,"seed":1})"},
      {"GET", "/admin/faults", {}, ""},
      {"PUT",
       "/admin/faults",
       {},
       "",
       R"({"redisDelayMs":0,"redisDrop":0.5,"mysqlDelayMs":0,"mysqlKillConn":0.5,)"
       R"("clockSkewMs":0,"redisFlush":false,"commitUnknown":0.5,"appPauseMs":0,"appKill":false})"},
      {"GET", "/admin/config", {}, ""},
      {"GET", "/admin/stats", {}, ""},
      {"POST", "/admin/auctions/{id}/open", {auction}, "", R"({"inMs":0,"durationMs":600000})"},
      {"GET", "/admin/bots", {}, ""},
      {"POST", "/admin/bots", {}, "", R"({"room":@room,"bots":3})"},
      {"DELETE", "/admin/bots", {}, "?room=" + std::to_string(world.room)},
  };
}

void replace(std::string& text, std::string_view name, const std::string& value) {
  for (auto at = text.find(name); at != std::string::npos; at = text.find(name))
    text.replace(at, name.size(), value);
}

}  // namespace

std::string RouteRow::path_with(const std::vector<std::string>& values) const {
  std::string path(pattern);
  for (const std::string& value : values) {
    const auto begin = path.find('{');
    path.replace(begin, path.find('}') + 1 - begin, value);
  }
  return path;
}

std::vector<RouteRow> route_rows(const World& world) {
  std::vector<RouteRow> rows = rows_of_people(world);
  for (auto more : {rows_of_sales(world), rows_of_operator(world)})
    rows.insert(rows.end(), more.begin(), more.end());
  return rows;
}

std::string good_body(const RouteRow& row, const World& world) {
  std::string body(row.body);
  replace(body, "@event", std::to_string(world.event));
  replace(body, "@room", std::to_string(world.room));
  replace(body, "@hold", world.hold);
  replace(body, "@order", world.order);
  return body;
}

// Numbers written as text are taken for ids, so no text here is a number.
std::vector<Json> wrong_values(const Json& value) {
  std::vector<Json> wrong{Json::array({Json::array()})};
  if (!value.is_object()) wrong.push_back({{"a", 1}});
  if (!value.is_boolean()) wrong.push_back(true);
  if (!value.is_string()) wrong.push_back("x' OR 1=1 --");
  if (value.is_string()) {
    wrong.push_back(1.5);
    wrong.push_back(std::string(9000, 'x'));
  } else if (value.is_number()) {
    wrong.insert(wrong.end(), {Json(-1), Json(-1e300), Json(std::string(9000, '9'))});
    if (value.is_number_integer()) wrong.insert(wrong.end(), {Json(1.5), Json(1e300)});
  } else {
    wrong.push_back(7);
  }
  return wrong;
}

}  // namespace boxoffice
