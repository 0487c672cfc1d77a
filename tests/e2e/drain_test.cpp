// Goal: a stop loses nothing that was accepted, and the exit codes of boxoffice are an API.
// Method: the real binary on private Redis and MariaDB servers. A payment is in the middle of its
// simulated wait and a WebSocket is open when SIGTERM comes; afterwards the database is asked by
// another way what became of the order.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tests/e2e/boxoffice_process.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice::test {
namespace {

using namespace std::chrono_literals;

const std::string admin_field =
    "Admin-Token: " + std::string(BoxofficeProcess::admin_token) + "\r\n";

// Servers, a boxoffice, one event with a waiting room that is off, and users with tokens.
class Venue {
 public:
  explicit Venue(std::vector<std::string> more = {}, const std::string& queue = R"({"on":false})") {
    more.insert(more.end(), {"--redis", "127.0.0.1:" + std::to_string(redis_.port()), "--mysql",
                             "127.0.0.1:" + std::to_string(mariadb_.port())});
    boxoffice_.emplace(more);
    boxoffice_->wait_ready(30s);
    RawClient admin(boxoffice_->admin_port());
    const auto seeded = admin
                            .exchange("POST", "/admin/seed", admin_field,
                                      R"({"seed":1,"users":{"n":10,"prefix":"u"},"events":[)"
                                      R"({"rows":2,"cols":5,)"
                                      R"("queue":)" +
                                          queue + "}]}")
                            .json();
    event_ = seeded.at("events").at(0).at("id").get<std::uint64_t>();
    const auto first = std::to_string(seeded.at("firstUser").get<std::uint64_t>());
    const auto tokens = admin.exchange("POST", "/admin/tokens", admin_field,
                                       R"({"from":)" + first + R"(,"to":)" + first + "}");
    token_ = nlohmann::json::parse(tokens.body).at("token");
  }

  BoxofficeProcess& boxoffice() { return *boxoffice_; }
  PrivateMariadb& mariadb() { return mariadb_; }
  [[nodiscard]] std::uint64_t event() const { return event_; }
  [[nodiscard]] const std::string& token() const { return token_; }
  [[nodiscard]] std::string user_field() const {
    return "Authorization: Bearer " + token_ + "\r\n";
  }

  // A hold and its order: the order's id.
  std::string order_seat(RawClient& client, unsigned seat) {
    const auto held = client.exchange("POST", "/api/reservations", user_field(),
                                      R"({"eventId":)" + std::to_string(event_) +
                                          R"(,"seatIds":[)" + std::to_string(seat) + "]}");
    EXPECT_EQ(held.status, 201) << held.body;
    const auto ordered = client.exchange(
        "POST", "/api/orders", user_field() + "Idempotency-Key: o" + std::to_string(seat) + "\r\n",
        R"({"holdId":")" + held.json().at("holdId").get<std::string>() + R"("})");
    EXPECT_EQ(ordered.status, 201) << ordered.body;
    return ordered.json().at("orderId");
  }
  std::string status_of(const std::string& order) {
    return mariadb_.sql("SELECT status FROM orders WHERE id=" + order, "boxoffice").at(0).at(0);
  }

