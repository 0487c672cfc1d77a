// The real server on loopback, driven by plain blocking sockets: what a client sees, byte by byte.
#include "target/http/server.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <future>
#include <thread>

#include "target/domain/unavailable.hpp"
#include "target/http/websocket_frames.hpp"

namespace boxoffice {
namespace {

using namespace std::chrono_literals;

class EchoHandler final : public WebSocketHandler {
 public:
  explicit EchoHandler(std::atomic<int>& closed) : closed_(closed) {}
  void opened(std::shared_ptr<WebSocketPeer> peer) override { peer_ = std::move(peer); }
  void message(std::string_view text) override {
    if (text == "flood") {
      while (peer_->send(std::string(4000, 'x'))) {
      }
      return;
    }
    if (text == "throw") throw std::runtime_error("on purpose");
    peer_->send("echo " + std::string(text));
  }
  void closed() override { ++closed_; }

 private:
  std::atomic<int>& closed_;
  std::shared_ptr<WebSocketPeer> peer_;
};

Route row(std::string_view method, std::string_view pattern,
          std::function<Task<HttpResponse>(const HttpRequest&)> handle, Auth auth = Auth::none) {
  Route route;
  route.method = method;
  route.pattern = pattern;
  route.role = "order";
  route.auth = auth;
  route.handle = std::move(handle);
  return route;
}

Task<HttpResponse> echo(const HttpRequest& request) {
  co_return json_response(200, std::string(request.method) + " " + std::string(request.body));
}
Task<HttpResponse> who(const HttpRequest& request) {
  co_return json_response(200, std::to_string(request.caller->user));
}
Task<HttpResponse> conflict(const HttpRequest& request) {
  No no;
  no.refusal = Refusal::seat_held;
  co_return problem(no, request);
}
Task<HttpResponse> break_down(const HttpRequest& request) {
  const auto kind = request.query_value("kind");
  if (kind == "store") throw StoreUnavailable("redis", "gone");
  if (kind == "commit") throw CommitUnknown("broken inside COMMIT");
  throw std::runtime_error("secret internals");
}
Task<HttpResponse> large(const HttpRequest&) {
  co_return json_response(200, std::string(2'000'000, 'x'));
}

// The server on a thread of its own; everything is ended in the destructor.
class Running {
 public:
  explicit Running(ServerLimits limits = fast(), Config settings = config_of())
      : config_(std::move(settings)) {
    fill_table();
    server_ =
        std::make_unique<HttpServer>(io_, config_, metrics_, switches_, load_, table_, limits);
    port_ = server_->listen("127.0.0.1", 0, Surface::main, false);
    admin_port_ = server_->listen("127.0.0.1", 0, Surface::admin, false);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Running() {
    if (server_ && !drained_) drain(100ms);
    work_.reset();
    if (thread_.joinable()) thread_.join();
  }
  // Ends the server in the middle of everything. `stopped`: the io_context is stopped before, and
  // is destroyed with what waits in it; otherwise it goes on.
  void destroy(bool stopped) {
    if (stopped) {
      io_.stop();
      thread_.join();
      server_.reset();
      return;
    }
    std::promise<void> done;
    asio::post(io_, [this, &done] {
      server_.reset();
      done.set_value();
    });
    done.get_future().get();
  }
  static ServerLimits fast() {
    ServerLimits limits;
    limits.request_read = 300ms;
    limits.idle = 30000ms;
    limits.linger = 200ms;
    limits.deadline_grain = 20ms;
    return limits;
  }
  static Config config_of() {
    Config config;
    config.roles = {"order", "admin"};
    config.jwt_secret = "jwt secret";
    config.admin_token = "0123456789abcdef";
    config.in_flight_max = 2;
    return config;
  }

  bool drain(Millis patience) {
    drained_ = true;
    std::promise<bool> done;
    asio::co_spawn(io_, server_->drain(Clock::now() + patience),
                   [&done](std::exception_ptr, bool clean) { done.set_value(clean); });
    return done.get_future().get();
  }
  // Lets the handlers of /gate end.
  void open_gate() { gate_open_ = true; }

  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  std::string token(std::uint64_t user) const {
    return sign_jwt(config_.jwt_secret, user, Role::user, std::chrono::system_clock::now(), 60s);
  }
  Switches& switches() { return switches_; }
  Metrics& metrics() { return metrics_; }
  ServerLoad& load() { return load_; }
  std::atomic<int>& closed() { return closed_; }

 private:
  void fill_table();
  Task<HttpResponse> gate() {
    asio::steady_timer timer(io_);
    while (!gate_open_) {
      timer.expires_after(5ms);
      co_await timer.async_wait(use_task);
    }
    co_return json_response(200, "through");
  }

  // The connections end with the io_context, so what they refer to is declared before it.
  Config config_;
  Metrics metrics_;
  Switches switches_;
  ServerLoad load_;
  RouteTable table_;
  std::atomic<bool> gate_open_{false};
  std::atomic<int> closed_{0};
  asio::io_context io_{1};
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0, admin_port_ = 0;
  bool drained_ = false;
  std::thread thread_;
};

void Running::fill_table() {
  table_.routes = {row("GET", "/echo", echo),
                   row("POST", "/echo", echo),
                   row("GET", "/who", who, Auth::bearer),
                   row("GET", "/conflict", conflict),
                   row("GET", "/break", break_down),
                   row("GET", "/large", large),
                   row("GET", "/gate", [this](const HttpRequest&) { return gate(); })};
  Route keyed = row("POST", "/keyed", echo);
  keyed.idempotency_required = true;
  Route admin = row("GET", "/admin/x", echo, Auth::admin_token);
  admin.admin = true;
  admin.role = "admin";
  Route health = row("GET", "/healthz", echo);
  health.role = "";
  table_.routes.insert(table_.routes.end(), {keyed, admin, health});
  table_.websockets = {
      {"/ws", "order", [this](const HttpRequest& request) -> Task<WebSocketAccept> {
         WebSocketAccept accept;
         accept.protocol = "tk.queue.v1";
         accept.refusal_close_code = 4401;
         accept.refusal_reason = "auth";
         if (request.caller) accept.handler = std::make_unique<EchoHandler>(closed_);
         co_return accept;
       }}};
}

// A blocking client that keeps what it read too much.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(io_) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    const timeval patience{5, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void send(std::string_view bytes) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
  }
  void shut() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
  // Head and body of one response; "" when the server closed.
  std::string response(bool with_body = true) {
    const auto head = take_until("\r\n\r\n");
    if (head.empty() || !with_body) return head;
    const auto at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    return head + take(std::stoul(head.substr(at + 16)));
  }
  std::string take_until(std::string_view mark) {
    while (read_.find(mark) == std::string::npos) {
      if (!more()) return {};
    }
    return take(read_.find(mark) + mark.size());
  }
  std::string take(std::size_t size) {
    while (read_.size() < size && more()) {
    }
    std::string taken = read_.substr(0, size);
    read_.erase(0, taken.size());
    return taken;
  }
  // The server says no more. A reset counts as well.
  bool closed() {
    read_.clear();
    while (more()) read_.clear();
    return over_;
  }
  std::string exchange(std::string_view request) {
    send(request);
    return response();
  }

