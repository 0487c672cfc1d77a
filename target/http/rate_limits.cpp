#include "target/http/rate_limits.hpp"

#include "target/http/json_body.hpp"
#include "target/log.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

// What a route costs besides the user's own bucket.
enum class Extra : std::uint8_t { none, hold, bid, login };

Extra extra_of(const Route& route) {
  if (route.method != "POST") return Extra::none;
  if (route.pattern == "/api/reservations") return Extra::hold;
  if (route.pattern == "/api/auctions/{id}/bids") return Extra::bid;
  if (route.pattern == "/api/auth/login") return Extra::login;
  return Extra::none;
}

// A login may be anything; its digest may not.
std::string login_key(std::string_view body) {
  const auto read = read_json_object(body);
  if (!read) return {};
  const auto login = read->members.find("login");
  if (login == read->members.end() || !login->is_string()) return {};
  // Logins are compared without regard to case, so that is no way around the limit.
  std::string name = login->get<std::string>();
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return sha256_hex(name).substr(0, 32);
}

class RateGate {
 public:
  explicit RateGate(ThreadContext& thread)
      : limits_(thread.config.rate_limits),
        metrics_(thread.metrics),
        shared_(make_rate_buckets(thread.redis)) {}

  // 429, or nothing and the figures for the answer.
  Task<std::optional<HttpResponse>> pass(const HttpRequest& request, Extra extra,
                                         RateVerdict& verdict) {
    std::vector<RateKey> keys = keys_of(request, extra);
    std::optional<HttpResponse> refusal;
    if (keys.empty()) co_return refusal;
    bool away = false;
    try {
      verdict = co_await shared_->take(keys);
    } catch (const StoreUnavailable&) {
      away = true;
    }
    if (away) {
      metrics_.count("rate_limit_local");
      verdict = local_.take(keys, Clock::now());
    }
    if (verdict.retry_after_ms == 0) co_return refusal;
    metrics_.count("rate_limited", "route", request.route);
    No no;
    no.refusal = Refusal::rate_limited;
    no.retry_after_ms = verdict.retry_after_ms;
    refusal = problem(no, request);
    tell(verdict, *refusal);
    co_return refusal;
  }

  static void tell(const RateVerdict& verdict, HttpResponse& response) {
    if (verdict.limit == 0) return;
    auto& headers = response.headers;
    headers.emplace_back("RateLimit-Limit", std::to_string(verdict.limit));
    headers.emplace_back("RateLimit-Remaining", std::to_string(verdict.left));
    headers.emplace_back("RateLimit-Reset", std::to_string((verdict.full_after_ms + 999) / 1000));
  }

 private:
  std::vector<RateKey> keys_of(const HttpRequest& request, Extra extra) const {
    std::vector<RateKey> keys;
    if (request.caller) {
      const std::string user = std::to_string(request.caller->user);
      keys.push_back({"u:" + user, limits_.user});
      if (extra == Extra::hold) keys.push_back({"h:" + user, limits_.hold});
      if (extra == Extra::bid) keys.push_back({"b:" + user, limits_.bid});
      return keys;
    }
    if (!request.peer.empty()) keys.push_back({"a:" + request.peer, limits_.address});
    if (extra == Extra::login) {
      if (std::string login = login_key(request.body); !login.empty()) {
        keys.push_back({"l:" + login, limits_.login});
      }
    }
    return keys;
  }

  const RateLimits limits_;
  Metrics& metrics_;
  std::unique_ptr<RateBuckets> shared_;
  LocalBuckets local_;
};

using Handler = std::function<Task<HttpResponse>(const HttpRequest&)>;

Task<HttpResponse> handle_limited(RateGate& gate, const Handler& handle, Extra extra,
                                  const HttpRequest& request) {
  RateVerdict verdict;
  if (auto refusal = co_await gate.pass(request, extra, verdict)) co_return std::move(*refusal);
  HttpResponse response = co_await handle(request);
  RateGate::tell(verdict, response);
  co_return response;
}

}  // namespace

std::shared_ptr<void> limit_rates(ThreadContext& thread, RouteTable& table) {
  if (!thread.config.rate_limits.on) return nullptr;
  const auto gate = std::make_shared<RateGate>(thread);
  for (Route& route : table.routes) {
    if (route.admin || !route.pattern.starts_with("/api/")) continue;
    route.handle = [at = gate.get(), handle = std::make_shared<const Handler>(route.handle),
                    extra = extra_of(route)](const HttpRequest& request) {
      return handle_limited(*at, *handle, extra, request);
    };
  }
  return gate;
}

}  // namespace boxoffice
