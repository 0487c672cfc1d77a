#include "target/config.hpp"

#include <openssl/rand.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include "target/log.hpp"
#include "target/switches.hpp"

namespace boxoffice {
namespace {

const std::vector<std::string>& role_names() {
  static const std::vector<std::string> names{"catalog",  "queue",   "reservation",
                                              "order",    "payment", "auction",
                                              "practice", "worker",  "admin"};
  return names;
}

constexpr std::array<std::pair<std::string_view, HoldMode>, 4> hold_mode_names{
    {{"dual", HoldMode::dual},
     {"redis_only_sync_sse", HoldMode::sync_sse},
     {"redis_only_async_sse", HoldMode::async_sse},
     {"final", HoldMode::tuned}}};
constexpr std::size_t hold_modes_max = 16;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  return value;
}

// Every flag is read as text and judged here, so that one run names every mistake, not the first.
class Flags {
 public:
  Flags() : app_("boxoffice: the reference ticket-booking server", "boxoffice") {
    app_.set_help_flag("--help,-h", "print this and exit");
  }

  void add(const std::string& name, const std::string& help, std::string fallback) {
    std::string& text = texts_[name];
    text = std::move(fallback);
    app_.add_option(name, text, help)->capture_default_str()->take_last();
  }
  void add_switch(const std::string& name, const std::string& help, bool& value) {
    app_.add_flag(name, value, help);
  }
  // false: --help, or the command line is not even flags and values.
  bool parse(std::vector<std::string> arguments, ConfigProblems& problems) {
    std::ranges::reverse(arguments);
    try {
      app_.parse(std::move(arguments));
      return true;
    } catch (const CLI::CallForHelp&) {
      problems.help = app_.help();
    } catch (const CLI::ParseError& error) {
      problems.problems.emplace_back(error.what());
    }
    return false;
  }
  const std::string& text(const std::string& name) const { return texts_.at(name); }

  template <class Number>
  Number number(const std::string& name, Number least, Number most, ConfigProblems& problems) {
    const auto value = number_of<Number>(text(name));
    if (value && *value >= least && *value <= most) return *value;
    problems.problems.push_back(
        fmt::format("{} must be a number from {} to {}, not '{}'", name, least, most, text(name)));
    return least;
  }

