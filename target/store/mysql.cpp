#include "target/store/mysql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <charconv>
#include <deque>
#include <mutex>

#include "target/faults.hpp"
#include "target/store/mysql_session.hpp"

namespace boxoffice {

namespace {

constexpr auto ping_after = std::chrono::seconds(30);
constexpr auto rollback_time = std::chrono::seconds(2);
constexpr std::size_t waiters_max = 10000;

template <class Number>
Number number_of(const Cell& cell) {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return static_cast<Number>(*whole);
  if (const auto* natural = std::get_if<std::uint64_t>(&cell)) return static_cast<Number>(*natural);
  if (const auto* real = std::get_if<double>(&cell)) return static_cast<Number>(*real);
  Number number = 0;
  if (const auto* text = std::get_if<std::string>(&cell))
    std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

}  // namespace

std::uint64_t as_uint(const Cell& cell) { return number_of<std::uint64_t>(cell); }
std::int64_t as_int(const Cell& cell) { return number_of<std::int64_t>(cell); }
std::string as_string(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return std::to_string(*whole);
  if (const auto* natural = std::get_if<std::uint64_t>(&cell)) return std::to_string(*natural);
  if (const auto* real = std::get_if<double>(&cell)) return fmt::format("{}", *real);
  return {};
}

void throw_sql_error(const SqlError& error) {
  throw StoreUnavailable("mysql", fmt::format("{} {}", error.number, error.message));
}

// Shared by the pool and its leases, so that a lease may be destroyed after the pool.
struct MysqlPool::Lease::Home : std::enable_shared_from_this<MysqlPool::Lease::Home> {
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  // Someone in line. Given a connection, or a slot to make one in (`granted` and no connection).
  struct Waiter {
    Timer timer;
    bool granted = false;
    std::unique_ptr<MysqlSession> session;
  };

  Home(asio::io_context& io, Config settings, std::uint32_t size)
      : context(io), config(std::move(settings)), connections_max(size) {}

  asio::io_context& context;
  const Config config;
  const std::uint32_t connections_max;
  std::uint32_t open = 0;  // idle, leased, or being made
  bool closed = false;
  std::vector<std::unique_ptr<MysqlSession>> idle;
  std::deque<std::shared_ptr<Waiter>> waiters;
  std::function<void(std::chrono::nanoseconds)> observer;
  CircuitBreaker* breaker = nullptr;

  Task<std::unique_ptr<MysqlSession>> take(TimePoint deadline, Use use);
  std::unique_ptr<MysqlSession> take_idle(Use use);
  Task<std::unique_ptr<MysqlSession>> wait_in_line(TimePoint deadline);
  Task<std::unique_ptr<MysqlSession>> make(TimePoint deadline);
  void put(std::unique_ptr<MysqlSession> session) noexcept;
  void keep(std::unique_ptr<MysqlSession> session);
  void free_slot() noexcept;
  std::shared_ptr<Waiter> next_waiter() noexcept;
};

std::shared_ptr<MysqlPool::Lease::Home::Waiter> MysqlPool::Lease::Home::next_waiter() noexcept {
  if (waiters.empty()) return nullptr;
  auto first = std::move(waiters.front());
  waiters.pop_front();
  first->granted = true;
  first->timer.cancel();
  return first;
}

void MysqlPool::Lease::Home::free_slot() noexcept {
  if (next_waiter() == nullptr) --open;  // else the slot goes to whoever is first in line
}

void MysqlPool::Lease::Home::keep(std::unique_ptr<MysqlSession> session) {
  if (closed) {
    --open;
    return;
  }
  if (const auto waiter = next_waiter())
    waiter->session = std::move(session);
  else
    idle.push_back(std::move(session));
}

namespace {

Task<void> roll_back(std::shared_ptr<MysqlSession> session) {
  session->bound(Clock::now() + rollback_time);
  co_await session->rollback();
}

}  // namespace

void MysqlPool::Lease::Home::put(std::unique_ptr<MysqlSession> session) noexcept {
  session->unbound();
  if (breaker != nullptr) breaker->record(session->usable(), Clock::now());
  if (!session->usable() || closed) {
    session.reset();
    free_slot();
    return;
  }
  if (!session->in_transaction()) return keep(std::move(session));
  // What the owner left open is undone before anybody else may have the connection.
  auto shared = std::make_shared<std::unique_ptr<MysqlSession>>(std::move(session));
  const std::shared_ptr<MysqlSession> borrowed(shared, shared->get());
  asio::co_spawn(context, roll_back(borrowed),
                 [home = shared_from_this(), shared](const std::exception_ptr& failure) {
                   if (failure != nullptr || !(*shared)->usable()) {
                     shared->reset();
                     home->free_slot();
                     return;
                   }
                   (*shared)->unbound();
                   home->keep(std::move(*shared));
                 });
}

Task<std::unique_ptr<MysqlSession>> MysqlPool::Lease::Home::make(TimePoint deadline) {
  // The slot is given back however this ends, also when the coroutine is destroyed.
  struct Slot {
    Home* home;
    ~Slot() {
      if (home != nullptr) home->free_slot();
    }
  } slot{this};
  auto session = std::make_unique<MysqlSession>(context);
  session->bound(deadline);
  co_await session->connect(config, true);
  slot.home = nullptr;
  co_return session;
}

Task<std::unique_ptr<MysqlSession>> MysqlPool::Lease::Home::wait_in_line(TimePoint deadline) {
  if (waiters.size() >= waiters_max) throw StoreUnavailable("mysql", "too many wait");
  auto waiter = std::make_shared<Waiter>(Waiter{Timer(context, deadline), false, nullptr});
  // Out of line, or what was given meanwhile given on, when the coroutine ends without taking it.
  struct Place {
    Home* home;
    std::shared_ptr<Waiter> waiter;
    ~Place() {
      if (waiter == nullptr) return;
      if (waiter->session != nullptr) {
        home->keep(std::move(waiter->session));
      } else if (waiter->granted) {
        home->free_slot();
      } else {
        std::erase(home->waiters, waiter);
      }
    }
  } place{this, waiter};
  waiters.push_back(waiter);
  boost::system::error_code ended;
  co_await waiter->timer.async_wait(asio::redirect_error(use_task, ended));
  if (!waiter->granted)
    throw StoreUnavailable("mysql", "no connection became free before the deadline");
  place.waiter = nullptr;
  auto session = std::move(waiter->session);
  if (session == nullptr) session = co_await make(deadline);
  co_return session;
}

// The one that was used last, of those that are as wanted if there are any.
std::unique_ptr<MysqlSession> MysqlPool::Lease::Home::take_idle(Use use) {
  auto found = std::find_if(idle.rbegin(), idle.rend(), [use](const auto& session) {
    return session->chained() == (use == Use::transaction);
  });
  if (found == idle.rend()) found = idle.rbegin();
  auto session = std::move(*found);
  idle.erase(std::next(found).base());
  return session;
}

Task<std::unique_ptr<MysqlSession>> MysqlPool::Lease::Home::take(TimePoint deadline, Use use) {
  while (true) {
    std::unique_ptr<MysqlSession> session;
    if (closed) throw StoreUnavailable("mysql", "the pool is closed");
    if (waiters.empty() && !idle.empty()) {
      session = take_idle(use);
    } else if (waiters.empty() && open < connections_max) {
      ++open;
      session = co_await make(deadline);
    } else {
      session = co_await wait_in_line(deadline);
    }
    session->bound(deadline);
    bool alive = !session->peer_closed();
    if (alive && Clock::now() - session->idle_since() > ping_after) {
      try {
        alive = co_await session->answers_ping();
      } catch (const StoreUnavailable&) {
        alive = false;
      }
    }
    if (alive) co_return session;
    session.reset();
    free_slot();
  }
}

MysqlPool::Lease::Lease(Lease&&) noexcept = default;
MysqlPool::Lease& MysqlPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    home_ = std::move(other.home_);
    connection_ = std::move(other.connection_);
  }
  return *this;
}
MysqlPool::Lease::~Lease() { give_back(); }