 private:
  PrivateMariadb mariadb_;
  PrivateRedis redis_;
  std::optional<BoxofficeProcess> boxoffice_;
  std::uint64_t event_ = 0;
  std::string token_;
};

bool installed() { return PrivateMariadb::installed() && PrivateRedis::installed(); }

TEST(Drain, AnswersThePaymentInFlightAndClosesTheRest) {
  if (!installed()) GTEST_SKIP() << "needs redis-server and mariadbd";
  Venue venue({"--payment-delay", "fixed:1500", "--payment-approve", "1"}, R"({"on":true})");
  BoxofficeProcess& boxoffice = venue.boxoffice();
  RawClient idle(boxoffice.port()), buyer(boxoffice.port()), socket(boxoffice.port());
  EXPECT_EQ(idle.exchange("GET", "/healthz").status, 200);
  // The waiting room admits; the entry pass is what a hold needs while it is on.
  socket.send("GET /ws/queue?event=" + std::to_string(venue.event()) +
              "&access_token=" + venue.token() +
              " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Protocol: tk.queue.v1\r\n\r\n");
  EXPECT_EQ(socket.answer().status, 101);
  RawClient admin(boxoffice.admin_port());
  EXPECT_EQ(admin
                .exchange("PATCH", "/admin/events/" + std::to_string(venue.event()), admin_field,
                          R"({"queue":{"on":false}})")
                .status,
            200);
  std::this_thread::sleep_for(1100ms);  // until no thread's copy of the event is older
  const std::string order = venue.order_seat(buyer, 3);
  buyer.start("POST", "/api/payments/authorize", venue.user_field() + "Idempotency-Key: p\r\n",
              R"({"orderId":")" + order + R"(","method":"CARD"})");
  std::this_thread::sleep_for(300ms);

  boxoffice.signal(SIGTERM);
  EXPECT_TRUE(idle.closed());
  const auto paid = buyer.answer();
  EXPECT_EQ(paid.status, 200) << boxoffice.log();
  EXPECT_EQ(paid.json().value("status", ""), "DONE");
  EXPECT_NE(paid.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(buyer.closed());
  std::string last_words = socket.take(1);
  while (!last_words.ends_with("\x03\xF4")) {
    const std::string next = socket.take(1);
    ASSERT_FALSE(next.empty()) << "no close code 1012";
    last_words += next;
  }
  socket.send(std::string("\x88\x82\0\0\0\0\x03\xF4", 8));
  EXPECT_EQ(boxoffice.wait_exit(8s), 0) << boxoffice.log();
  EXPECT_EQ(venue.status_of(order), "CONFIRMED");
}

TEST(Drain, ASecondSignalEndsAtOnce) {
  if (!installed()) GTEST_SKIP() << "needs redis-server and mariadbd";
  Venue venue({"--payment-delay", "fixed:8000"});
  BoxofficeProcess& boxoffice = venue.boxoffice();
  RawClient buyer(boxoffice.port());
  const std::string order = venue.order_seat(buyer, 3);
  buyer.start("POST", "/api/payments/authorize", venue.user_field() + "Idempotency-Key: p\r\n",
              R"({"orderId":")" + order + R"(","method":"CARD"})");
  std::this_thread::sleep_for(200ms);
  boxoffice.signal(SIGTERM);
  EXPECT_FALSE(boxoffice.wait_exit(500ms)) << "it waits for the payment";
  boxoffice.signal(SIGTERM);
  EXPECT_EQ(boxoffice.wait_exit(1s), 128 + SIGTERM);
}

TEST(BoxofficeExit, UsageIs64AndNamesEveryProblem) {
  BoxofficeProcess boxoffice({"--threads", "0", "--roles", "cook"});
  EXPECT_EQ(boxoffice.wait_exit(5s), 64);
  EXPECT_NE(boxoffice.log().find("--threads must be a number from 1 to 64"), std::string::npos);
  EXPECT_NE(boxoffice.log().find("'cook' is not a role"), std::string::npos);
}

TEST(BoxofficeExit, ATakenPortIs69AndNamesIt) {
  for (const char* threads : {"1", "2"}) {
    BoxofficeProcess first(
        {"--redis", "127.0.0.1:1", "--mysql", "127.0.0.1:1", "--threads", threads});
    for (int i = 0; i < 100 && first.log().find("listening") == std::string::npos; ++i) {
      std::this_thread::sleep_for(20ms);
    }
    BoxofficeProcess second({"--port", std::to_string(first.port()), "--threads", threads});
    EXPECT_EQ(second.wait_exit(5s), 69);
    EXPECT_NE(second.log().find(":" + std::to_string(first.port())), std::string::npos);
    EXPECT_EQ(RawClient(first.port()).exchange("GET", "/healthz").status, 200);
    EXPECT_EQ(RawClient(first.port()).exchange("GET", "/readyz").status, 503);
    first.signal(SIGTERM);
    EXPECT_EQ(first.wait_exit(5s), 0);
  }
}

}  // namespace
}  // namespace boxoffice::test
