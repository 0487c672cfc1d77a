// The payment provider's own process (`--roles=pg`): charges, their state, refunds, webhooks to the
// customer. A stand-in for a real provider, with its mishaps; never part of `--roles=all`.
#include "target/http/routes_provider.hpp"
#include "target/http/admin_json.hpp"
#include "target/http/json_answers.hpp"
#include "target/http/json_body.hpp"
#include "target/http/provider_client.hpp"
#include "target/http/webhook_courier.hpp"
#include "target/service/simulated_provider.hpp"

namespace boxoffice {

namespace {

// Longer than its customers wait: what is not told in time is not told.
constexpr Millis charge_time_limit{60000};

struct Asked {
  Charge charge;
  std::optional<WebhookAddress> webhook;
};

std::string text_at(const nlohmann::json& body, const char* name) {
  const auto value = body.find(name);
  return value != body.end() && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<Asked> read_charge(std::string_view text) {
  const auto read = read_json_object(text);
  if (!read) return {};
  const nlohmann::json& body = read->members;
  Asked asked;
  Charge& charge = asked.charge;
  charge.payment_key = text_at(body, "paymentKey");
  charge.method = text_at(body, "method");
  const auto order = body.find("orderId"), amount = body.find("amount");
  if (charge.payment_key.empty() || order == body.end() || amount == body.end()) return {};
  const auto order_id = json_unsigned(*order), sum = json_unsigned(*amount);
  if (!order_id || !sum) return {};
  charge.order = *order_id;
  charge.amount = *sum;
  if (const auto left = body.find("orderLeftMs"); left != body.end() && left->is_number_integer()) {
    charge.order_left_ms = left->get<std::int64_t>();
  }
  const auto webhook = body.find("webhook");
  if (webhook == body.end() || !webhook->is_object()) return asked;
  const auto port = webhook->find("port");
  const auto number = port == webhook->end() ? std::nullopt : json_unsigned(*port);
  if (!number || *number == 0 || *number > 65535) return {};
  asked.webhook = WebhookAddress{text_at(*webhook, "host"), text_at(*webhook, "prefix"),
                                 static_cast<std::uint16_t>(*number)};
  return asked;
}

class ProviderRoutes {
 public:
  ProviderRoutes(ThreadContext& thread, ProviderBooks& books)
      : io_(thread.io),
        switches_(thread.switches),
        books_(books),
        token_(provider_token(thread.config)),
        auditor_(thread.config.admin_token),
        courier_(std::make_shared<WebhookCourier>(thread.io, thread.config, thread.switches,
                                                  thread.metrics, thread.stop)) {}

  Task<HttpResponse> charge(const HttpRequest& request) {
    if (!is_customer(request)) co_return stranger(request);
    auto asked = read_charge(request.body);
    if (!asked) {
      No no;
      no.refusal = Refusal::malformed;
      co_return problem(no, request);
    }
    asked->charge.trace_id = request.trace_id;
    const auto config = switches_.payment();
    const Charge& charge = asked->charge;
    const auto answer = provider_answer(*config, charge.order, charge.payment_key);
    const bool fresh = !books_.find(charge.payment_key);
    const auto entry = books_.enter(charge.payment_key, {.order = charge.order,
                                                         .amount = charge.amount,
                                                         .delay_ms = answer.delay_ms,
                                                         .asked = Clock::now(),
                                                         .approved = answer.approved,
                                                         .fail_code = answer.fail_code});
    if (asked->webhook) {
      if (fresh) send_webhooks(*config, charge, answer, *asked->webhook, *courier_);
      co_return json_response(202, R"({"status":"IN_PROGRESS"})");
    }
    Wait wait(io_, answer.told ? entry.asked + Millis(entry.delay_ms) : request.deadline);
    co_await wait.done();
    if (!answer.told) co_return json_response(504, R"({"status":"IN_PROGRESS"})");
    co_return told(charge.payment_key, entry);
  }

  // The whole books, a line for each charge: for the auditor, not for customers.
  Task<HttpResponse> books(const HttpRequest& request) {
    if (!is_auditor(request)) co_return stranger(request);
    std::string lines;
    books_.for_each([&lines](const std::string& key, const ProviderBooks::Entry& entry) {
      lines += json_of(key, entry) + '\n';
    });
    HttpResponse response = json_response(200, std::move(lines));
    response.content_type = "application/x-ndjson";
    co_return response;
  }

  Task<HttpResponse> look_up(const HttpRequest& request) {
    if (!is_customer(request)) co_return stranger(request);
    const std::string key(request.path_parameters.at(0));
    const auto entry = books_.find(key);
    if (!entry) co_return unknown(request);
    co_return told(key, *entry);
  }

  // What `PUT /admin/payment` of its customer hands on.
  Task<HttpResponse> configure(const HttpRequest& request) {
    if (!is_customer(request)) co_return stranger(request);
    const auto body = read_json_object(request.body);
    if (!body) co_return problem(body.error(), request);
    nlohmann::json wanted = body->members;
    // The provider's trace is a file that its own command line named.
    if (wanted.value("delay", nlohmann::json()) == "trace") wanted.erase("delay");
    std::vector<std::string> problems;
    PaymentConfig payment = read_payment(wanted, *switches_.payment(), problems);
    if (!problems.empty()) co_return invalid(problems, request);
    switches_.set_payment(std::move(payment));
    co_return answer(to_json(*switches_.payment()));
  }

  Task<HttpResponse> cancel(const HttpRequest& request) {
    if (!is_customer(request)) co_return stranger(request);
    const std::string key(request.path_parameters.at(0));
    const auto entry = books_.find(key);
    if (!entry) co_return unknown(request);
    const bool hard = refund_is_hard(*switches_.payment(), entry->order);
    if (!books_.cancel(key, hard ? refund_refusals : 0)) {
      No no;
      no.refusal = Refusal::dependency_down;
      no.detail = "the bank does not take it back now";
      no.retry_after_ms = 1000;
      co_return problem(no, request);
    }
    co_return told(key, books_.find(key).value_or(*entry));
  }

 private:
  static bool bears(const HttpRequest& request, std::string_view secret) {
    const std::string_view given = request.header("Authorization");
    constexpr std::string_view scheme = "Bearer ";
    return given.starts_with(scheme) && equal_secret(given.substr(scheme.size()), secret);
  }
  bool is_customer(const HttpRequest& request) const { return bears(request, token_); }
  bool is_auditor(const HttpRequest& request) const {
    return auditor_.size() >= admin_token_bytes_min && bears(request, auditor_);
  }
  static HttpResponse stranger(const HttpRequest& request) {
    No no;
    no.refusal = Refusal::bad_token;
    return problem(no, request);
  }
  static HttpResponse unknown(const HttpRequest& request) {
    No no;
    no.refusal = Refusal::not_found;
    return problem(no, request);
  }
  static HttpResponse told(const std::string& key, const ProviderBooks::Entry& entry) {
    return json_response(200, json_of(key, entry));
  }
  static std::string json_of(const std::string& key, const ProviderBooks::Entry& entry) {
    const bool decided = entry.decided(Clock::now());
    const char* state = "IN_PROGRESS";
    if (decided) state = entry.approved ? "DONE" : "ABORTED";
    if (entry.canceled) state = "CANCELED";
    const bool aborted = decided && !entry.approved;
    return nlohmann::json{{"paymentKey", key},
                          {"orderId", std::to_string(entry.order)},
                          {"status", state},
                          {"totalAmount", entry.amount},
                          {"failCode", aborted ? nlohmann::json(entry.fail_code) : nullptr},
                          {"delayMs", entry.delay_ms}}
        .dump();
  }

  asio::io_context& io_;
  Switches& switches_;
  ProviderBooks& books_;
  const std::string token_, auditor_;
  std::shared_ptr<WebhookCourier> courier_;
};

}  // namespace

std::shared_ptr<void> add_provider_routes(ThreadContext& thread, ProviderBooks& books,
                                          RouteTable& table) {
  const auto routes = std::make_shared<ProviderRoutes>(thread, books);
  ProviderRoutes* const to = routes.get();
  table.routes.push_back({.method = "POST",
                          .pattern = "/v1/payments",
                          .role = "pg",
                          .auth = Auth::none,
                          .handle = [to](const HttpRequest& r) { return to->charge(r); },
                          .time_limit = charge_time_limit});
  table.routes.push_back({.method = "GET",
                          .pattern = "/v1/payments",
                          .role = "pg",
                          .auth = Auth::none,
                          .handle = [to](const HttpRequest& r) { return to->books(r); }});
  table.routes.push_back({.method = "GET",
                          .pattern = "/v1/payments/{key}",
                          .role = "pg",
                          .auth = Auth::none,
                          .handle = [to](const HttpRequest& r) { return to->look_up(r); }});
  table.routes.push_back({.method = "POST",
                          .pattern = "/v1/payments/{key}/cancel",
                          .role = "pg",
                          .auth = Auth::none,
                          .handle = [to](const HttpRequest& r) { return to->cancel(r); }});
  table.routes.push_back({.method = "PUT",
                          .pattern = "/v1/settings",
                          .role = "pg",
                          .auth = Auth::none,
                          .handle = [to](const HttpRequest& r) { return to->configure(r); }});
  return routes;
}

}  // namespace boxoffice
