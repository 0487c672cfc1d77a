#include "harness/topology/boxoffice_command.hpp"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <thread>

#include "harness/topology/free_port.hpp"
#include "harness/topology/http_exchange.hpp"

namespace stampede {
namespace {

constexpr std::chrono::milliseconds poll_step{10};

std::string delay_text(const RandomDuration& delay) {
  const double ms = delay.a_seconds * 1e3;
  using Kind = RandomDuration::Kind;
  if (delay.kind == Kind::constant) return fmt::format("fixed:{}", ms);
  if (delay.kind == Kind::uniform) return fmt::format("uniform:{}:{}", ms, delay.b * 1e3);
  if (delay.kind == Kind::lognormal) {
    constexpr double z99 = 2.3263478740408408;  // the target wants median and 99th percentile
    return fmt::format("lognormal:{}:{}", ms, ms * std::exp(z99 * delay.b));
  }
  throw TopologyError(
      "boxoffice: the payment delay must be constant, uniform or lognormal: it knows no other");
}

// The store's Unix socket, which costs less than loopback TCP on both sides; its port where the
// directory's name is too long for a socket address.
std::string store_address(const PrivateStores& stores, const char* store, const std::string& host,
                          std::uint16_t port) {
  const std::filesystem::path socket = stores.directory() / store / "s";
  if (socket.string().size() > 100) return fmt::format("{}:{}", host, port);
  return "unix:" + socket.string();
}

}  // namespace

[[noreturn]] void fail_start(Process& process, const std::string& what) {
  const std::string words = process.last_words();
  throw TopologyError(
      fmt::format("{} {}{}", process.role(), what, words.empty() ? "" : "; last words:\n" + words));
}

// Waits until `ready` says so; throws when the process ends, time is up or a stop is asked for.
void await_ready(Process& process, const std::stop_token& stop, TimePoint until,
                 const std::function<bool()>& ready) {
  while (!ready()) {
    if (stop.stop_requested()) throw TopologyError("stopped while " + process.role() + " started");
    if (!process.alive()) fail_start(process, process.ending() + " before it was ready");
    if (now() >= until) fail_start(process, "was not ready in time");
    std::this_thread::sleep_for(poll_step);
  }
}

std::uint16_t port_asked_for(const TopologyPlan& plan, const std::string& option) {
  const auto wish = plan.target.options.find(option);
  if (wish == plan.target.options.end()) return free_port();
  unsigned port = 0;
  const std::string& text = wish->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    throw TopologyError(fmt::format("boxoffice: option {}: '{}' is no port", option, text));
  }
  const std::string holder = port_holder(static_cast<std::uint16_t>(port));
  if (!holder.empty()) {
    throw TopologyError(
        fmt::format("boxoffice: port {} (option {}) is {}. Choose another, or "
                    "leave the option out for a free one",
                    port, option, holder));
  }
  return static_cast<std::uint16_t>(port);
}

std::map<std::string, std::string> boxoffice_options(const TopologyPlan& plan,
                                                     const PrivateStores& stores,
                                                     const TopologyEndpoints& endpoints) {
  const MysqlEndpoint& mysql = stores.mysql();
  const PaymentSpec& payment = plan.target.payment;
  std::map<std::string, std::string> options{
      {"host", endpoints.http.host},
      {"port", std::to_string(endpoints.http.port)},
      {"admin-port", std::to_string(endpoints.admin->port)},
      {"redis", store_address(stores, "redis", stores.redis().host, stores.redis().port)},
      {"mysql", store_address(stores, "mariadb", mysql.host, mysql.port)},
      {"mysql-user", mysql.user},
      {"mysql-database", mysql.database},
      {"roles", "all"},
      {"payment-mode", payment.mode},
      {"payment-approve", fmt::format("{}", payment.approve)},
      {"payment-delay", delay_text(payment.delay)},
      {"payment-seed", std::to_string(plan.payment_seed)}};
  if (plan.target.threads > 0) options["threads"] = std::to_string(plan.target.threads);
  const auto chance = [&options](const char* name, double p) {
    if (p > 0) options[name] = fmt::format("{}", p);
  };
  chance("webhook-duplicate", payment.webhook_duplicate);
  chance("webhook-reorder", payment.webhook_reorder);
  chance("webhook-lost", payment.webhook_lost);
  chance("webhook-late", payment.webhook_late);
  chance("webhook-forged", payment.webhook_forged);
  chance("payment-timeout", payment.timeout);
  chance("refund-fail", payment.refund_fail);
  if (endpoints.provider) {
    options["pg"] = "process";
    options["pg-address"] =
        fmt::format("{}:{}", endpoints.provider->host, endpoints.provider->port);
  }
  if (!plan.target.defects.empty()) {
    options["defects"] = fmt::format("{}", fmt::join(plan.target.defects, ","));
  }
  for (const auto& [name, value] : plan.target.options) options[name] = value;
  return options;
}

std::vector<std::string> arguments_of(const std::map<std::string, std::string>& options,
                                      const TopologyPlan& plan) {
  std::vector<std::string> result;
  if (!plan.target.defects.empty()) result.emplace_back("--lab");
  for (const auto& [name, value] : options) result.push_back("--" + name + "=" + value);
  return result;
}

std::vector<std::string> boxoffice_secrets(const std::string& admin_token,
                                           const std::string& mysql_password) {
  return {"BOXOFFICE_ADMIN_TOKEN=" + admin_token, "BOXOFFICE_JWT_SECRET=" + random_secret(),
          "BOXOFFICE_PASS_SECRET=" + random_secret(), "BOXOFFICE_WEBHOOK_SECRET=" + random_secret(),
          "BOXOFFICE_MYSQL_PASSWORD=" + mysql_password};
}

bool boxoffice_ready(const Endpoint& endpoint, const std::string& path_prefix) {
  try {
    const HttpQuestion question{"GET", path_prefix + "/readyz", "", {}};
    return exchange(endpoint, question, std::chrono::seconds{2}).status == 200;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace stampede
