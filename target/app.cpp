#include "target/app.hpp"

#include <sys/resource.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "target/auction_parts.hpp"
#include "target/http/all_routes.hpp"
#include "target/http/rate_limits.hpp"
#include "target/http/server.hpp"
#include "target/http/shared_switches.hpp"
#include "target/log.hpp"
#include "target/parts.hpp"
#include "target/practice_parts.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/password_pool.hpp"
#include "target/service/shared_seat_feed.hpp"
#include "target/store/schema.hpp"

namespace boxoffice {
namespace {

constexpr std::chrono::seconds stores_within{30};  // of the start
constexpr Millis store_retry{250};
constexpr Millis workers_end_within{300};  // after the stop was asked for
constexpr rlim_t descriptors_wanted = 65536;

// What cannot be helped at the start, said so that the operator knows what to do.
struct StartFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What the threads share: values that are set before they start, and things made for many threads.
struct Shared {
  explicit Shared(Config given) : config(std::move(given)) {
    for (const std::string& name : config.defects) *switches.defect(name) = true;
    switches.set_payment(config.payment);
    for (const char* name : {"redis", "mysql", "pg"}) {
      metrics.gauge("breaker_state", "dep", name, 0);
    }
  }
  Config config;
  Metrics metrics;
  Switches switches;
  ServerLoad load;
  std::atomic<bool> prepared{false};
  Breakers breakers{[this](std::string_view name, CircuitBreaker::State state) {
    metrics.gauge("breaker_state", "dep", name, static_cast<double>(state));
    log_warning("breaker", {{"dep", std::string(name)},
                            {"state", std::string(CircuitBreaker::name_of(state))}});
  }};
  ProviderBooks provider_books;  // of the role pg
  // A core may be spent on log-ins; the others go on serving.
  PasswordPool passwords{config.password_threads, config.password_waiting_max,
                         config.password_cost};
  SeatNewsBoard seat_news;
  std::atomic<bool> following{false};  // what other instances are told
  OrderSignals order_signals;          // a payment on one thread wakes waiters and relay on another
  std::stop_source stop;
};

// The parts of one thread, in the order they need each other.
struct ThreadParts {
  ThreadParts(Shared& shared, std::uint32_t number)
      : redis(io, shared.config.redis_host, shared.config.redis_port),
        mysql(io, shared.config, shared.config.mysql_pool),
        events(make_event_store(mysql, shared.metrics)),
        catalogue(*events),
        seats(make_seat_holds(redis, shared.switches, shared.metrics)),
        hold_directory(make_hold_directory(redis)),
        seat_ledger(make_seat_ledger(mysql, shared.metrics)),
        leases(make_leases(redis)),
        queue(queue_places(shared)),
        context{io,
                shared.config,
                shared.metrics,
                shared.switches,
                redis,
                mysql,
                *events,
                catalogue,
                *seats,
                *hold_directory,
                *seat_ledger,
                *leases,
                *queue,
                number,
                shared.stop.get_token(),
                &shared.order_signals,
                &shared.breakers,
                &shared.passwords,
                shared.config.roles.contains("pg") ? nullptr : &shared.following} {
    redis.guard(shared.breakers.redis);
    mysql.guard(shared.breakers.mysql);
    mysql.on_wait([&metrics = shared.metrics](auto took) { metrics.mysql_pool_wait(took); });
  }

  std::unique_ptr<QueuePlaces> queue_places(Shared& shared) {
    auto sound = make_queue_places(redis, shared.metrics);
    if (!shared.config.lab) return sound;
    return plant_queue_defects(std::move(sound), redis, shared.switches);
  }

  asio::io_context io{1};
  asio::executor_work_guard<Executor> work{io.get_executor()};
  RedisClient redis;
  MysqlPool mysql;
  std::unique_ptr<EventStore> events;
  Catalogue catalogue;
  std::unique_ptr<SeatHolds> seats;
  std::unique_ptr<HoldDirectory> hold_directory;
  std::unique_ptr<SeatLedger> seat_ledger;
  std::unique_ptr<Leases> leases;
  std::unique_ptr<QueuePlaces> queue;
  ThreadContext context;
  RouteTable table;
  std::vector<std::shared_ptr<void>> owners;  // of what the handlers and workers refer to
  std::unique_ptr<HttpServer> server;         // of an I/O thread