 private:
  bool more() {
    char part[4096];
    const ssize_t count = recv(socket_.native_handle(), part, sizeof part, 0);
    over_ = count == 0 || (count < 0 && errno == ECONNRESET);
    if (count > 0) read_.append(part, static_cast<std::size_t>(count));
    return count > 0;
  }
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  std::string read_;
  bool over_ = false;
};

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view path, std::string_view body,
                 std::string_view fields = "Content-Type: application/json\r\n") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}
int status(std::string_view response) {
  return response.size() > 12 ? std::stoi(std::string(response.substr(9, 3))) : 0;
}
bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string between(std::string_view text, std::string_view before, char end) {
  const auto at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return std::string(text.substr(0, text.find(end)));
}
// A refusal says what it is, and by which trace it is found in the log.
void expect_problem(std::string_view answer) {
  EXPECT_TRUE(contains(answer, "Content-Type: application/problem+json\r\n")) << answer;
  const std::string trace = between(answer, "Trace-Id: ", '\r');
  EXPECT_EQ(trace.size(), 32u) << answer;
  EXPECT_EQ(between(answer, R"("traceId":")", '"'), trace) << answer;
  EXPECT_EQ(between(answer, R"("status":)", ','), std::to_string(status(answer))) << answer;
}

TEST(HttpServer, KeepsTheConnectionAndTracesEveryAnswer) {
  Running server;
  Client client(server.port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.exchange(
        get("/echo", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
    EXPECT_EQ(status(answer), 200);
    EXPECT_TRUE(contains(answer, "Trace-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"));
    EXPECT_FALSE(contains(answer, "Connection:"));
  }
  const auto own = client.exchange(get("/echo"));
  EXPECT_TRUE(contains(own, "Trace-Id: "));
  EXPECT_FALSE(contains(own, "4bf92f3577b34da6a3ce929d0e0e4736"));
}

TEST(HttpServer, ClosesWhenTheRequestAsks) {
  Running server;
  Client client(server.port());
  const auto answer = client.exchange(get("/echo", "Connection: close\r\n"));
  EXPECT_TRUE(contains(answer, "Connection: close\r\n"));
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, SpeaksHttp10) {
  Running server;
  Client once(server.port());
  EXPECT_EQ(status(once.exchange("GET /echo HTTP/1.0\r\n\r\n")), 200);
  EXPECT_TRUE(once.closed());
  Client kept(server.port());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(contains(kept.exchange("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                         "Connection: keep-alive\r\n"));
  }
}

TEST(HttpServer, AnswersAPipelineInOrder) {
  Running server;
  Client client(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += post("/echo", std::to_string(i));
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(client.response().ends_with("\r\n\r\nPOST " + std::to_string(i)));
  }
}

TEST(HttpServer, ReadsARequestInSmallPieces) {
  Running server;
  Client client(server.port());
  for (const char c : post("/echo", "body")) client.send(std::string_view(&c, 1));
  EXPECT_TRUE(client.response().ends_with("POST body"));
}

TEST(HttpServer, ReadsChunksAndBoundsThem) {
  Running server;
  Client client(server.port());
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(client.exchange(head + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").ends_with("POST abcd"));
  std::string many = head;
  for (int i = 0; i < 16384; ++i) many += "1\r\nx\r\n";
  EXPECT_TRUE(client.exchange(many + "0\r\n\r\n").ends_with(std::string(16384, 'x')));
  many.insert(many.size(), "1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(status(client.exchange(many)), 413);
}

TEST(HttpServer, TellsTheClientToContinue) {
  Running server;
  Client client(server.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("{}");
  EXPECT_TRUE(client.response().ends_with("POST {}"));
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  Running server;
  Client client(server.port());
  client.send("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n" + get("/echo"));
  EXPECT_TRUE(contains(client.response(false), "Content-Length: 5\r\n"));
  EXPECT_TRUE(client.response().ends_with("GET "));
}

TEST(HttpServer, RefusesByItself) {
  Running server;
  const std::pair<std::string, int> cases[] = {
      {get("/nowhere"), 404},
      {"PUT /echo HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {post("/echo", "x", "Content-Type: text/plain\r\n"), 415},
      {post("/echo", "x", ""), 415},
      {post("/echo", "x", "Content-Type: application/json; charset=utf-8\r\n"), 200},
      {post("/keyed", "{}"), 400},
      {post("/keyed", "{}", "Content-Type: application/json\r\nIdempotency-Key: k\r\n"), 200},
      {post("/keyed", "{}",
            "Content-Type: application/json\r\nIdempotency-Key: " + std::string(301, 'k') + "\r\n"),
       400},
      {get("/who"), 401},
      {get("/who", "Authorization: Bearer x.y.z\r\n"), 401},
      {get("/who", "Authorization: Bearer " + server.token(5) + "\r\n"), 200},
      {get("/admin/x"), 404},
      {get("/healthz"), 200},
      {get("/break?kind=store"), 503},
      {get("/break?kind=commit"), 504},
      {get("/break"), 500},
      {get("/ws"), 426},
  };
  Client client(server.port());
  for (const auto& [request, expected] : cases) {
    const auto answer = client.exchange(request);
    EXPECT_EQ(status(answer), expected) << request << answer;
    EXPECT_TRUE(contains(answer, "Trace-Id: "));
    if (expected >= 400) expect_problem(answer);
    EXPECT_FALSE(contains(answer, "secret internals"));
    if (expected == 401) EXPECT_TRUE(contains(answer, "WWW-Authenticate: Bearer"));
    if (expected == 405) EXPECT_TRUE(contains(answer, "Allow: GET, HEAD, POST\r\n"));
    if (expected == 503) EXPECT_TRUE(contains(answer, "Retry-After: 1\r\n"));
  }
}

TEST(HttpServer, TheAdminPortAsksForItsToken) {
  Running server;
  Client client(server.admin_port());
  EXPECT_EQ(status(client.exchange(get("/admin/x"))), 401);
  EXPECT_EQ(status(client.exchange(get("/admin/x", "Admin-Token: 0123456789abcdeX\r\n"))), 401);
  EXPECT_EQ(status(client.exchange(get("/admin/x", "Admin-Token: 0123456789abcdef\r\n"))), 200);
  EXPECT_EQ(status(client.exchange(get("/echo"))), 404);
  EXPECT_EQ(status(client.exchange(get("/healthz"))), 200);
}

TEST(HttpServer, CutsOversizeShort) {
  Running server;
  const std::pair<std::string, int> cases[] = {
      {post("/echo", std::string(16 * 1024 + 1, 'x')), 413},
      {get("/" + std::string(2048, 'a')), 414},
      {get("/" + std::string(100'000, 'a')), 414},
      {get("/echo", "X: " + std::string(8192, 'a') + "\r\n"), 431},
      {"\x16\x03\x01 garbage \xff\xfe\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\n\r\n", 505},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
  };
  for (const auto& [request, expected] : cases) {
    Client client(server.port());
    const auto answer = client.exchange(request);
    EXPECT_EQ(status(answer), expected) << request.substr(0, 60);
    EXPECT_TRUE(contains(answer, "Connection: close\r\n"));
    expect_problem(answer);
    EXPECT_TRUE(client.closed());
  }
}

TEST(HttpServer, TakesTheLargestThatIsAllowed) {
  Running server;
  Client client(server.port());
  EXPECT_EQ(status(client.exchange(post("/echo", std::string(16 * 1024, 'x')))), 200);
  EXPECT_EQ(status(client.exchange(get("/echo", "X: " + std::string(8000, 'a') + "\r\n"))), 200);
}

TEST(HttpServer, ADawdlingRequestIsCutWhileOthersAreServed) {
  Running server;
  Client slow(server.port()), idle(server.port());
  slow.send("GET /echo HT");
  std::this_thread::sleep_for(50ms);
  const auto answer = slow.response();
  EXPECT_EQ(status(answer), 408);
  expect_problem(answer);
  EXPECT_TRUE(slow.closed());
  EXPECT_EQ(status(idle.exchange(get("/echo"))), 200) << "idle is not slow";
}

TEST(HttpServer, AnIdleConnectionEnds) {
  auto limits = Running::fast();
  limits.idle = 100ms;
  Running server(limits);
  Client client(server.port());
  EXPECT_EQ(status(client.exchange(get("/echo"))), 200);
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, AReaderThatStopsIsCut) {
  auto limits = Running::fast();
  limits.write = 100ms;
  Running server(limits);
  Client client(server.port());
  for (int i = 0; i < 8; ++i) client.send(get("/large"));
  while (server.load().in_flight("order") == 0 && server.load().connections == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(server.load().connections, 1U);
  for (int i = 0; i < 200 && server.load().connections != 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server.load().connections, 0U);
}

TEST(HttpServer, ALargeAnswerArrivesWhole) {
  Running server;
  Client client(server.port());
  EXPECT_EQ(client.exchange(get("/large")).size() > 2'000'000, true);
  EXPECT_EQ(status(client.exchange(get("/echo"))), 200);
}

TEST(HttpServer, OverloadIsRefusedAtOnce) {
  Running server;
  Client first(server.port()), second(server.port()), third(server.port());
  first.send(get("/gate"));
  second.send(get("/gate"));
  while (server.load().in_flight("order") < 2) std::this_thread::sleep_for(1ms);
  const auto refused = third.exchange(get("/echo"));
  EXPECT_EQ(status(refused), 503);
  EXPECT_TRUE(contains(refused, "\"code\":\"OVERLOADED\""));
  EXPECT_TRUE(contains(refused, "Retry-After: 1\r\n"));
  EXPECT_EQ(status(third.exchange(get("/healthz"))), 200) << "health has no limit";
  server.open_gate();
  EXPECT_EQ(status(first.response()), 200);
  EXPECT_EQ(status(second.response()), 200);
  EXPECT_EQ(status(third.exchange(get("/echo"))), 200);
}

TEST(HttpServer, TooManyConnectionsAreToldAndCounted) {
  Config config = Running::config_of();
  config.connections_max = 1;
  Running server(Running::fast(), config);
  Client first(server.port());
  EXPECT_EQ(status(first.exchange(get("/echo"))), 200);
  Client second(server.port());
  const auto answer = second.response();
  EXPECT_EQ(status(answer), 503);
  EXPECT_TRUE(contains(answer, R"("code":"OVERLOADED")"));
  expect_problem(answer);
  EXPECT_EQ(status(first.exchange(get("/echo"))), 200);
  EXPECT_TRUE(contains(server.metrics().exposition(), "connections_refused_total 1"));
}

TEST(HttpServer, TheDefectMakesConflictsBadRequests) {
  Running server;
  Client client(server.port());
  EXPECT_EQ(status(client.exchange(get("/conflict"))), 409);
  server.switches().conflict_is_400 = true;
  EXPECT_EQ(status(client.exchange(get("/conflict"))), 400);
}

TEST(HttpServer, TheDefectShedsWhateverWouldChangeSomething) {
  Running server;
  Client client(server.port());
  server.switches().shed_everything = true;
  EXPECT_EQ(status(client.exchange(get("/echo"))), 200);
  const std::string refused = client.exchange(post("/echo", "{}"));
  EXPECT_EQ(status(refused), 503);
  EXPECT_TRUE(contains(refused, "OVERLOADED"));
}

TEST(HttpServer, CountsByRoutePattern) {
  Running server;
  Client client(server.port());
  client.exchange(get("/conflict"));
  client.exchange(get("/nowhere"));
  client.exchange(get("/echo"));  // an answer is counted before the connection's next request
  const std::string text = server.metrics().exposition();
  EXPECT_TRUE(contains(
      text,
      R"(http_requests_total{code="409",problem="SEAT_HELD",role="order",route="/conflict"} 1)"));
  EXPECT_TRUE(contains(
      text, R"(http_requests_total{code="404",problem="NOT_FOUND",role="",route="none"} 1)"));
}

TEST(HttpServer, DrainAnswersWhatIsInFlightAndThenClosesAll) {
  Running server;
  Client busy(server.port()), idle(server.port());
  EXPECT_EQ(status(idle.exchange(get("/echo"))), 200);
  busy.send(get("/gate"));
  while (server.load().in_flight("order") < 1) std::this_thread::sleep_for(1ms);
  auto drained = std::async(std::launch::async, [&server] { return server.drain(5s); });
  EXPECT_TRUE(idle.closed());
  server.open_gate();
  const auto answer = busy.response();
  EXPECT_EQ(status(answer), 200);
  EXPECT_TRUE(contains(answer, "Connection: close\r\n"));
  EXPECT_TRUE(busy.closed());
  EXPECT_TRUE(drained.get());
  EXPECT_THROW(Client(server.port()), boost::system::system_error);
}

TEST(HttpServer, DrainCutsWhatDoesNotEnd) {
  Running server;
  Client busy(server.port());
  busy.send(get("/gate"));
  while (server.load().in_flight("order") < 1) std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(server.drain(50ms));
  EXPECT_TRUE(busy.closed());
  server.open_gate();
}

// In a child, with all descriptors taken: the accept loop must outlive that, and go on afterwards.
bool survives_descriptor_exhaustion() {
  Running server;
  Client before(server.port());
  bool good = status(before.exchange(get("/echo"))) == 200;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int next = dup(0);
  close(next);
  limit.rlim_cur = static_cast<rlim_t>(next) + 3;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<int> taken;
  for (int fd = socket(AF_INET, SOCK_STREAM, 0); fd >= 0; fd = socket(AF_INET, SOCK_STREAM, 0)) {
    taken.push_back(fd);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const int fd : taken) {
    good = good && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  std::this_thread::sleep_for(120ms);
  good = good && !taken.empty() && server.load().connections == 1;
  good = good && status(before.exchange(get("/echo"))) == 200;
  good = good && contains(server.metrics().exposition(), "accept_errors_total");
  for (const int fd : taken) close(fd);
  limit.rlim_cur += 20;
  setrlimit(RLIMIT_NOFILE, &limit);
  std::this_thread::sleep_for(150ms);
  Client after(server.port());
  return good && status(after.exchange(get("/echo"))) == 200;
}

TEST(HttpServer, SurvivesDescriptorExhaustion) {
#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
  // That sanitizer asks with a pipe whether memory can be read, and takes the lack of descriptors
  // for a bad object.
  GTEST_SKIP() << "not under the undefined-behaviour sanitizer, which needs descriptors of its own";
#endif
#endif
  const pid_t child = fork();
  if (child == 0) _exit(survives_descriptor_exhaustion() ? 0 : 1);
  int result = 0;
  waitpid(child, &result, 0);
  EXPECT_TRUE(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

// --- WebSockets

std::string upgrade(std::string_view fields, std::string_view path = "/ws") {
  return get(path,
             "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Protocol: tk.queue.v1\r\n" +
                 std::string(fields));
}
std::string masked(unsigned first, std::string_view payload) {
  std::string frame{static_cast<char>(first), static_cast<char>(0x80U | payload.size())};
  frame += std::string(4, '\0');
  return frame + std::string(payload);
}
std::string text_frame(std::string_view payload) {
  std::string frame;
  append_frame(frame, Opcode::text, payload);
  return frame;
}
std::string close_frame(std::uint16_t code, std::string_view reason) {
  std::string frame;
  append_frame(frame, Opcode::close, close_payload(code, reason));
  return frame;
}
bool wait_for(const std::atomic<int>& count, int wanted) {
  for (int i = 0; i < 500 && count != wanted; ++i) std::this_thread::sleep_for(5ms);
  return count == wanted;
}

TEST(WebSocketServer, UpgradesAndEchoes) {
  Running server;
  Client client(server.port());
  // The first frame comes in the same packet as the upgrade.
  client.send(upgrade("Authorization: Bearer " + server.token(5) + "\r\n") + masked(0x81, "a"));
  const auto answer = client.response();
  EXPECT_EQ(status(answer), 101);
  EXPECT_TRUE(contains(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_TRUE(contains(answer, "Sec-WebSocket-Protocol: tk.queue.v1\r\n"));
  EXPECT_TRUE(contains(answer, "Trace-Id: "));
  EXPECT_EQ(client.take(8), text_frame("echo a"));
  client.send(masked(0x89, "p"));
  EXPECT_EQ(client.take(3), std::string("\x8A\x01p"));
  EXPECT_EQ(server.load().websockets, 1U);
  client.send(masked(0x88, "\x03\xE8"));
  EXPECT_EQ(client.take(4), close_frame(1000, ""));
  EXPECT_TRUE(client.closed());
  client.shut();
  EXPECT_TRUE(wait_for(server.closed(), 1));
}

TEST(WebSocketServer, TakesTheTokenFromTheQuery) {
  Running server;
  Client client(server.port());
  EXPECT_EQ(status(client.exchange(upgrade("", "/ws?access_token=" + server.token(5)))), 101);
  client.send(masked(0x81, "b"));
  EXPECT_EQ(client.take(8), text_frame("echo b"));
}

TEST(WebSocketServer, RefusesByCloseCodeAfterTheUpgrade) {
  Running server;
  Client client(server.port());
  EXPECT_EQ(status(client.exchange(upgrade(""))), 101);
  EXPECT_EQ(client.take(8), close_frame(4401, "auth"));
  client.send(masked(0x88, "\x11\x31"));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.closed(), 0);
}

TEST(WebSocketServer, AnotherVersionIsToldOurs) {
  Running server;
  Client client(server.port());
  const auto answer = client.exchange(
      get("/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"));
  EXPECT_EQ(status(answer), 426);
  EXPECT_TRUE(contains(answer, "Sec-WebSocket-Version: 13\r\n"));
}

TEST(WebSocketServer, ClosesOnBrokenFramesAndThrowingHandlers) {
  Running server;
  const std::string fields = "Authorization: Bearer " + server.token(5) + "\r\n";
  Client wrong(server.port());
  wrong.exchange(upgrade(fields));
  wrong.send(
      "\x81\x01"
      "a");
  EXPECT_EQ(wrong.take(4), close_frame(1002, ""));
  EXPECT_TRUE(wrong.closed());
  Client thrower(server.port());
  thrower.exchange(upgrade(fields));
  thrower.send(masked(0x81, "throw"));
  EXPECT_TRUE(thrower.closed());
  wrong.shut();
  thrower.shut();
  EXPECT_TRUE(wait_for(server.closed(), 2));
}

TEST(WebSocketServer, ASlowReaderIsCutAtTheQueueBound) {
  Running server;
  Client client(server.port());
  client.exchange(upgrade("Authorization: Bearer " + server.token(5) + "\r\n"));
  client.send(masked(0x81, "flood"));
  EXPECT_TRUE(wait_for(server.closed(), 1));
  EXPECT_TRUE(contains(server.metrics().exposition(), "ws_dropped_total{reason=\"slow\"} 1"));
}

TEST(WebSocketServer, AsksTheSilentAndCutsTheDead) {
  auto limits = Running::fast();
  limits.ws_ping = 60ms;
  limits.ws_silence = 200ms;
  Running server(limits);
  Client client(server.port());
  client.exchange(upgrade("Authorization: Bearer " + server.token(5) + "\r\n"));
  EXPECT_EQ(client.take(2), std::string("\x89\0", 2));
  client.send(masked(0x8A, ""));
  EXPECT_EQ(client.take(2), std::string("\x89\0", 2)) << "the pong bought it time";
  EXPECT_TRUE(wait_for(server.closed(), 1));
  EXPECT_TRUE(contains(server.metrics().exposition(), "ws_dropped_total{reason=\"silent\"} 1"));
}

TEST(WebSocketServer, DrainSendsRestart) {
  Running server;
  Client client(server.port());
  client.exchange(upgrade("Authorization: Bearer " + server.token(5) + "\r\n"));
  auto drained = std::async(std::launch::async, [&server] { return server.drain(5s); });
  EXPECT_EQ(client.take(11), close_frame(1012, "restart"));
  client.send(masked(0x88, "\x03\xF4"));
  client.shut();
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server.closed(), 1);
}

// Whatever waits in the io_context must not reach into the server that is gone.
TEST(HttpServer, MayBeDestroyedInTheMiddleOfEverything) {
  for (const bool stopped : {false, true}) {
    ServerLoad* load = nullptr;
    Running server;
    load = &server.load();
    Client idle(server.port()), waiting(server.port()), half(server.port()), peer(server.port());
    EXPECT_EQ(status(idle.exchange(get("/echo"))), 200);
    waiting.send(get("/gate"));
    half.send("GET /echo HT");
    peer.send(upgrade("Authorization: Bearer " + server.token(5) + "\r\n"));
    EXPECT_EQ(status(peer.response(false)), 101);
    std::this_thread::sleep_for(30ms);
    server.destroy(stopped);
    if (stopped) continue;
    server.open_gate();
    EXPECT_TRUE(idle.closed());
    EXPECT_TRUE(waiting.closed());
    EXPECT_TRUE(half.closed());
    EXPECT_TRUE(peer.closed());
    for (int i = 0; i < 200 && load->connections > 0; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(load->connections, 0u);
    EXPECT_EQ(load->websockets, 0u);
    EXPECT_EQ(server.closed(), 1);
  }
}

}  // namespace
}  // namespace boxoffice
