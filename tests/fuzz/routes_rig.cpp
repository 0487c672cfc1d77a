#include "tests/fuzz/routes_rig.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <cstdlib>
#include <span>
#include <stdexcept>

#include "target/auction_parts.hpp"
#include "target/http/connection.hpp"
#include "target/http/rate_limits.hpp"
#include "target/http/routes_health.hpp"
#include "target/parts.hpp"
#include "target/practice_parts.hpp"
#include "target/service/entry_pass.hpp"
#include "target/service/wall_time.hpp"
#include "target/service/webhook_signature.hpp"
#include "target/store/schema.hpp"
#include "tests/integration/target_seats/private_redis.hpp"
#include "tests/support/private_mariadb.hpp"

namespace boxoffice::fuzz {
namespace {

constexpr std::string_view admin_token = "0123456789abcdef";
constexpr std::chrono::seconds patience{2};  // with one conversation
constexpr Millis token_ttl{3600000};

// Ended at the exit of the program; their parts live as long as it does.
struct PrivateStores {
  PrivateRedis redis;
  PrivateMariadb mariadb;
};

PrivateStores* private_stores() {
  static const std::unique_ptr<PrivateStores> stores =
      std::getenv("STAMPEDE_FUZZ_STORES") != nullptr ? std::make_unique<PrivateStores>() : nullptr;
  return stores.get();
}

Config config_of_rig() {
  Config config;
  config.roles = {"catalog", "queue",   "reservation", "order",
                  "payment", "auction", "practice",    "admin"};
  config.jwt_secret = "the jwt secret of the fuzzer";
  config.pass_secret = "the pass secret of the fuzzer";
  config.webhook_secret = "the webhook secret of the fuzzer";
  config.admin_token = admin_token;
  config.redis_host = "/nowhere/redis.sock";
  config.mysql_host = "/nowhere/mysql.sock";
  config.mysql_pool = 2;
  config.password_cost = 10;
  config.lab = true;
  // Reached, and never in the way of the next input.
  const Rate plenty{1e6, 1000000};
  config.rate_limits = {true, plenty, plenty, plenty, plenty, plenty};
  config.payment.delay = "fixed";
  config.payment.delay_a_ms = config.payment.delay_b_ms = 0;
  if (const PrivateStores* const stores = private_stores()) {
    config.redis_host = config.mysql_host = "127.0.0.1";
    config.redis_port = stores->redis.port();
    config.mysql_port = stores->mariadb.port();
    config.mysql_database = "fuzz";
  }
  return config;
}

// 1 is on sale, 2 has a waiting room, 3 is not open yet, 4 is over.
class KnownEvents final : public EventStore {
 public:
  Task<EventPtr> find(std::uint64_t event) override {
    if (event < 1 || event > 4) co_return nullptr;
    auto info = std::make_shared<EventInfo>();
    info->id = event;
    info->title = "Event \"of\" the fuzzer";
    info->mode = "RESERVED";
    info->status = event == 4 ? "ENDED" : "ON_SALE";
    info->sale_open_ms = event == 3 ? wall_clock_ms() + token_ttl.count() : 1;
    info->sale_close_ms = wall_clock_ms() + 2 * token_ttl.count();
    info->rows = info->columns = 10;
    info->seat_count = 100;
    info->grades = {{'A', 1000}};
    info->prices.assign(info->seat_count, 1000);
    info->queue.on = event == 2;
    co_return info;
  }
  Task<EventPage> page(std::string, std::string, std::uint32_t, std::uint32_t) override {
    EventPage page;
    page.total = 4;
    for (std::uint64_t event = 1; event <= 4; ++event) page.items.push_back(co_await find(event));
    co_return page;
  }
  Task<std::vector<SeatRow>> seats(std::uint64_t) override {
    std::vector<SeatRow> rows(100);
    for (std::uint32_t seat = 0; seat < 100; ++seat) {
      rows[seat] = {seat, "-", "A", seat % 10, 'A', 1000};
    }
    co_return rows;
  }
};

// One end of a pair of sockets; the other is a connection of the server.
class Client {
 public:
  explicit Client(int socket) : socket_(socket) {}
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // How many bytes went; all of them when nobody reads them any more.
  std::size_t send(std::string_view bytes) const {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    return errno == EAGAIN ? 0 : bytes.size();
  }
  void end() const { ::shutdown(socket_, SHUT_WR); }
  // False: the server says no more.
  bool take(std::string& into) const {
    std::array<char, 16384> part{};
    while (true) {
      const ssize_t got = ::recv(socket_, part.data(), part.size(), 0);
      if (got > 0) into.append(part.data(), static_cast<std::size_t>(got));
      if (got <= 0) return got < 0 && errno == EAGAIN;
    }
  }