  void serve(Shared& shared) {
    owners = add_all_routes(context, shared.load, shared.prepared, shared.provider_books,
                            shared.seat_news, table);
    if (context.following != nullptr && context.thread == 0)
      owners.push_back(follow_switches(context));
    owners.push_back(limit_rates(context, table));
    server = std::make_unique<HttpServer>(io, shared.config, shared.metrics, shared.switches,
                                          shared.load, table);
  }
};

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= descriptors_wanted) return;
  log_warning("few file descriptors: raise the hard limit (ulimit -Hn) for many connections",
              {{"limit", static_cast<std::int64_t>(limit.rlim_cur)},
               {"wanted", static_cast<std::int64_t>(descriptors_wanted)}});
}

std::string text_of(std::exception_ptr failure) {
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// The tables, once the stores answer. Several instances may do this at once.
Task<void> prepare(ThreadParts& parts, Shared& shared) {
  if (shared.config.roles.contains("pg")) {  // it has no stores
    shared.prepared = true;
    co_return;
  }
  const TimePoint until = Clock::now() + stores_within;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> pause(
      parts.io.get_executor());
  co_await parts.redis.wait_connected(until);
  std::string reason, told;
  while (!shared.prepared) {
    try {
      co_await apply_schema(parts.mysql);
      // Also the other way: a database that a lab run left without its guard gets it back.
      co_await apply_guards(parts.mysql, !shared.switches.no_guard1);
      shared.prepared = true;
    } catch (const StoreUnavailable& error) {
      if (Clock::now() >= until) throw;
      reason = error.what();
    }
    if (shared.prepared) break;
    if (reason != told) log_warning("waiting for the database", {{"reason", reason}});
    told = reason;
    pause.expires_after(store_retry);
    co_await pause.async_wait(await_tuple);
  }
}

class App {
 public:
  explicit App(Config config) : shared_(std::move(config)), signals_(control_, SIGTERM, SIGINT) {}

  int run() {
    raise_descriptor_limit();
    build();
    listen();
    wait_for_signal();
    for (auto& parts : threads_) {
      running_.emplace_back([&parts] { parts->io.run(); });
    }
    ThreadParts& first = *threads_.front();
    asio::co_spawn(first.io, prepare(first, shared_), [this](std::exception_ptr failure) {
      asio::post(control_, [this, reason = text_of(failure)] { prepared(reason); });
    });
    control_.run();
    return exit_code_;
  }

 private:
  void build();
  void listen();
  std::uint16_t claim(const char* flag, std::uint16_t port, Surface surface);
  void wait_for_signal();
  void prepared(const std::string& failure);
  void begin_drain();
  void finish();

  Shared shared_;
  asio::io_context control_{1};
  asio::signal_set signals_;
  asio::steady_timer last_wait_{control_};
  std::vector<std::unique_ptr<ThreadParts>> threads_;  // the worker's, if any, is the last
  std::vector<std::thread> running_;
  std::size_t servers_draining_ = 0;
  bool draining_ = false, clean_ = true;
  TimePoint stop_asked_;
  int exit_code_ = exit_ok;
};

void App::build() {
  const Config& config = shared_.config;
  for (std::uint32_t i = 0; i < config.threads; ++i) {
    threads_.push_back(std::make_unique<ThreadParts>(shared_, i));
    threads_.back()->serve(shared_);
  }
  if (config.roles.contains("worker")) {
    threads_.push_back(std::make_unique<ThreadParts>(shared_, config.threads));
  }
}

// Subtle: a shared port can be taken twice without an error, so it is tried unshared before.
std::uint16_t App::claim(const char* flag, std::uint16_t port, Surface surface) {
  Config& config = shared_.config;
  const bool shared = surface == Surface::main && config.threads > 1;
  const auto refuse = [&](const boost::system::error_code& error) {
    throw StartFailure(fmt::format(
        "cannot listen on {}:{}: {}. Choose another port with {}, or end the program that has it",
        config.host, port, error.message(), flag));
  };
  if (shared && port != 0) {
    if (const auto error = probe_port(config.host, port)) refuse(error);
  }
  try {
    for (const auto& parts : threads_) {
      if (!parts->server) continue;
      port = parts->server->listen(config.host, port, surface, shared);
      if (surface == Surface::admin) break;  // one thread is enough for it
    }
  } catch (const boost::system::system_error& error) {
    refuse(error.code());
  }
  return port;
}

void App::listen() {
  Config& config = shared_.config;
  config.port = claim("--port", config.port, Surface::main);
  if (config.admin_port != 0) claim("--admin-port", config.admin_port, Surface::admin);
  set_log_labels(fmt::format("{}:{}", config.host, config.port),
                 fmt::format("{}", fmt::join(config.roles, ",")));
  log_info("listening", {{"host", config.host},
                         {"port", std::int64_t{config.port}},
                         {"admin_port", std::int64_t{config.admin_port}},
                         {"threads", std::int64_t{config.threads}},
                         {"lab", config.lab}});
  for (const std::string& defect : shared_.switches.defects_on()) {
    log_warning("defect on: every run against this instance is tainted", {{"defect", defect}});
  }
}

void App::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (draining_) {
      log_warning("second signal: ending at once", {{"signal", std::int64_t{signal}}});
      flush_log();
      std::_Exit(128 + signal);
    }
    log_info("stopping", {{"signal", std::int64_t{signal}}});
    begin_drain();
    wait_for_signal();
  });
}

