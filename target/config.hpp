// Everything that can be set, as plain values. main.cpp fills it from the command line and the
// environment; nothing below reads either.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace boxoffice {

struct PaymentConfig {
  bool webhook = false;  // false: sync answers
  double approve = 0.8;
  // uniform(a,b) · fixed(a) · lognormal(median a, p99 b) · bimodal(a, or b with delay_slow_share) ·
  // trace (one of delay_trace); milliseconds
  std::string delay = "uniform";
  double delay_a_ms = 500, delay_b_ms = 1500;
  double delay_slow_share = 0.05;                          // 0…1
  std::shared_ptr<const std::vector<double>> delay_trace;  // never empty where `delay` is trace
  double timeout = 0;  // probability that the outcome is decided but not told
  double webhook_duplicate = 0, webhook_reorder = 0, webhook_lost = 0, webhook_forged = 0;
  double webhook_late = 0;  // the first try comes after the order's deadline
  double refund_fail = 0;   // share of refunds whose first tries are refused
  std::uint64_t seed = 1;
  std::uint32_t retry_unit_ms = 100;  // of webhook retries 1, 4, 16, 64, 256, 1024, 4096 units
  std::uint32_t inflight_max = 2000;
};

// How a hold is taken and told to the live maps: the stages in which such a system was once tuned
// (profile tuning-ladder), kept to be measured against each other.
enum class HoldMode : std::uint8_t {
  dual,       // looks into the database for tickets first; told to all before the answer
  sync_sse,   // Redis alone; told to all before the answer
  async_sse,  // Redis alone; told to all by itself, while the answer goes out
  tuned,      // Redis alone; changes are told together, once per flush
};
std::string_view name_of(HoldMode mode) noexcept;  // as in --hold-mode
std::optional<HoldMode> hold_mode(std::string_view name) noexcept;

struct Rate {
  double per_second = 0;    // above 0
  std::uint32_t burst = 1;  // at once
};
// Domain §2.3.9. An address is limited only where no token says who asks.
struct RateLimits {
  bool on = true;
  Rate user{20, 40}, hold{5, 5}, bid{5, 5}, login{5.0 / 60, 5}, address{200, 400};
};

struct Config {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::uint16_t admin_port = 0;  // 0: admin off
  std::string admin_token;       // secret; required when admin_port is set
  std::string jwt_secret, pass_secret, webhook_secret, webhook_secret_old;  // secrets
  std::string redis_host = "127.0.0.1";  // or the path of a Unix socket
  std::uint16_t redis_port = 6379;
  std::string mysql_host = "127.0.0.1", mysql_user = "root", mysql_password,
              mysql_database = "boxoffice";
  std::uint16_t mysql_port = 3306;
  std::set<std::string> roles;         // … worker admin; pg stands alone
  std::string path_prefix;             // "" or "/ticketing/order"
  std::uint32_t threads = 1;           // I/O threads, one io_context each
  std::uint32_t mysql_pool = 16;       // connections per thread
  std::uint32_t in_flight_max = 4000;  // per role and process; above: 503 OVERLOADED
  std::uint32_t hold_backlog = 1000;   // holds given while the database is away; then 503
  std::uint32_t connections_max = 60000;
  std::set<std::string> trusted_proxies;  // addresses whose X-Forwarded-For is believed
  std::uint32_t drain_seconds = 10;
  std::uint32_t password_threads = 1;       // that hash passwords, per process
  std::uint32_t password_waiting_max = 64;  // hashes running or waiting; above: 503 OVERLOADED
  std::uint32_t password_cost = 14;  // 10…18: 2^cost KiB of memory and some 3 µs per round
  std::uint32_t sse_flush_ms = 100;  // 10…10000; changes of seats are told together so often
  // Never empty. Events take them in turn of their id: the first one's is that of event 1.
  std::vector<HoldMode> hold_modes{HoldMode::tuned};
  std::uint32_t node = 0;         // 0…1023, part of order ids
  bool lab = false;               // allows defects
  std::set<std::string> defects;  // names of Switches
  RateLimits rate_limits;
  PaymentConfig payment;
  std::string pg_host;  // of the provider's own process; empty: inline
  std::uint16_t pg_port = 0;
  std::string log_level = "info";
};

// The exit codes of boxoffice; the same numbers mean the same in stampede.
inline constexpr int exit_ok = 0, exit_usage = 64, exit_unavailable = 69, exit_internal = 70;

inline constexpr std::size_t admin_token_bytes_min = 16;

// What the environment gives: secrets only, so that they show in no process list.
struct Secrets {
  std::string admin_token, jwt, pass, webhook, webhook_old, mysql_password;
};
struct ConfigProblems {
  std::vector<std::string> problems;  // all of them, one sentence each; empty with `help`
  std::string help;                   // --help was asked for
};
[[noreturn]] void throw_config_problems(const ConfigProblems& problems);
[[noreturn]] inline void throw_exception_from_error(const ConfigProblems& problems,
                                                    const boost::source_location&) {
  throw_config_problems(problems);
}
// Missing secrets are filled with random ones; the names of those are put into `made_up`.
boost::system::result<Config, ConfigProblems> read_config(std::vector<std::string> arguments,
                                                          Secrets secrets,
                                                          std::vector<std::string>& made_up);

}  // namespace boxoffice