 private:
  int socket_;
};

}  // namespace

struct RoutesRig::Parts {
  asio::io_context io{1};
  asio::executor_work_guard<Executor> work{io.get_executor()};
  Config config = config_of_rig();
  Metrics metrics;
  Switches switches;
  ServerLoad load;
  std::stop_source stop;
  std::atomic<bool> prepared{true};
  RedisClient redis{io, config.redis_host, config.redis_port};
  MysqlPool mysql{io, config, config.mysql_pool};
  std::unique_ptr<EventStore> events = private_stores() != nullptr
                                           ? make_event_store(mysql, metrics)
                                           : std::make_unique<KnownEvents>();
  Catalogue catalogue{*events};
  std::unique_ptr<SeatHolds> seats = make_seat_holds(redis, switches, metrics);
  std::unique_ptr<HoldDirectory> directory = make_hold_directory(redis);
  std::unique_ptr<SeatLedger> ledger = make_seat_ledger(mysql, metrics);
  std::unique_ptr<Leases> leases = make_leases(redis);
  std::unique_ptr<QueuePlaces> queue = make_queue_places(redis, metrics);
  ThreadContext context{io,      config,  metrics,   switches, redis,
                        mysql,   *events, catalogue, *seats,   *directory,
                        *ledger, *leases, *queue,    0,        stop.get_token()};
  RouteTable table;
  std::vector<std::shared_ptr<void>> owners;
  std::shared_ptr<Lane> lane;

  Parts() {
    owners = {add_health_routes(context, load, prepared, table),
              add_event_routes(context, table),
              add_account_routes(context, table),
              add_venue_routes(context, table),
              add_queue_routes(context, table),
              add_reservation_routes(context, table),
              add_order_routes(context, table),
              add_payment_routes(context, table),
              add_auction_routes(context, table),
              add_practice_routes(context, table),
              add_admin_routes(context, table),
              limit_rates(context, table)};
    // It ends or stops the process on purpose.
    std::erase_if(table.routes, [](const Route& route) {
      return route.pattern == "/admin/faults" && route.method == "PUT";
    });
    make_lane();
  }

  void make_lane() {
    lane = std::make_shared<Lane>(io, config, ServerLimits{}, metrics, switches, load, table);
  }

  void prepare_stores() {
    bool done = false;
    const auto prepare = [this]() -> Task<void> {
      co_await redis.wait_connected(Clock::now() + Millis(5000));
      co_await apply_schema(mysql);
    };
    asio::co_spawn(io, prepare(), [&done](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
      done = true;
    });
    while (!done) io.run_one();
  }

  std::unique_ptr<Client> connect(Surface surface) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error("no pair of sockets");
    }
    auto client = std::make_unique<Client>(ends[0]);
    Socket socket(io.get_executor());
    socket.assign(asio::ip::tcp::v4(), ends[1]);
    socket.non_blocking(true);
    load.connections.fetch_add(1);
    auto connection = std::make_shared<HttpConnection>(*lane, std::move(socket), surface);
    asio::co_spawn(io.get_executor(), HttpConnection::run(std::move(connection)),
                   [](std::exception_ptr failure) {
                     if (failure) std::rethrow_exception(failure);
                   });
    return client;
  }
};