void App::prepared(const std::string& failure) {
  if (draining_) return;
  if (!failure.empty()) {
    log_error("start failed", {{"reason", failure}});
    exit_code_ = exit_unavailable;
    return begin_drain();
  }
  log_info("ready");
  ThreadParts& last = *threads_.back();
  if (last.server) return;
  asio::post(last.io, [&last] {
    last.owners.push_back(spawn_seat_workers(last.context));
    last.owners.push_back(spawn_order_workers(last.context));
    last.owners.push_back(spawn_auction_workers(last.context));
    last.owners.push_back(spawn_practice_workers(last.context));
  });
}

void App::begin_drain() {
  draining_ = true;
  stop_asked_ = Clock::now();
  shared_.stop.request_stop();
  const TimePoint until = stop_asked_ + std::chrono::seconds(shared_.config.drain_seconds);
  for (auto& parts : threads_) {
    if (!parts->server) continue;
    ++servers_draining_;
    asio::co_spawn(parts->io, parts->server->drain(until),
                   [this](std::exception_ptr failure, bool clean) {
                     asio::post(control_, [this, failed = failure != nullptr, clean] {
                       clean_ = clean_ && clean && !failed;
                       if (--servers_draining_ == 0) finish();
                     });
                   });
  }
}

void App::finish() {
  last_wait_.expires_at(stop_asked_ + workers_end_within);
  last_wait_.async_wait([this](const boost::system::error_code&) {
    for (auto& parts : threads_) parts->io.stop();
    for (std::thread& thread : running_) thread.join();
    log_info("stopped", {{"clean", clean_}});
    signals_.cancel();
    control_.stop();
  });
}

}  // namespace

int run_boxoffice(Config config, const std::vector<std::string>& made_up) {
  for (const std::string& name : made_up) {
    log_warning("secret made up: tokens end with this process, other instances do not know them",
                {{"variable", name}});
  }
  try {
    App app(std::move(config));
    const int code = app.run();
    flush_log();
    // Subtle: suspended coroutines of the stores and workers refer to each other across threads'
    // parts; no order of destruction is right for all of them, and the process is over anyway.
    std::_Exit(code);
  } catch (const StartFailure& failure) {
    log_error("start failed", {{"reason", failure.what()}});
    flush_log();
    return exit_unavailable;
  }
}

}  // namespace boxoffice
