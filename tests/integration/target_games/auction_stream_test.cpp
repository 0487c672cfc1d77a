// The event stream of an auction over a real server: ticks for all, notices for one.
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "target/http/jwt.hpp"
#include "target/http/server.hpp"
#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {
namespace {

// A client that keeps what it is sent.
struct Watcher {
  explicit Watcher(asio::io_context& io) : socket(io) {}
  asio::basic_stream_socket<asio::ip::tcp, Executor> socket;
  std::string text;
  bool ended = false;

  static Task<void> watch(std::shared_ptr<Watcher> self, std::uint16_t port, std::string request) {
    co_await self->socket.async_connect({asio::ip::address_v4::loopback(), port}, use_task);
    co_await asio::async_write(self->socket, asio::buffer(request), use_task);
    std::array<char, 4096> bytes{};
    while (true) {
      const auto [error, count] =
          co_await self->socket.async_read_some(asio::buffer(bytes), asio::as_tuple(use_task));
      if (error) break;
      self->text.append(bytes.data(), count);
    }
    self->ended = true;
  }
};

class AuctionStream : public GamesFixture {
 protected:
  void SetUp() override {
    GamesFixture::SetUp();
    if (IsSkipped()) return;
    config.jwt_secret = "a secret of the test, long enough";
    server_ =
        std::make_unique<HttpServer>(io, config, metrics, switches, load, instances[0]->table);
    port_ = server_->listen("127.0.0.1", 0, Surface::main, false);
  }
  void TearDown() override {
    if (server_) run(io, server_->drain(in(Millis(500))));
    GamesFixture::TearDown();
  }
  std::shared_ptr<Watcher> watch(std::uint64_t id, std::uint64_t user) {
    auto watcher = std::make_shared<Watcher>(io);
    const std::string token = sign_jwt(config.jwt_secret, user, Role::user,
                                       std::chrono::system_clock::now(), std::chrono::seconds(60));
    const std::string request = fmt::format(
        "GET /api/auctions/{}/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", id,
        token);
    asio::co_spawn(io, Watcher::watch(watcher, port_, request), [](const std::exception_ptr&) {});
    return watcher;
  }
  static bool says(const Watcher& watcher, std::string_view text) {
    return watcher.text.find(text) != std::string::npos;
  }
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
};

TEST_F(AuctionStream, TicksForAllAndNoticesForWhoIsPushedOut) {
  AuctionInfo facts;
  facts.slots = 1;
  const std::uint64_t id = auction(facts);
  const auto first = watch(id, 1), second = watch(id, 2), elsewhere = watch(id + 1, 1);
  ASSERT_TRUE(
      eventually([&] { return says(*first, "event: tick") && says(*second, "event: tick"); }));
  EXPECT_TRUE(says(*first, "Content-Type: text/event-stream"));
  EXPECT_TRUE(says(*elsewhere, "HTTP/1.1 404"));
  ASSERT_EQ(bid(id, 1, 20000).status, 201);
  ASSERT_EQ(bid(id, 2, 30000).status, 201);
  EXPECT_TRUE(eventually([&] { return says(*first, R"(event: rankOut)"); }));
  EXPECT_TRUE(says(*first, R"("cutoff":30000)"));
  EXPECT_FALSE(says(*second, "rankOut"));
  EXPECT_TRUE(eventually([&] {
    return says(*second, R"({"top":30000,"cutoff":30000,)") && says(*second, R"("bidders":2)");
  }));
}

TEST_F(AuctionStream, WinnersAreToldAndADrainEndsTheStream) {
  AuctionInfo facts;
  facts.slots = 1;
  const std::uint64_t id = auction(facts);
  const auto winner = watch(id, 1), loser = watch(id, 2);
  ASSERT_TRUE(eventually([&] { return says(*winner, "tick") && says(*loser, "tick"); }));
  ASSERT_EQ(bid(id, 1, 20000).status, 201);
  ASSERT_EQ(bid(id, 2, 10000).status, 201);
  end_auction(id);
  Instance& worker = add_instance();
  worker.owners.push_back(spawn_auction_workers(worker.thread));
  EXPECT_TRUE(
      eventually([&] { return says(*winner, "event: offer") && says(*loser, "event: closed"); }));
  EXPECT_TRUE(says(*winner, R"({"offer":true,)"));
  EXPECT_FALSE(says(*loser, "event: offer"));
  EXPECT_EQ(load.event_streams.load(), 2U);
  winner->socket.close();
  EXPECT_TRUE(eventually([&] { return load.event_streams.load() == 1U; }));
  run(io, server_->drain(in(Millis(2000))));
  server_.reset();
  EXPECT_TRUE(eventually([&] { return loser->ended; }));
}

}  // namespace
}  // namespace boxoffice