RoutesRig::RoutesRig() : parts_(new Parts) {
  if (private_stores() == nullptr) return;
  parts_->prepare_stores();
  const std::string plan =
      R"({"users":{"n":10},"venue":{"name":"Hall"},"events":[{"rows":20,"cols":20},)"
      R"({"rows":10,"cols":10,"queue":{"cap":5}},{"saleOpenAt":4102444800000}],)"
      R"("auctions":[{"slots":3,"durationMs":86400000}],)"
      R"("practice":[{"periodMs":600000,"openMs":600000}]})";
  const std::string said =
      talk(Surface::admin,
           fill_in("POST /admin/seed HTTP/1.1\r\nHost: h\r\nAdmin-Token: @admin\r\n"
                   "Content-Type: application/json\r\nContent-Length: " +
                   std::to_string(plan.size()) + "\r\n\r\n" + plan),
           0);
  if (!said.starts_with("HTTP/1.1 200")) throw std::runtime_error("not seeded: " + said);
  // With stores these work for as long as they are told to.
  std::erase_if(parts_->table.routes, [](const Route& route) {
    return route.pattern == "/admin/seed" || route.pattern == "/admin/quiesce";
  });
  parts_->make_lane();
}

RoutesRig& RoutesRig::instance() {
  private_stores();
  static RoutesRig* const rig = new RoutesRig;
  return *rig;
}

std::string RoutesRig::talk(Surface surface, std::string_view bytes, unsigned seed) {
  const auto client = parts_->connect(surface);
  std::string heard;
  bool ended = false;
  const TimePoint until = Clock::now() + patience;
  while (Clock::now() < until) {
    if (!bytes.empty()) {
      // Few inputs gain from being cut fine, and a large one must not take for ever.
      const std::size_t size = seed % 4 == 0 ? bytes.size() : 1 + (seed >> 16U) % 700;
      seed = seed * 1'103'515'245U + 12'345U;
      bytes.remove_prefix(client->send(bytes.substr(0, size)));
    } else if (!ended) {
      client->end();
      ended = true;
    }
    if (parts_->io.poll() == 0 && ended) parts_->io.run_one_for(Millis(1));
    if (!client->take(heard)) break;
  }
  return heard;
}

std::string RoutesRig::fill_in(std::string_view text) const {
  const auto now = std::chrono::system_clock::now();
  const Config& config = parts_->config;
  const PassSigner signer(config.pass_secret);
  const auto token = [&](std::uint64_t user, Role role) {
    return sign_jwt(config.jwt_secret, user, role, now, std::chrono::seconds(3600));
  };
  const std::int64_t end_ms = wall_clock_ms() + token_ttl.count();
  const std::int64_t seconds = wall_clock_ms() / 1000;
  const std::pair<std::string_view, std::string> names[] = {
      {"@user", token(1, Role::user)},
      {"@other", token(2, Role::user)},
      {"@company", token(3, Role::company)},
      {"@operator", token(4, Role::admin)},
      {"@admin", std::string(admin_token)},
      {"@pass", signer.sign(EntryPass{2, 1, 1, end_ms})},
      {"@place", signer.sign(PlaceToken{2, 1, 1, 1, 1})},
      {"@time", std::to_string(seconds)}};
  std::string filled;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    std::size_t taken = 1;
    for (const auto& [name, value] : names) {
      if (!rest.starts_with(name)) continue;
      filled += value;
      taken = name.size();
      break;
    }
    if (rest.starts_with("@sign")) {
      taken = 5;
      const auto head = rest.find("\r\n\r\n");
      const auto body = head == std::string_view::npos ? rest.substr(0, 0) : rest.substr(head + 4);
      filled += sign_webhook(config.webhook_secret, "fuzz", seconds, body);
    }
    if (taken == 1) filled += text[at];
    at += taken;
  }
  return filled;
}

bool RoutesRig::quiet() {
  const TimePoint until = Clock::now() + patience;
  while (parts_->lane->watched.size() > 0 && Clock::now() < until) {
    if (parts_->io.poll() == 0) parts_->io.run_one_for(Millis(1));
  }
  const bool quiet = parts_->lane->watched.size() == 0;
  parts_->lane->watched.cut();
  parts_->io.poll();
  return quiet;
}

void RoutesRig::forget_switches() {
  Switches& switches = parts_->switches;
  for (const std::string& name : Switches::defect_names()) *switches.defect(name) = false;
  switches.admissions_paused = false;
  switches.set_payment(parts_->config.payment);
}

}  // namespace boxoffice::fuzz