 private:
  CLI::App app_;
  std::map<std::string, std::string> texts_;
};

void declare_server(Flags& flags) {
  flags.add("--host", "address to listen on", "127.0.0.1");
  flags.add("--port", "port to listen on; 0 takes a free one", "8080");
  flags.add("--admin-port", "port of the admin API; none without it", "0");
  flags.add("--redis", "HOST:PORT of Redis", "127.0.0.1:6379");
  flags.add("--mysql", "HOST:PORT of MySQL or MariaDB", "127.0.0.1:3306");
  flags.add("--mysql-user", "user of the database", "root");
  flags.add("--mysql-database", "name of the database", "boxoffice");
  flags.add("--mysql-pool", "database connections per thread", "16");
  flags.add("--roles",
            "all, or a list of: " + joined(role_names()) +
                "; all,-order is all but that one; or pg alone",
            "all");
  flags.add("--path-prefix", "prefix of every path, such as /ticketing/order", "");
  flags.add("--threads", "I/O threads", "1");
  flags.add("--in-flight-max", "requests at once per role; above it 503 OVERLOADED", "4000");
  flags.add("--hold-backlog", "holds given while the database is away; above it 503", "1000");
  flags.add("--connections-max", "open connections; above it a new one is refused", "60000");
  flags.add("--trusted-proxies",
            "addresses of proxies, with commas, whose X-Forwarded-For says who asks", "");
  flags.add("--drain-seconds", "how long a stop waits for what is in flight", "10");
  flags.add("--ratelimit",
            "on, off (capacity runs), or on with other rates: NAME=PER_SECOND:BURST, … of user, "
            "hold, bid, login, address",
            "on");
  flags.add("--sse-flush-ms", "how often changes of seats go to live maps", "100");
  flags.add("--password-threads", "threads that hash passwords", "1");
  flags.add("--password-waiting-max", "hashes running or waiting; above it 503 OVERLOADED", "64");
  flags.add("--password-cost", "binary logarithm of scrypt's cost, 10 to 18", "14");
  flags.add("--hold-mode",
            "how seats are held: dual, redis_only_sync_sse, redis_only_async_sse or final; of a "
            "list, events take the modes in turn of their id",
            "final");
  flags.add("--node", "number of this instance, part of order ids", "0");
  flags.add("--defects", "deliberate bugs, with --lab: " + joined(Switches::defect_names()), "");
  flags.add("--log-level", "debug, info, warning or error", "info");
}

void declare_payment(Flags& flags) {
  flags.add("--payment-mode", "sync or webhook", "sync");
  flags.add("--payment-approve", "share of payments that are approved", "0.8");
  flags.add("--payment-delay",
            "uniform:MS:MS, fixed:MS, lognormal:MEDIAN_MS:P99_MS, bimodal:MS:SLOW_MS:SLOW_SHARE or "
            "trace:FILE (one delay in ms per line)",
            "uniform:500:1500");
  flags.add("--payment-timeout", "share of payments whose outcome is not told", "0");
  flags.add("--webhook-duplicate", "share of webhooks sent twice", "0");
  flags.add("--webhook-reorder", "share of webhooks sent out of order", "0");
  flags.add("--webhook-lost", "share of webhooks whose first try is lost", "0");
  flags.add("--webhook-late", "share of webhooks that come after the order's deadline", "0");
  flags.add("--webhook-forged", "share of webhooks sent also with a wrong signature", "0");
  flags.add("--refund-fail", "share of refunds whose first tries are refused", "0");
  flags.add("--pg",
            "inline: the simulated provider is in this process; process: it is one of its own, "
            "`boxoffice --roles=pg`",
            "inline");
  flags.add("--pg-address", "HOST:PORT of the provider's process", "127.0.0.1:8090");
  flags.add("--webhook-retry-unit-ms", "unit of the retry delays 1, 4, 16, …", "100");
  flags.add("--payment-seed", "seed of the payment decisions", "1");
}

// Of a Unix socket: what sockaddr_un holds.
constexpr std::size_t socket_path_max = 107;

void read_endpoint(const Flags& flags, const std::string& name, std::string& host,
                   std::uint16_t& port, ConfigProblems& problems) {
  const std::string& text = flags.text(name);
  if (text.starts_with("unix:/") && text.size() <= 5 + socket_path_max) {
    host = text.substr(5);
    return;
  }
  const auto colon = text.rfind(':');
  const auto number = colon == std::string::npos
                          ? std::nullopt
                          : number_of<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (!number || *number == 0 || colon == 0) {
    problems.problems.push_back(fmt::format(
        "{} must be HOST:PORT, such as 127.0.0.1:6379, or unix:/PATH, not '{}'", name, text));
    return;
  }
  host = text.substr(0, colon);
  port = *number;
}

void read_roles(const Flags& flags, Config& config, ConfigProblems& problems) {
  const auto& known = role_names();
  if (flags.text("--roles") == "all") {
    config.roles.insert(known.begin(), known.end());
    return;
  }
  for (const std::string& word : split(flags.text("--roles"), ',')) {
    const bool without = word.starts_with('-');
    const std::string role = without ? word.substr(1) : word;
    if (role == "all" && !without) {
      config.roles.insert(known.begin(), known.end());
      continue;
    }
    if (role != "pg" && std::ranges::find(known, role) == known.end()) {
      problems.problems.push_back(fmt::format(
          "--roles: '{}' is not a role; there are all, {}, and pg", role, joined(known)));
    }
    if (without) {
      config.roles.erase(role);
    } else {
      config.roles.insert(role);
    }
  }
  if (config.roles.contains("pg") && config.roles.size() > 1) {
    problems.problems.emplace_back(
        "--roles: pg is a process of its own and stands alone; run it with --roles=pg");
  }
}

void read_hold_modes(const Flags& flags, Config& config, ConfigProblems& problems) {
  config.hold_modes.clear();
  for (const std::string& name : split(flags.text("--hold-mode"), ',')) {
    const auto mode = hold_mode(name);
    if (!mode) {
      problems.problems.push_back(
          fmt::format("--hold-mode must be dual, redis_only_sync_sse, redis_only_async_sse or "
                      "final, or a list of them, not '{}'",
                      name));
    }
    if (config.hold_modes.size() < hold_modes_max) {
      config.hold_modes.push_back(mode.value_or(HoldMode::tuned));
    }
  }
}

void read_defects(const Flags& flags, Config& config, ConfigProblems& problems) {
  if (flags.text("--defects").empty()) return;
  const auto& known = Switches::defect_names();
  for (const std::string& defect : split(flags.text("--defects"), ',')) {
    if (std::ranges::find(known, defect) == known.end()) {
      problems.problems.push_back(
          fmt::format("--defects: '{}' is not a defect; there are {}", defect, joined(known)));
    }
    config.defects.insert(defect);
  }
  if (!config.lab) {
    problems.problems.emplace_back(
        "--defects plants bugs on purpose and needs --lab, which marks every run as tainted");
  }
}

constexpr double delay_ms_max = 600000;
constexpr std::size_t trace_lines_max = 1'000'000;

// One delay in milliseconds per line; empty lines and lines that begin with # are passed over.
void read_trace(const std::string& file, PaymentConfig& payment, ConfigProblems& problems) {
  std::ifstream in(file);
  auto delays = std::make_shared<std::vector<double>>();
  std::size_t number = 0;
  for (std::string line; std::getline(in, line) && number < trace_lines_max;) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const auto delay = number_of<double>(line);
    if (!delay || !(*delay >= 0) || *delay > delay_ms_max) {
      problems.problems.push_back(
          fmt::format("--payment-delay: {}:{}: expected milliseconds from 0 to 600000, found '{}'",
                      file, number, line.substr(0, 40)));
      return;
    }
    delays->push_back(*delay);
  }
  if (delays->empty()) {
    problems.problems.push_back(
        fmt::format("--payment-delay: no delay in the trace {}: one number a line", file));
    return;
  }
  payment.delay = "trace";
  payment.delay_trace = std::move(delays);
}

