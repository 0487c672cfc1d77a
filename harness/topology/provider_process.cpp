#include "harness/topology/provider_process.hpp"

#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "harness/topology/boxoffice_command.hpp"
#include "harness/topology/free_port.hpp"
#include "harness/topology/http_exchange.hpp"

namespace stampede {
namespace {

constexpr std::chrono::seconds books_within{30};

// Of the options of a boxoffice those that are the provider's.
bool is_of_provider(std::string_view option) {
  return option.starts_with("payment-") || option.starts_with("webhook-") ||
         option == "refund-fail" || option == "log-level";
}

// One line for each charge: a JSON object.
void read_lines(const std::string& body, FinalState& state) {
  std::string_view rest = body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (line.empty()) continue;
    const auto json = nlohmann::json::parse(line);
    StoredCharge charge;
    charge.key = json.at("paymentKey").get<std::string>();
    charge.status = json.at("status").get<std::string>();
    charge.order = std::stoull(json.at("orderId").get<std::string>());
    charge.amount = json.at("totalAmount").get<std::uint64_t>();
    state.charges.push_back(std::move(charge));
  }
}

}  // namespace

bool wants_provider(const TopologyPlan& plan) { return plan.target.payment.provider == "process"; }

StartedProvider start_provider(const TopologyPlan& plan, PrivateStores& stores,
                               const std::vector<std::string>& secrets, const std::stop_token& stop,
                               const PrivateStores::Progress& progress) {
  StartedProvider provider;
  provider.at = {"127.0.0.1", free_port()};
  TopologyEndpoints at;
  at.http = provider.at;
  at.admin = Endpoint{provider.at.host, 0};
  std::map<std::string, std::string> options;
  for (const auto& [name, value] : boxoffice_options(plan, stores, at)) {
    if (is_of_provider(name)) options[name] = value;
  }
  options["host"] = provider.at.host;
  options["port"] = std::to_string(provider.at.port);
  options["roles"] = "pg";
  std::vector<std::string> arguments;
  for (const auto& [name, value] : options) arguments.push_back("--" + name + "=" + value);
  const std::filesystem::path own = stores.directory() / "provider";
  std::filesystem::create_directory(own);
  const ProcessSpec spec{"provider", std::filesystem::absolute(plan.boxoffice),
                         arguments,  secrets,
                         own,        own / "provider.log"};
  provider.command =
      fmt::format("provider: {} {}", plan.boxoffice.string(), fmt::join(arguments, " "));
  const TimePoint begin = now();
  provider.process = std::make_unique<Process>(spec, &stores.guardian());
  await_ready(*provider.process, stop, begin + ready_within,
              [&provider] { return boxoffice_ready(provider.at, ""); });
  progress(fmt::format("provider ready in {:.2f} s", to_seconds(now() - begin)));
  return provider;
}

void read_provider_books(const TopologyEndpoints& endpoints, FinalState& state) {
  if (!endpoints.provider) return;
  const HttpQuestion question{
      "GET", "/v1/payments", "", {{"Authorization", "Bearer " + endpoints.admin_token}}};
  try {
    const HttpAnswer answer = exchange(*endpoints.provider, question, books_within);
    if (answer.status != 200) {
      state.provider_problem = fmt::format("provider: GET /v1/payments: status {}", answer.status);
      return;
    }
    read_lines(answer.body, state);
    state.have_provider = true;
  } catch (const std::exception& problem) {  // of the exchange, or of what was answered
    state.charges.clear();
    state.provider_problem = std::string("provider: GET /v1/payments: ") + problem.what();
  }
}

}  // namespace stampede
