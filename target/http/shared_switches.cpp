#include "target/http/shared_switches.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "target/admin_parts.hpp"
#include "target/domain/unavailable.hpp"
#include "target/http/admin_faults.hpp"
#include "target/http/admin_json.hpp"
#include "target/log.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;

constexpr Millis look_every{200}, share_within{2000}, ask_again{25}, connect_within{1000};

Task<void> pause(Millis time) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(
      co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::as_tuple(use_task));
}

std::string text_of(const Switches& switches) {
  Json defects = Json::object();
  for (const std::string& name : switches.defects_on()) defects[name] = true;
  return Json{{"defects", defects},
              {"admissionsPaused", switches.admissions_paused.load()},
              {"faults", to_json(Faults::of_process().settings())},
              {"payment", to_json(*switches.payment())}}
      .dump();
}

void apply(const std::string& text, Switches& switches, bool lab) {
  Json told = Json::parse(text, nullptr, false);
  if (!told.is_object()) return;
  const Json defects = told.value("defects", Json::object());
  if (lab && defects.is_object()) {
    for (const std::string& name : Switches::defect_names())
      *switches.defect(name) = defects.contains(name);
  }
  if (lab && told.contains("faults")) {
    Problems wrong;
    Faults& faults = Faults::of_process();
    const FaultSettings wanted = read_faults(told["faults"], faults.settings(), wrong);
    if (wrong.empty()) faults.set(wanted);
  }
  switches.admissions_paused = told.value("admissionsPaused", false);
  Json payment = told.value("payment", Json::object());
  // A trace is a file of the machine that names it: each instance has its own.
  if (payment.is_object() && payment.value("delay", "") == "trace") payment.erase("delay");
  Problems problems;
  PaymentConfig wanted = read_payment(payment, *switches.payment(), problems);
  if (problems.empty()) switches.set_payment(std::move(wanted));
}

// A line that no fault is planted in, so that faults can be lifted.
std::unique_ptr<RedisClient> spared_line(ThreadContext& thread) {
  auto line =
      std::make_unique<RedisClient>(thread.io, thread.config.redis_host, thread.config.redis_port);
  line->spare();
  return line;
}

class Follower {
 public:
  explicit Follower(ThreadContext& thread)
      : thread_(thread),
        line_(thread.config.lab ? spared_line(thread) : nullptr),
        board_(make_switch_board(line_ != nullptr ? *line_ : thread.redis)),
        name_(fmt::format("n{}-{}", thread.config.node, ::getpid())) {}

  static Task<void> run(std::shared_ptr<Follower> self) {
    while (!self->thread_.stop.stop_requested()) {
      try {
        co_await self->turn();
      } catch (const StoreUnavailable&) {
        // Without Redis there is nothing to follow; what was told meanwhile is found later.
      }
      co_await pause(look_every);
    }
  }

 private:
  Task<void> turn() {
    const auto note = co_await board_->look(name_, applied_);
    const std::uint64_t newest = note ? note->version : 0;
    const bool first = !started_;
    started_ = true;
    *thread_.following = true;
    if (newest == applied_) co_return;
    applied_ = newest;
    if (first || !note) co_return;
    apply(note->text, thread_.switches, thread_.config.lab);
    log_info("switches followed", {{"tainted", thread_.switches.tainted()}});
    (void)co_await board_->look(name_, applied_);  // so that nobody waits for our next turn
  }

  ThreadContext& thread_;
  std::unique_ptr<RedisClient> line_;
  std::unique_ptr<SwitchBoard> board_;
  const std::string name_;
  std::uint64_t applied_ = 0;
  bool started_ = false;
};

}  // namespace

Task<bool> share_switches(SwitchBoard& board, const Switches& switches) {
  const std::uint64_t version = co_await board.publish(text_of(switches));
  const TimePoint until = Clock::now() + share_within;
  while (true) {
    const bool followed = co_await board.followed(version);
    if (followed || Clock::now() >= until) co_return followed;
    co_await pause(ask_again);
  }
}

Task<bool> SwitchTeller::tell() {
  if (line_ == nullptr) {
    line_ = spared_line(thread_);
    board_ = make_switch_board(*line_);
  }
  // A planted fault leaves the thread's own connection up: where that is down Redis is away.
  if (!thread_.redis.connected()) throw StoreUnavailable("redis", "not connected");
  co_await line_->wait_connected(Clock::now() + connect_within);
  co_return co_await share_switches(*board_, thread_.switches);
}

std::shared_ptr<void> follow_switches(ThreadContext& thread) {
  auto follower = std::make_shared<Follower>(thread);
  asio::co_spawn(thread.io, Follower::run(follower), [](const std::exception_ptr& failure) {
    if (failure) log_error("the switches are not followed any more", {});
  });
  return follower;
}

}  // namespace boxoffice