void read_delay(const Flags& flags, PaymentConfig& payment, ConfigProblems& problems) {
  const std::string& text = flags.text("--payment-delay");
  constexpr std::string_view trace = "trace:";
  if (text.starts_with(trace)) return read_trace(text.substr(trace.size()), payment, problems);
  const auto parts = split(text, ':');
  const std::string& kind = parts[0];
  const std::size_t wanted = kind == "fixed" ? 2 : kind == "bimodal" ? 4 : 3;
  const bool known =
      kind == "fixed" || kind == "uniform" || kind == "lognormal" || kind == "bimodal";
  const auto part = [&parts](std::size_t i) {
    return i < parts.size() ? number_of<double>(parts[i]) : std::nullopt;
  };
  const auto a = part(1), b = wanted == 2 ? a : part(2);
  const auto slow = wanted == 4 ? part(3) : std::optional(payment.delay_slow_share);
  const bool positive = kind != "lognormal" || (a && *a > 0);
  if (!known || parts.size() != wanted || !a || !b || *a < 0 || *b < *a || *b > delay_ms_max ||
      !positive || !slow || !(*slow >= 0 && *slow <= 1)) {
    problems.problems.push_back(fmt::format(
        "--payment-delay must be uniform:500:1500, fixed:100, lognormal:800:3000, "
        "bimodal:300:5000:0.05 (milliseconds, the second at least the first, at most 600000; the "
        "share of the slow ones) or trace:FILE, not '{}'",
        text));
    return;
  }
  payment.delay = kind;
  payment.delay_a_ms = *a;
  payment.delay_b_ms = *b;
  payment.delay_slow_share = *slow;
}

void read_payment(Flags& flags, PaymentConfig& payment, ConfigProblems& problems) {
  const std::string& mode = flags.text("--payment-mode");
  if (mode != "sync" && mode != "webhook") {
    problems.problems.push_back(
        fmt::format("--payment-mode must be sync or webhook, not '{}'", mode));
  }
  payment.webhook = mode == "webhook";
  payment.approve = flags.number("--payment-approve", 0.0, 1.0, problems);
  payment.timeout = flags.number("--payment-timeout", 0.0, 1.0, problems);
  payment.webhook_duplicate = flags.number("--webhook-duplicate", 0.0, 1.0, problems);
  payment.webhook_reorder = flags.number("--webhook-reorder", 0.0, 1.0, problems);
  payment.webhook_lost = flags.number("--webhook-lost", 0.0, 1.0, problems);
  payment.webhook_late = flags.number("--webhook-late", 0.0, 1.0, problems);
  payment.webhook_forged = flags.number("--webhook-forged", 0.0, 1.0, problems);
  payment.refund_fail = flags.number("--refund-fail", 0.0, 1.0, problems);
  payment.retry_unit_ms =
      flags.number<std::uint32_t>("--webhook-retry-unit-ms", 1, 60000, problems);
  payment.seed = flags.number<std::uint64_t>("--payment-seed", 0,
                                             std::numeric_limits<std::uint64_t>::max(), problems);
  read_delay(flags, payment, problems);
}

