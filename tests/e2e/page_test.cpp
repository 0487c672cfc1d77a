// Goal: people can use the page: they book, they race, they wait, and are told what happened.
// Method: the real binary on private Redis and MariaDB servers, and a headless Chromium driven by
// tests/e2e/page/*.mjs; afterwards the database is asked by another way what was sold.
#include <gtest/gtest.h>

#include <sstream>

#include "test_paths.hpp"
#include "tests/e2e/boxoffice_process.hpp"
#include "tests/e2e/command.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice::test {
namespace {

using namespace std::chrono_literals;

// Servers, a boxoffice, one event of 4 × 10 seats, and people with tokens.
class World {
 public:
  explicit World(const std::string& event, std::vector<std::string> more = {},
                 const std::string& games = "") {
    more.insert(more.end(),
                {"--redis", "127.0.0.1:" + std::to_string(redis_.port()), "--mysql",
                 "127.0.0.1:" + std::to_string(mariadb_.port()), "--payment-delay", "fixed:300"});
    boxoffice_.emplace(more);
    boxoffice_->wait_ready(30s);
    RawClient admin(boxoffice_->admin_port());
    const std::string field = "Admin-Token: " + std::string(BoxofficeProcess::admin_token) + "\r\n";
    const auto seeded = admin
                            .exchange("POST", "/admin/seed", field,
                                      R"({"seed":1,"users":{"n":10,"prefix":"u"},"events":[)" +
                                          event + "]" + games + "}")
                            .json();
    event_ = seeded.at("events").at(0).at("id").get<std::uint64_t>();
    const auto first = seeded.at("firstUser").get<std::uint64_t>();
    const nlohmann::json range{{"from", first}, {"to", first + 9}};
    std::istringstream lines(admin.exchange("POST", "/admin/tokens", field, range.dump()).body);
    for (std::string line; std::getline(lines, line);) {
      tokens_.push_back(nlohmann::json::parse(line).at("token"));
    }
  }

  // Runs a story of tests/e2e/page; its complaints are the failure.
  void tell(const std::string& story, const nlohmann::json& more = nlohmann::json::object()) {
    nlohmann::json world{{"url", "http://127.0.0.1:" + std::to_string(boxoffice_->port())},
                         {"event", event_},
                         {"tokens", tokens_},
                         {"chromium", "/usr/bin/chromium"}};
    world.update(more);
    const auto told = stampede::test::run_command(
        {"/usr/bin/env", "node", STAMPEDE_SOURCE_DIR "/tests/e2e/page/" + story + ".mjs",
         world.dump()});
    EXPECT_EQ(told.exit_code, 0) << told.out << told.err
                                 << "\nThe page's tools come with ci/setup.";
  }
  [[nodiscard]] std::uint16_t port() const { return boxoffice_->port(); }
  // How stampede attaches to these servers.
  [[nodiscard]] std::vector<std::string> attach() const {
    return {"--url",   "http://127.0.0.1:" + std::to_string(boxoffice_->port()),
            "--admin", "127.0.0.1:" + std::to_string(boxoffice_->admin_port()),
            "--mysql", "root:@127.0.0.1:" + std::to_string(mariadb_.port()) + "/boxoffice",
            "--redis", "127.0.0.1:" + std::to_string(redis_.port())};
  }
  std::string sql(const std::string& query) { return mariadb_.sql(query, "boxoffice").at(0).at(0); }

 private:
  PrivateMariadb mariadb_;
  PrivateRedis redis_;
  std::optional<BoxofficeProcess> boxoffice_;
  std::uint64_t event_ = 0;
  std::vector<std::string> tokens_;
};

TEST(Page, FilesComeWithTagsAndAPolicyAndNothingElseDoes) {
  const World world(R"({"title":"Recital","rows":1,"cols":2})");
  RawClient client(world.port());
  const auto page = client.exchange("GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.head.find("Content-Type: text/html; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(page.head.find("Content-Security-Policy: default-src 'none'; script-src 'self';"),
            std::string::npos);
  EXPECT_NE(page.head.find("Cache-Control: no-cache\r\n"), std::string::npos) << page.head;
  // What it names has the digest of its bytes in its name, and may be kept for good.
  for (const char* const part : {"page/app.", "page/style.", "page/icon."}) {
    const auto at = page.body.find(part);
    ASSERT_NE(at, std::string::npos) << page.body;
    const std::string name = "/" + page.body.substr(at, page.body.find('"', at) - at);
    const auto file = client.exchange("GET", name);
    EXPECT_EQ(file.status, 200) << name;
    EXPECT_NE(file.head.find("Cache-Control: public, max-age=31536000, immutable\r\n"),
              std::string::npos)
        << file.head;
    std::string other = name;
    char& digit = other[other.find('.') + 1];
    digit = digit == '0' ? '1' : '0';
    EXPECT_EQ(client.exchange("GET", other).status, 404) << "other bytes: " << other;
  }
  const auto script = client.exchange("GET", "/page/app.js");
  EXPECT_EQ(script.status, 200);
  EXPECT_NE(script.head.find("Cache-Control: no-cache\r\n"), std::string::npos) << script.head;
  const auto tag = script.head.find("ETag: ");
  ASSERT_NE(tag, std::string::npos);
  const std::string value = script.head.substr(tag + 6, script.head.find('\r', tag) - tag - 6);
  const auto again = client.exchange("GET", "/page/app.js", "If-None-Match: " + value + "\r\n");
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(client.exchange("GET", "/page/nothing.js").status, 404);
  EXPECT_EQ(client.exchange("GET", "/page/../main.cpp").status, 404);
  EXPECT_EQ(client.exchange("POST", "/").status, 405);
}

TEST(Page, FilesComeCompressedToWhoeverTakesThemSo) {
  World world(R"({"title":"Recital","rows":1,"cols":2})");
  world.tell("codings");
}

const std::string open_hall = R"({"title":"Recital","rows":4,"cols":10,"maxPerUser":4})";

TEST(Page, APersonBooksSeatsWithTheMouseAndByKeyboardAtPhoneWidth) {
  World world(open_hall, {"--payment-approve", "1"});
  world.tell("booking");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM tickets"), "3");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM orders"), "2");
}