void MysqlPool::Lease::give_back() noexcept {
  if (connection_ == nullptr) return;
  home_->put(std::unique_ptr<MysqlSession>(static_cast<MysqlSession*>(connection_.release())));
  home_.reset();
}

MysqlPool::MysqlPool(asio::io_context& context, const Config& config, std::uint32_t size)
    : home_(std::make_shared<Lease::Home>(context, config, size)) {
  static std::once_flag once;
  std::call_once(once, [] { mysql_server_init(0, nullptr, nullptr); });
}

MysqlPool::~MysqlPool() {
  home_->closed = true;
  home_->open -= static_cast<std::uint32_t>(home_->idle.size());
  home_->idle.clear();
}

void MysqlPool::on_wait(std::function<void(std::chrono::nanoseconds)> observer) {
  home_->observer = std::move(observer);
}

void MysqlPool::guard(CircuitBreaker& breaker) noexcept { home_->breaker = &breaker; }

std::uint32_t MysqlPool::open_connections() const noexcept { return home_->open; }

Task<MysqlPool::Lease> MysqlPool::acquire(TimePoint deadline, Use use) {
  struct Stopwatch {
    std::shared_ptr<Lease::Home> home;
    TimePoint begun = Clock::now();
    ~Stopwatch() {
      if (home->observer) home->observer(Clock::now() - begun);
    }
  } stopwatch{home_};
  Lease lease;
  const Faults& faults = Faults::of_process();
  if (const auto delay = faults.mysql_delay_ms.load(std::memory_order_relaxed); delay > 0) {
    Lease::Home::Timer slow(stopwatch.home->context, Millis(delay));
    boost::system::error_code ended;
    co_await slow.async_wait(asio::redirect_error(use_task, ended));
  }
  CircuitBreaker* const breaker = stopwatch.home->breaker;
  if (breaker != nullptr && !breaker->allow(Clock::now())) {
    throw StoreUnavailable("mysql", "the breaker is open");
  }
  try {
    if (Faults::strikes(faults.mysql_kill_conn))
      throw StoreUnavailable("mysql", "the connection was killed: a fault");
    lease.connection_ = co_await stopwatch.home->take(deadline, use);
  } catch (const StoreUnavailable&) {
    if (breaker != nullptr) breaker->record(false, Clock::now());
    throw;
  }
  lease.home_ = stopwatch.home;
  co_return lease;
}

Task<void> MysqlPool::create_database(TimePoint deadline) {
  const auto home = home_;
  MysqlSession session(home->context);
  session.bound(deadline);
  co_await session.connect(home->config, false);
  std::string name;
  for (const char c : home->config.mysql_database) name += c == '`' ? "``" : std::string(1, c);
  const auto made =
      co_await session.query("CREATE DATABASE IF NOT EXISTS `" + name + "` CHARACTER SET utf8mb4");
  if (!made) throw_sql_error(made.error());
}

}  // namespace boxoffice
