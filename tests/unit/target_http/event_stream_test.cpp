// Event streams of the real server, fed by a handler of the test: bounds, silence, goodbye.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "target/http/event_stream_session.hpp"
#include "target/http/server.hpp"

namespace boxoffice {
namespace {

using namespace std::chrono_literals;

// All streams that are open; used on the server's thread.
struct Crowd {
  std::vector<std::shared_ptr<EventStreamPeer>> peers;
  std::atomic<int> opened{0}, closed{0};
};

class CrowdHandler final : public EventStreamHandler {
 public:
  explicit CrowdHandler(Crowd& crowd) : crowd_(crowd) {}
  void opened(std::shared_ptr<EventStreamPeer> peer) override {
    peer->send(std::make_shared<const std::string>("event: hello\ndata: {}\n\n"));
    peer_ = peer;
    crowd_.peers.push_back(std::move(peer));
    ++crowd_.opened;
  }
  void closed() override {
    std::erase(crowd_.peers, peer_);
    peer_.reset();
    ++crowd_.closed;
  }

 private:
  Crowd& crowd_;
  std::shared_ptr<EventStreamPeer> peer_;
};

class Client {
 public:
  explicit Client(std::uint16_t port, const std::string& method = "GET", int buffer_bytes = 0) {
    socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (buffer_bytes > 0)
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string request = method + " /stream HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(send(socket_, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;

  // Reads until `mark` is there or the other side ended; everything so far.
  const std::string& until(const std::string& mark) {
    std::size_t from = 0;
    while (text_.find(mark, from) == std::string::npos && more())
      from = text_.size() > mark.size() + 4096 ? text_.size() - mark.size() - 4096 : 0;
    return text_;
  }
  std::size_t received() const { return received_; }
  bool ended() {
    while (more()) {
    }
    return over_;
  }

 private:
  bool more() {
    pollfd wait{socket_, POLLIN, 0};
    if (poll(&wait, 1, 20000) <= 0) return false;
    char part[4096];
    const ssize_t count = recv(socket_, part, sizeof part, 0);
    over_ = count <= 0;
    if (count > 0) text_.append(part, static_cast<std::size_t>(count));
    if (count > 0) received_ += static_cast<std::size_t>(count);
    return count > 0;
  }
  int socket_ = -1;
  std::string text_;
  std::atomic<std::size_t> received_{0};
  bool over_ = false;
};

class EventStreamTest : public ::testing::Test {
 protected:
  void start(const ServerLimits& limits) {
    Route route;
    route.method = "GET";
    route.pattern = "/stream";
    route.role = "catalog";
    route.auth = Auth::none;
    route.handle = [this](const HttpRequest&) -> Task<HttpResponse> {
      co_return event_stream(std::make_shared<CrowdHandler>(crowd_));
    };
    table_.routes.push_back(route);
    config_.roles = {"catalog"};
    server_ =
        std::make_unique<HttpServer>(io_, config_, metrics_, switches_, load_, table_, limits);
    port_ = server_->listen("127.0.0.1", 0, Surface::main, false);
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    if (!drained_) drain(100ms);
    work_.reset();
    thread_.join();
  }
  static ServerLimits quick() {
    ServerLimits limits;
    limits.deadline_grain = 10ms;
    return limits;
  }
  void on_thread(const std::function<void()>& what) {
    std::promise<void> done;
    asio::post(io_, [&] {
      what();
      done.set_value();
    });
    done.get_future().get();
  }
  bool drain(Millis grace) {
    drained_ = true;
    std::promise<bool> clean;
    asio::co_spawn(io_, server_->drain(Clock::now() + grace),
                   [&](std::exception_ptr, bool result) { clean.set_value(result); });
    return clean.get_future().get();
  }
  void send_to_all(const std::string& text) {
    on_thread([&] {
      const auto shared = std::make_shared<const std::string>(text);
      const auto peers = crowd_.peers;
      for (const auto& peer : peers) peer->send(shared);
    });
  }
  bool eventually(const std::function<bool()>& predicate) {
    for (int i = 0; i < 20000 && !predicate(); ++i) std::this_thread::sleep_for(1ms);
    return predicate();
  }