constexpr double rate_min = 0.001, rate_max = 1e6;
constexpr std::uint32_t burst_max = 1'000'000;

void read_rate_limits(const Flags& flags, RateLimits& limits, ConfigProblems& problems) {
  const std::string& text = flags.text("--ratelimit");
  limits.on = text != "off";
  if (text == "on" || text == "off") return;
  const std::map<std::string, Rate*> known{{"user", &limits.user},
                                           {"hold", &limits.hold},
                                           {"bid", &limits.bid},
                                           {"login", &limits.login},
                                           {"address", &limits.address}};
  for (const std::string& part : split(text, ',')) {
    const auto equals = part.find('='), colon = part.find(':');
    const auto at = known.find(part.substr(0, equals));
    std::optional<double> rate;
    std::optional<std::uint32_t> burst;
    if (at != known.end() && equals != std::string::npos && colon != std::string::npos &&
        colon > equals) {
      rate = number_of<double>(std::string_view(part).substr(equals + 1, colon - equals - 1));
      burst = number_of<std::uint32_t>(std::string_view(part).substr(colon + 1));
    }
    if (!rate || !burst || *rate < rate_min || *rate > rate_max || *burst < 1 ||
        *burst > burst_max) {
      problems.problems.push_back(
          fmt::format("--ratelimit must be on, off or a list such as user=20:40,hold=5:5 of user, "
                      "hold, bid, login, address (per second, burst), not '{}'",
                      part));
      continue;
    }
    *at->second = Rate{*rate, *burst};
  }
}

constexpr std::size_t trusted_proxies_max = 64;

void read_trusted_proxies(const Flags& flags, Config& config, ConfigProblems& problems) {
  if (flags.text("--trusted-proxies").empty()) return;
  for (const std::string& text : split(flags.text("--trusted-proxies"), ',')) {
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(text, no_address);
    if (no_address || config.trusted_proxies.size() >= trusted_proxies_max) {
      problems.problems.push_back(
          fmt::format("--trusted-proxies must be at most {} IP addresses, such as "
                      "127.0.0.1,10.0.0.7, not '{}'",
                      trusted_proxies_max, text));
      continue;
    }
    config.trusted_proxies.insert(address.to_string());
  }
}

void read_provider(const Flags& flags, Config& config, ConfigProblems& problems) {
  const std::string& where = flags.text("--pg");
  if (where != "inline" && where != "process") {
    problems.problems.push_back(fmt::format("--pg must be inline or process, not '{}'", where));
  }
  if (where != "process") return;
  read_endpoint(flags, "--pg-address", config.pg_host, config.pg_port, problems);
  boost::system::error_code no_address;
  boost::asio::ip::make_address(config.pg_host, no_address);
  if (no_address) {
    problems.problems.push_back(fmt::format(
        "--pg-address must begin with an IP address, such as 127.0.0.1, not '{}'", config.pg_host));
  }
}

