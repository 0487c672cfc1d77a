// Goal: the admin client asks in the agreed words, understands the agreed answers, and names what
// is wrong with any other. Method: a scripted server.
#include <gtest/gtest.h>

#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/http_exchange.hpp"
#include "tests/support/scripted_server.hpp"

namespace stampede {
namespace {

test::Reply reply(unsigned status, const std::string& body) {
  test::Reply result;
  result.status = status;
  result.body = body;
  return result;
}

class AdminClient : public testing::Test {
 protected:
  // Before the server, whose thread uses them until it is gone.
  test::Seen seen;
  test::Reply answer;
  test::ScriptedServer server{[this](const test::Seen& request) {
    seen = request;
    return answer;
  }};
  BoxofficeAdmin admin{Endpoint{"127.0.0.1", server.port()}, "the-token"};

  std::string problem(const std::function<void()>& action) {
    try {
      action();
    } catch (const TopologyError& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
};

TEST_F(AdminClient, SeedsWhatTheProfileSays) {
  answer = reply(200, R"({"firstUser":101,"users":5,"events":[{"id":3,"epoch":2,"seats":200}]})");
  DataSpec data;
  data.users = 5;
  EventSpec event;
  event.rows = 10;
  event.columns = 20;
  event.price = 50000;
  event.hold_ttl = std::chrono::seconds{5};
  event.queue_on = true;
  event.queue_cap = 100;
  event.queue_requeue = true;
  data.events = {event};
  const BoxofficeAdmin::Seeded seeded = admin.seed(data, 77);
  EXPECT_EQ(seeded.first_user, 101U);
  EXPECT_EQ(seeded.users, 5U);
  ASSERT_EQ(seeded.events.size(), 1U);
  EXPECT_EQ(seeded.events[0].id, 3U);
  EXPECT_EQ(seeded.events[0].epoch, 2U);
  EXPECT_EQ(seeded.events[0].seats, 200U);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/admin/seed");
  EXPECT_NE(seen.head.find("Admin-Token: the-token"), std::string::npos) << seen.head;
  const auto body = nlohmann::json::parse(seen.body);
  EXPECT_EQ(body, nlohmann::json::parse(R"({"seed":77,"users":{"n":5,"prefix":"load"},"events":[
    {"mode":"RESERVED","rows":10,"cols":20,"grades":[{"grade":"A","price":50000}],
     "holdTtlMs":5000,"maxPerUser":4,"saleOpenAt":null,
     "queue":{"on":true,
              "cap":100,"rate":50.0,"burst":50.0,"mode":"FIFO","requeue":true,"leaseMs":30000,
              "heartbeatMs":15000}}]})"));
}

TEST_F(AdminClient, ReadsTokensLineByLine) {
  answer = reply(200, "{\"user\":1,\"token\":\"a.b.c\"}\n{\"user\":2,\"token\":\"d\"}\n");
  const std::vector<UserToken> tokens = admin.tokens(1, 2, std::chrono::seconds{60});
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].token, "a.b.c");
  EXPECT_EQ(tokens[1].user, 2U);
  EXPECT_EQ(nlohmann::json::parse(seen.body),
            (nlohmann::json{{"from", 1}, {"role", "USER"}, {"to", 2}, {"ttlMs", 60000}}));
}

TEST_F(AdminClient, MissingTokensAreAnErrorAndNoTokenIsShown) {
  answer = reply(200, "{\"user\":1,\"token\":\"secret\"}\n");
  EXPECT_NE(problem([this] {
              (void)admin.tokens(1, 2, std::chrono::seconds{60});
            }).find("1 tokens; 2 asked for"),
            std::string::npos);
  answer = reply(200, "{\"user\":1,\"token\":\"secret\"\n");
  const std::string message =
      problem([this] { (void)admin.tokens(1, 1, std::chrono::seconds{60}); });
  EXPECT_NE(message.find("line 1"), std::string::npos) << message;
  EXPECT_EQ(message.find("secret"), std::string::npos) << message;
}

TEST_F(AdminClient, QuiesceTellsWhatIsLeft) {
  answer = reply(202, R"({"quiet":false,"left":{"holds":3,"outbox":0,"orders":1}})");
  const QuiesceResult left = admin.quiesce(std::chrono::milliseconds{100});
  EXPECT_FALSE(left.quiet);
  EXPECT_EQ(left.left, "3 holds, 1 orders");
  answer = reply(200, R"({"quiet":true,"left":{}})");
  EXPECT_TRUE(admin.quiesce(std::chrono::milliseconds{100}).quiet);
}

TEST_F(AdminClient, ReadsTheConfiguration) {
  answer = reply(200, R"({"tainted":true,"defects":["no_guard1"],"threads":2})");
  const TargetConfig config = admin.config();
  EXPECT_TRUE(config.tainted);
  EXPECT_EQ(config.defects, (std::vector<std::string>{"no_guard1"}));
  EXPECT_EQ(config.text, answer.body);
  EXPECT_EQ(seen.method, "GET");
}

TEST_F(AdminClient, AnErrorNamesRequestStatusAndBody) {
  answer = reply(401, R"({"code":"UNAUTHORIZED"})");
  const std::string message = problem([this] { (void)admin.stats(); });
  EXPECT_NE(message.find("GET http://127.0.0.1"), std::string::npos) << message;
  EXPECT_NE(message.find("/admin/stats: status 401: {\"code\":\"UNAUTHORIZED\"}"),
            std::string::npos)
      << message;
  EXPECT_EQ(message.find("the-token"), std::string::npos);
}

TEST_F(AdminClient, AnotherShapeIsAnErrorThatShowsIt) {
  answer = reply(200, R"({"tainted":"maybe"})");
  const std::string message = problem([this] { (void)admin.config(); });
  EXPECT_NE(message.find("not the agreed JSON: {\"tainted\":\"maybe\"}"), std::string::npos)
      << message;
}

TEST_F(AdminClient, AServerThatBreaksOffIsAnError) {
  answer.kind = test::Reply::Kind::half_body;
  EXPECT_NE(problem([this] { (void)admin.config(); }).find("GET http://127.0.0.1"),
            std::string::npos);
  BoxofficeAdmin nobody(Endpoint{"127.0.0.1", test::unused_port()}, "t");
  EXPECT_NE(problem([&nobody] { (void)nobody.config(); }).find("refused"), std::string::npos);
}

TEST_F(AdminClient, ASilentServerIsLeftAtTheTimeout) {
  answer.kind = test::Reply::Kind::silence;
  EXPECT_THROW((void)exchange(Endpoint{"127.0.0.1", server.port()}, {"GET", "/", "", {}},
                              std::chrono::milliseconds{100}),
               std::exception);
}

}  // namespace
}  // namespace stampede
