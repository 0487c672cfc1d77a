// Routes of payments, and the receiver of the provider's webhooks. In webhook mode the provider's
// side of it, too: a courier that posts to this very server over real sockets.
#include "target/faults.hpp"
#include "target/http/json_body.hpp"
#include "target/http/order_side.hpp"
#include "target/http/webhook_courier.hpp"
#include "target/parts.hpp"
#include "target/service/payments.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr Millis payment_time_limit{25000};
constexpr std::size_t webhook_id_bytes_max = 64;

std::int64_t wall_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(wall_clock().time_since_epoch()).count();
}

std::optional<std::uint64_t> number_at(const nlohmann::json& body, const char* name) {
  const auto value = body.find(name);
  return value == body.end() ? std::nullopt : json_unsigned(*value);
}

std::string text_at(const nlohmann::json& body, const char* name, std::string otherwise) {
  const auto value = body.find(name);
  if (value == body.end()) return otherwise;
  return value->is_string() ? value->get<std::string>() : std::string();
}

// Authorise and confirm differ in who chose the payment key.
Decision<AuthoriseRequest> read_authorise(const HttpRequest& request, bool confirm, bool lab,
                                          const Switches& switches) {
  const auto read = read_json_object(request.body);
  if (!read) return read.error();
  const nlohmann::json& body = read->members;
  AuthoriseRequest wanted;
  wanted.user = request.caller->user;
  wanted.trace_id = request.trace_id;
  wanted.key = idempotency_key(request, "payments", request.body, switches);
  const auto order = number_at(body, "orderId");
  if (!order) return refused(Refusal::validation_failed, "orderId is needed");
  wanted.order = *order;
  wanted.amount = number_at(body, "amount");
  if (!wanted.amount && (confirm || body.contains("amount"))) {
    return refused(Refusal::validation_failed, "amount must be a number");
  }
  wanted.method = text_at(body, "method", "CARD");
  if (wanted.method != "CARD" && wanted.method != "TRANSFER" && wanted.method != "EASY") {
    return refused(Refusal::validation_failed, "method must be CARD, TRANSFER or EASY");
  }
  if (confirm) {
    wanted.payment_key = text_at(body, "paymentKey", "");
    if (!is_client_payment_key(wanted.payment_key)) {
      return refused(Refusal::validation_failed, "paymentKey must be 1 to 64 of A-Z a-z 0-9 _ -");
    }
  }
  if (lab) wanted.test_code = request.header("Pg-Test-Code");
  return wanted;
}

class PaymentRoutes {
 public:
  explicit PaymentRoutes(ThreadContext& thread)
      : config_(thread.config),
        metrics_(thread.metrics),
        switches_(thread.switches),
        side_(thread),
        store_(make_payment_store(thread.mysql, thread.metrics, thread.switches)),
        courier_(std::make_shared<WebhookCourier>(thread.io, thread.config, thread.switches,
                                                  thread.metrics, thread.stop)),
        gateway_(make_payment_gateway(thread.io, thread.config, thread.switches, courier_.get(),
                                      thread.breakers)),
        desk_({.io = thread.io,
               .store = *store_,
               .settler = *side_.settler,
               .switches = thread.switches,
               .metrics = thread.metrics,
               .gateway = *gateway_,
               .ids = OrderIds(thread.config.node, thread.thread)}) {}

  Task<HttpResponse> authorise(const HttpRequest& request, bool confirm) {
    auto wanted = read_authorise(request, confirm, config_.lab, switches_);
    if (!wanted) co_return problem(wanted.error(), request);
    const auto answer = co_await desk_.authorise(std::move(*wanted));
    if (!answer) co_return problem(answer.error(), request);
    HttpResponse response = json_response(answer->status, answer->body);
    if (answer->replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
    co_return response;
  }

  Task<HttpResponse> webhook(const HttpRequest& request) {
    const WebhookHeaders headers{request.header("Webhook-Id"), request.header("Webhook-Timestamp"),
                                 request.header("Webhook-Signature")};
    const bool genuine = webhook_is_genuine(headers, request.body, config_.webhook_secret,
                                            config_.webhook_secret_old, wall_seconds());
    if (!genuine && !switches_.webhook_unsigned) {
      metrics_.count("webhook", "result", "REFUSED");
      co_return problem(refused(Refusal::bad_token, "the signature or its time is not good"),
                        request);
    }
    if (headers.id.empty() || headers.id.size() > webhook_id_bytes_max) {
      co_return problem(refused(Refusal::malformed, "Webhook-Id has 1 to 64 characters"), request);
    }
    const auto result = co_await desk_.webhook(std::string(headers.id), std::string(request.body));
    metrics_.count("webhook", "result", result ? *result : "MALFORMED");
    if (!result) co_return problem(result.error(), request);
    co_return json_response(200, R"({"result":")" + *result + R"("})");
  }

 private:
  const Config& config_;
  Metrics& metrics_;
  const Switches& switches_;
  OrderSide side_;
  std::unique_ptr<PaymentStore> store_;
  std::shared_ptr<WebhookCourier> courier_;
  std::unique_ptr<PaymentGateway> gateway_;
  PaymentDesk desk_;
};

}  // namespace

std::shared_ptr<void> add_payment_routes(ThreadContext& thread, RouteTable& table) {
  const auto routes = std::make_shared<PaymentRoutes>(thread);
  PaymentRoutes* const to = routes.get();
  table.routes.push_back({.method = "POST",
                          .pattern = "/api/payments/authorize",
                          .role = "payment",
                          .idempotency_required = true,
                          .handle = [to](const HttpRequest& r) { return to->authorise(r, false); },
                          .time_limit = payment_time_limit});
  table.routes.push_back({.method = "POST",
                          .pattern = "/api/payments/confirm",
                          .role = "payment",
                          .handle = [to](const HttpRequest& r) { return to->authorise(r, true); },
                          .time_limit = payment_time_limit});
  table.routes.push_back({.method = "POST",
                          .pattern = "/webhooks/payments",
                          .role = "payment",
                          .auth = Auth::none,
                          .handle = [to](const HttpRequest& r) { return to->webhook(r); }});
  return routes;
}

}  // namespace boxoffice