void read_server(Flags& flags, Config& config, ConfigProblems& problems) {
  config.host = flags.text("--host");
  boost::system::error_code no_address;
  boost::asio::ip::make_address(config.host, no_address);
  if (no_address) {
    problems.problems.push_back(
        fmt::format("--host must be an IP address, such as 127.0.0.1, not '{}'", config.host));
  }
  config.port = flags.number<std::uint16_t>("--port", 0, 65535, problems);
  config.admin_port = flags.number<std::uint16_t>("--admin-port", 0, 65535, problems);
  if (config.admin_port != 0 && config.admin_port == config.port) {
    problems.problems.emplace_back("--admin-port must differ from --port");
  }
  read_endpoint(flags, "--redis", config.redis_host, config.redis_port, problems);
  read_endpoint(flags, "--mysql", config.mysql_host, config.mysql_port, problems);
  config.mysql_user = flags.text("--mysql-user");
  config.mysql_database = flags.text("--mysql-database");
  const bool plain = std::ranges::all_of(
      config.mysql_database, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  if (config.mysql_database.empty() || config.mysql_database.size() > 64 || !plain) {
    problems.problems.emplace_back(
        "--mysql-database must be 1 to 64 letters, digits or underscores");
  }
  config.mysql_pool = flags.number<std::uint32_t>("--mysql-pool", 1, 256, problems);
  config.threads = flags.number<std::uint32_t>("--threads", 1, 64, problems);
  config.in_flight_max = flags.number<std::uint32_t>("--in-flight-max", 1, 1000000, problems);
  config.hold_backlog = flags.number<std::uint32_t>("--hold-backlog", 0, 1000000, problems);
  config.connections_max = flags.number<std::uint32_t>("--connections-max", 1, 1000000, problems);
  config.drain_seconds = flags.number<std::uint32_t>("--drain-seconds", 0, 600, problems);
  config.sse_flush_ms = flags.number<std::uint32_t>("--sse-flush-ms", 10, 10000, problems);
  config.password_threads = flags.number<std::uint32_t>("--password-threads", 1, 64, problems);
  config.password_waiting_max =
      flags.number<std::uint32_t>("--password-waiting-max", 1, 100000, problems);
  config.password_cost = flags.number<std::uint32_t>("--password-cost", 10, 18, problems);
  config.node = flags.number<std::uint32_t>("--node", 0, 1023, problems);
  config.path_prefix = flags.text("--path-prefix");
  const std::string& prefix = config.path_prefix;
  if (!prefix.empty() && (prefix.front() != '/' || prefix.back() == '/')) {
    problems.problems.push_back(
        fmt::format("--path-prefix must begin with / and not end with it, not '{}'", prefix));
  }
  config.log_level = flags.text("--log-level");
  if (!is_log_level(config.log_level)) {
    problems.problems.push_back(fmt::format(
        "--log-level must be debug, info, warning or error, not '{}'", config.log_level));
  }
}

std::string random_secret() {
  std::string secret(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()),
                 static_cast<int>(secret.size())) != 1) {
    throw std::runtime_error("the system's source of randomness failed");
  }
  return secret;
}

void read_secrets(Secrets secrets, Config& config, std::vector<std::string>& made_up,
                  ConfigProblems& problems) {
  config.admin_token = std::move(secrets.admin_token);
  config.mysql_password = std::move(secrets.mysql_password);
  config.webhook_secret_old = std::move(secrets.webhook_old);
  if (config.admin_port != 0 && config.admin_token.size() < admin_token_bytes_min) {
    problems.problems.emplace_back(
        "--admin-port needs the environment variable BOXOFFICE_ADMIN_TOKEN of at least 16 "
        "characters");
  }
  const auto take = [&made_up](std::string given, const char* name) {
    if (!given.empty()) return given;
    made_up.emplace_back(name);
    return random_secret();
  };
  config.jwt_secret = take(std::move(secrets.jwt), "BOXOFFICE_JWT_SECRET");
  config.pass_secret = take(std::move(secrets.pass), "BOXOFFICE_PASS_SECRET");
  config.webhook_secret = take(std::move(secrets.webhook), "BOXOFFICE_WEBHOOK_SECRET");
}

}  // namespace

std::string_view name_of(HoldMode mode) noexcept {
  for (const auto& [name, known] : hold_mode_names) {
    if (known == mode) return name;
  }
  return "?";
}

std::optional<HoldMode> hold_mode(std::string_view name) noexcept {
  for (const auto& [known, mode] : hold_mode_names) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

void throw_config_problems(const ConfigProblems& problems) {
  throw std::logic_error("value() of a config with " + std::to_string(problems.problems.size()) +
                         " problems");
}

boost::system::result<Config, ConfigProblems> read_config(std::vector<std::string> arguments,
                                                          Secrets secrets,
                                                          std::vector<std::string>& made_up) {
  Config config;
  ConfigProblems problems;
  Flags flags;
  declare_server(flags);
  declare_payment(flags);
  flags.add_switch("--lab", "allow --defects and the switches of the admin API", config.lab);
  if (!flags.parse(std::move(arguments), problems)) return problems;
  read_server(flags, config, problems);
  read_roles(flags, config, problems);
  read_hold_modes(flags, config, problems);
  read_defects(flags, config, problems);
  read_payment(flags, config.payment, problems);
  read_provider(flags, config, problems);
  read_rate_limits(flags, config.rate_limits, problems);
  read_trusted_proxies(flags, config, problems);
  read_secrets(std::move(secrets), config, made_up, problems);
  if (!problems.problems.empty()) return problems;
  return config;
}

}  // namespace boxoffice
