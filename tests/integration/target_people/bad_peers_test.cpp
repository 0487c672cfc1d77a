// Goal: peers that dawdle, repeat themselves or talk garbage change nothing that they should not.
// Method: as bad_input_test.cpp; the half requests of all routes at once on one server.
#include "tests/integration/target_people/bad_input_fixture.hpp"

namespace boxoffice {
namespace {

using Json = nlohmann::json;

TEST_F(BadInput, SlowSendersOfEveryRouteAreToldAndCut) {
  Config config = config_of_suite();
  ServerLimits limits;
  limits.request_read = Millis(400);
  const auto patient = start(config, limits);
  std::vector<std::unique_ptr<test::RawClient>> dawdlers;
  for (const RouteRow& row : rows) {
    const std::string body = good_body(row, world);
    std::string text = std::string(row.method) + " " + row.path() + " HTTP/1.1\r\nHost: x\r\n" +
                       fields_of(row, body);
    if (!body.empty()) {
      text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n";
    }
    // Half a body, or a head without its end.
    text += body.substr(0, body.size() / 2);
    dawdlers.push_back(
        std::make_unique<test::RawClient>(row.admin() ? patient->admin_port() : patient->port()));
    dawdlers.back()->send(text);
  }
  EXPECT_EQ(ask_at(patient->port(), "GET", "/api/time").status, 200);
  for (std::size_t i = 0; i < dawdlers.size(); ++i) {
    const test::Answer said = dawdlers[i]->answer();
    refused({said.status, said.head, said.body, said.json()}, told_as(rows[i], "half a request"),
            408, "REQUEST_TIMEOUT");
    EXPECT_TRUE(dawdlers[i]->closed()) << told_as(rows[i], "half a request");
  }
}

// A replay is the first answer; another body under the key is refused; neither changes anything.
void expect_keyed(const std::function<Told(const Json&, std::uint64_t)>& ask, const Json& body,
                  const Json& other, std::uint64_t user, const std::function<void()>& still) {
  const Told first = ask(body, user);
  ASSERT_LT(first.status, 300) << first.text;
  still();
  const Told again = ask(body, user);
  EXPECT_EQ(again.status, first.status) << again.text;
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.field("Idempotency-Replayed"), "true") << again.head;
  still();
  const Told altered = ask(other, user);
  EXPECT_EQ(altered.status, 422) << altered.text;
  EXPECT_EQ(altered.code(), "IDEMPOTENCY_KEY_REUSED") << altered.text;
  still();
  const Told foreign = ask(body, user + 1);
  EXPECT_GE(foreign.status, 400) << foreign.text;
  EXPECT_LT(foreign.status, 500) << foreign.text;
  still();
}

TEST_F(BadInput, ReplayedAndAlteredKeysChangeNothing) {
  ask_admin("PUT", "/admin/payment",
            R"({"webhook":false,"approve":1,"delay":"fixed","delayAMs":1,"delayBMs":1})");
  const auto post = [](const std::string& path, const std::string& key) {
    return [path, key](const Json& body, std::uint64_t user) {
      return ask_as(user, "POST", path, body.dump(), "Idempotency-Key: " + key + "\r\n");
    };
  };
  // The first of each four changes what it should; from then on nothing may change.
  bool fresh = true;
  const auto still = [&] {
    if (fresh) before_ = digest();
    if (!fresh) unchanged("a repeated key");
    fresh = false;
  };
  const std::string held = hold(world.user, world.event, {10}).json.at("holdId");
  std::string order;
  const auto place = [&](const Json& body, std::uint64_t user) {
    Told told = post("/api/orders", "order key")(body, user);
    if (told.status == 201) order = told.json.at("orderId");
    return told;
  };
  expect_keyed(place, {{"holdId", held}}, {{"holdId", world.hold}}, world.user, still);
  fresh = true;
  expect_keyed(post("/api/payments/authorize", "pay key"), {{"orderId", order}, {"method", "CARD"}},
               {{"orderId", order}, {"method", "EASY"}}, world.user, still);
  const Json next{{"holdId", hold(world.user, world.event, {11}).json.at("holdId")}};
  const std::string second = post("/api/orders", "another")(next, world.user).json.at("orderId");
  const auto amount = ask_as(world.user, "GET", "/api/orders/" + second).json.at("amount");
  fresh = true;
  expect_keyed(post("/api/payments/confirm", "confirm key"),
               {{"orderId", second}, {"paymentKey", "chosen-here"}, {"amount", amount}},
               {{"orderId", second}, {"paymentKey", "chosen-otherwise"}, {"amount", amount}},
               world.user, still);
  const std::string bids = "/api/auctions/" + std::to_string(world.auction) + "/bids";
  fresh = true;
  const auto bid = [&](const Json& body, std::uint64_t user) {
    // A stranger's key is the stranger's own: with too low a bid nothing comes of it.
    if (user != world.user) return post(bids, "bid key")({{"amount", 1}}, user);
    return post(bids, "bid key")(body, user);
  };
  expect_keyed(bid, {{"amount", 30000}}, {{"amount", 31000}}, world.user, still);
}

TEST_F(BadInput, AHoldIsRepeatedByItsKeyAndNotAltered) {
  const auto post = [&](std::uint64_t user, const std::vector<int>& seats,
                        const std::string& field) {
    return ask_as(user, "POST", "/api/reservations",
                  Json{{"eventId", world.event}, {"seatIds", seats}}.dump(), field);
  };
  const std::string key = "Idempotency-Key: hold key\r\n";
  const Told first = post(world.user, {20}, key);
  ASSERT_EQ(first.status, 201) << first.text;
  before_ = digest();
  const Told again = post(world.user, {20}, key);
  EXPECT_EQ(again.status, 201) << again.text;
  EXPECT_EQ(first.field("Idempotency-Replayed"), "") << first.head;
  EXPECT_EQ(again.field("Idempotency-Replayed"), "true") << again.head;
  for (const char* same : {"holdId", "eventId", "seatIds", "fence", "expiresAt", "amount"}) {
    EXPECT_EQ(again.json.at(same), first.json.at(same)) << same;
  }
  EXPECT_EQ(again.field("Location"), first.field("Location"));
  // The client that chose the hold's id itself is told the same.
  const std::string held = again.json.at("holdId");
  const Told by_id = post(world.user, {20}, "Hold-Id: " + held + "\r\n");
  EXPECT_EQ(by_id.status, 201) << by_id.text;
  EXPECT_EQ(by_id.field("Idempotency-Replayed"), "true") << by_id.head;
  unchanged("a repeated hold");
  // Under the same key nothing else is held.
  const Told altered = post(world.user, {21}, key);
  refused(altered, "a hold of another seat under the key", 422, "IDEMPOTENCY_KEY_REUSED");
  unchanged("an altered hold");
  // Nor by somebody who learnt the hold's id.
  const std::string id = first.json.at("holdId");
  refused(post(world.user + 1, {21}, "Hold-Id: " + id + "\r\n"), "another's Hold-Id");
  for (const char* wrong : {"x", "0123456789ABCDEF0123456789ABCDEF"})
    refused(post(world.user, {21}, "Hold-Id: " + std::string(wrong) + "\r\n"), wrong, 422);
}

std::string frame(unsigned first, unsigned second, const std::string& payload) {
  return std::string{static_cast<char>(first), static_cast<char>(second)} +
         std::string("\0\0\0\0", 4) + payload;
}

TEST_F(BadInput, GarbageFramesEndTheirWebSocketAndNothingElse) {
  const std::string handshake =
      "GET /ws/queue?event=" + std::to_string(world.queued_event) +
      " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const struct {
    std::string what, bytes;
    unsigned code;  // of the close frame
  } garbage[] = {
      {"a frame without a mask", std::string("\x81\x01x", 3), 1002},
      {"a reserved bit", frame(0xC1, 0x81, "x"), 1002},
      {"an unknown opcode", frame(0x83, 0x81, "x"), 1002},
      {"a ping in two parts", frame(0x09, 0x81, "x"), 1002},
      {"a continuation of nothing", frame(0x80, 0x81, "x"), 1002},
      {"text that is none", frame(0x81, 0x82, "\xc3\x28"), 1007},
      {"a message over all bounds",
       std::string("\x81\xff\x00\x00\x00\xff\xff\xff\xff\xff\0\0\0\0", 14), 1009},
      {"a close with half a code", frame(0x88, 0x81, "x"), 1002},
  };
  for (const auto& one : garbage) {
    test::RawClient client(boxoffice->port());
    client.send(handshake + bearer(world.user + 2) + "\r\n" + one.bytes);
    const test::Answer switched = client.answer();
    EXPECT_EQ(switched.status, 101) << one.what << switched.head << switched.body;
    // What the waiting room says may come before the close.
    std::string said;
    for (std::string byte = client.take(1); !byte.empty(); byte = client.take(1)) said += byte;
    const std::string close{'\x88'};
    const std::string code{static_cast<char>(one.code >> 8U), static_cast<char>(one.code & 0xFFU)};
    EXPECT_NE(said.find(close), std::string::npos) << one.what;
    EXPECT_NE(said.find(code), std::string::npos) << one.what;
  }
  const std::string words[] = {"{", "[]", "7", "{\"t\":7}", "{\"t\":\"unknown\"}", "", "x"};
  for (const std::string& word : words) {
    test::RawClient client(boxoffice->port());
    client.send(handshake + bearer(world.user + 2) + "\r\n" +
                frame(0x81, 0x80U | static_cast<unsigned>(word.size()), word) +
                frame(0x88, 0x82, "\x03\xe8"));
    EXPECT_EQ(client.answer().status, 101) << word;
    while (!client.take(1).empty()) {
    }
  }
  // Without the handshake's parts there is no upgrade.
  refused(ask("GET", "/ws/queue?event=1", "", "Upgrade: websocket\r\nConnection: Upgrade\r\n"),
          "no version", 426);
  refused(ask("GET", "/ws/queue?event=1", "",
              "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: short\r\n"),
          "a short key", 400);
}

}  // namespace
}  // namespace boxoffice