  asio::io_context io_{1};
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  Config config_;
  Metrics metrics_;
  Switches switches_;
  ServerLoad load_;
  RouteTable table_;
  Crowd crowd_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
  bool drained_ = false;
};

TEST_F(EventStreamTest, TheHeadSaysWhatItIsAndEventsFollow) {
  start(quick());
  Client client(port_);
  const std::string& head = client.until("data: {}\n\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
  EXPECT_NE(head.find("\r\nContent-Type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nTrace-Id: "), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(load_.event_streams, 1U);
  send_to_all("data: one\n\n");
  EXPECT_NE(client.until("data: one\n\n").find("data: one"), std::string::npos);
}

TEST_F(EventStreamTest, HeadOpensNothing) {
  start(quick());
  Client client(port_, "HEAD");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(crowd_.opened, 0);
  EXPECT_EQ(crowd_.closed, 1);
}

TEST_F(EventStreamTest, SilenceIsFilledWithComments) {
  ServerLimits limits = quick();
  limits.stream_ping = 30ms;
  start(limits);
  Client client(port_);
  client.until("data: {}\n\n");
  EXPECT_NE(client.until(":\n\n:\n\n").find(":\n\n:\n\n"), std::string::npos);
}

// Who does not read is cut when 256 kB wait for it; who reads misses nothing.
TEST_F(EventStreamTest, ASlowClientIsCutAndTheOthersAreUnharmed) {
  start(quick());
  Client slow(port_, "GET", 4096), good(port_);
  ASSERT_TRUE(eventually([&] { return crowd_.opened == 2; }));
  const std::string block = "data: " + std::string(16000, 'x') + "\n\n";
  auto reading =
      std::async(std::launch::async, [&] { return good.until("data: last\n\n").size(); });
  std::size_t sent = 0;
  while (crowd_.closed == 0 && sent < 4000) {
    send_to_all(block);
    ++sent;
    ASSERT_TRUE(
        eventually([&] { return good.received() + 8 * block.size() > sent * block.size(); }));
  }
  EXPECT_TRUE(eventually([&] { return crowd_.closed == 1; }));
  send_to_all("data: last\n\n");
  EXPECT_GE(reading.get(), sent * block.size());
  EXPECT_EQ(load_.event_streams, 1U);
  EXPECT_NE(metrics_.exposition().find("sse_dropped_total{reason=\"slow\"} 1"), std::string::npos);
}

// The first client shows how much the kernel takes and 256 kB more; the second gets a little less.
TEST_F(EventStreamTest, APeerThatTakesNothingForTooLongIsCut) {
  ServerLimits limits = quick();
  limits.stream_stall = 500ms;
  start(limits);
  const std::string block(32000, 'x');
  int blocks = 0;
  {
    Client first(port_, "GET", 4096);
    ASSERT_TRUE(eventually([&] { return crowd_.opened == 1; }));
    for (; crowd_.closed == 0 && blocks < 4000; ++blocks) send_to_all(block);
    ASSERT_TRUE(eventually([&] { return crowd_.closed == 1; }));
  }
  Client second(port_, "GET", 4096);
  ASSERT_TRUE(eventually([&] { return crowd_.opened == 2; }));
  for (int i = 0; i < blocks - 5; ++i) send_to_all(block);
  EXPECT_TRUE(eventually([&] { return crowd_.closed == 2; }));
  EXPECT_NE(metrics_.exposition().find("sse_dropped_total{reason=\"stalled\"} 1"),
            std::string::npos);
}

TEST_F(EventStreamTest, ADrainSaysGoodbyeToEverybodyAndIsClean) {
  start(quick());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(std::make_unique<Client>(port_));
  ASSERT_TRUE(eventually([&] { return crowd_.opened == 50; }));
  send_to_all("data: last\n\n");
  auto clean = std::async(std::launch::async, [&] { return drain(10000ms); });
  for (auto& client : clients) {
    EXPECT_TRUE(client->ended());
    EXPECT_NE(client->until("data: last\n\n").find("data: last"), std::string::npos);
    client.reset();
  }
  EXPECT_TRUE(clean.get());
  EXPECT_EQ(crowd_.closed, 50);
  EXPECT_EQ(load_.event_streams, 0U);
  EXPECT_EQ(load_.connections, 0U);
}

TEST_F(EventStreamTest, AClientThatLeavesIsNoticed) {
  start(quick());
  {
    Client client(port_);
    client.until("data: {}\n\n");
  }
  EXPECT_TRUE(eventually([&] { return crowd_.closed == 1; }));
  send_to_all("data: nobody\n\n");
}

}  // namespace
}  // namespace boxoffice