TEST(Page, SomebodyNewSignsUpBooksAndFindsTheTicketInAnotherBrowser) {
  World world(open_hall, {"--payment-approve", "1"});
  world.tell("account");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM tickets"), "1");
}

TEST(Page, AKeyboardAloneChoosesSignsUpBooksAndChangesOwnData) {
  World world(open_hall, {"--payment-approve", "1"});
  world.tell("keyboard");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM tickets"), "1");
  EXPECT_EQ(world.sql("SELECT method FROM payments"), "TRANSFER");
  EXPECT_EQ(world.sql("SELECT nickname FROM users WHERE login='night.owl'"), "Night Owl");
  EXPECT_EQ(world.sql("SELECT email IS NULL FROM users WHERE login='night.owl'"), "1");
}

TEST(Page, EveryScreenFitsAPhoneIsReadableAndWithinReachOfTheKeyboard) {
  World world(open_hall +
                  R"(,{"title":"Rush","rows":4,"cols":10,"queue":{"on":true,"cap":1,"rate":50,)"
                  R"("burst":50,"leaseMs":600000,"heartbeatMs":600000}})",
              {"--payment-approve", "1"},
              R"(,"practice":[{"title":"Rush hour","periodMs":20000,"openMs":12000,"bots":0}],)"
              R"("auctions":[{"title":"Front row","slots":2,"startPrice":50000,)"
              R"("minStep":1000,"durationMs":600000}])");
  world.tell("screens");
}

TEST(Page, OfTwoPeopleWhoWantOneSeatOneGetsItAndTheOtherIsTold) {
  World world(open_hall);
  world.tell("race");
}

TEST(Page, ADeclinedPaymentIsToldAndGivesTheSeatsBack) {
  World world(open_hall, {"--payment-approve", "0"});
  world.tell("decline");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM tickets"), "0");
}

TEST(Page, ADroppedWebSocketKeepsThePlaceInTheWaitingRoom) {
  World world(R"({"title":"Rush","rows":4,"cols":10,"queue":{"on":true,"cap":1,"rate":50,)"
              R"("burst":50,"leaseMs":120000}})");
  world.tell("waiting");
}

TEST(Page, APersonPractisesAgainstBotsAndGetsARank) {
  World world(open_hall, {},
              R"(,"practice":[{"title":"Rush hour","periodMs":20000,"openMs":12000,"rows":10,)"
              R"("cols":10,"bots":30,"reactionMs":900}])");
  world.tell("practice");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM practice_records WHERE is_bot=0"), "1");
  EXPECT_NE(world.sql("SELECT COUNT(*) FROM practice_records WHERE is_bot=1"), "0");
}

TEST(Page, AnOutbidPersonIsToldAndTheHighestBidderPaysForTheSlot) {
  World world(open_hall, {"--payment-approve", "1"},
              R"(,"auctions":[{"title":"Front row","slots":2,"startPrice":50000,)"
              R"("minStep":1000,"durationMs":40000,"offerTtlMs":120000}])");
  world.tell("auction");
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM bids"), "3");
  EXPECT_EQ(world.sql("SELECT status FROM auction_awards WHERE rank_no=1"), "PAID");
}

// hc-1000 as it is, its 1,000 people and its halls, for a shorter time.
TEST(Page, APersonBooksWhileALoadRunFillsAnotherHall) {
  using stampede::test::run_command;
  World world(open_hall, {"--payment-approve", "1"});
  const stampede::test::TemporaryFolder folder;
  const auto out = folder.path() / "run";
  std::vector<std::string> words{
      "/usr/bin/env",
      "STAMPEDE_ADMIN_TOKEN=" + std::string(BoxofficeProcess::admin_token),
      stampede::test::stampede_binary(),
      "run",
      STAMPEDE_SOURCE_DIR "/profiles/hc-1000.yaml",
      "--out",
      out.string(),
      "--quiet",
      "--no-calibration"};
  for (const char* change : {"target.payment.approve=1", "drain=3s"}) {
    words.insert(words.end(), {"--set", change});
  }
  for (const char* stages :
       {"fight=4s:495,26s:495", "flow=4s:495,26s:495", "meddlers=4s:10,26s:10"}) {
    words.insert(words.end(), {"--stages", stages});
  }
  const auto servers = world.attach();
  words.insert(words.end(), servers.begin(), servers.end());
  const auto run = run_command(words, [&world](int) {
    world.tell("under_load", {{"bigHall", "20,000"}});
  });
  const auto file =
      nlohmann::json::parse(stampede::test::read_file(out / "run.json"), nullptr, false);
  ASSERT_TRUE(file.contains("findings")) << run.out << run.err;
  int invariants = 0;
  for (const auto& finding : file["findings"]) {
    if (finding["kind"] != "invariant") continue;
    ++invariants;
    EXPECT_NE(finding["result"], "broken") << finding.dump();
  }
  EXPECT_GT(invariants, 20) << run.out << run.err;
  EXPECT_EQ(world.sql("SELECT COUNT(*) FROM tickets WHERE event_id=1"), "1");
}

}  // namespace
}  // namespace boxoffice::test
