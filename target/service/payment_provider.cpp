#include "target/service/payment_provider.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace boxoffice {

namespace {

// One salt per question, so that the answers are independent of each other.
enum Salt : std::uint64_t {
  outcome,
  code,
  delay,
  delay_second,
  telling,
  duplicate,
  reorder,
  lost,
  late,
  forged,
  refund
};

constexpr char test_separator = '~';
constexpr double delay_ms_max = 600'000;

double unit(const PaymentConfig& config, std::uint64_t order, Salt salt) noexcept {
  return static_cast<double>(hash64(config.seed, order, salt) >> 11U) * 0x1.0p-53;
}

struct FailCode {
  std::string_view name;
  double upto;  // cumulative share
};
constexpr std::array<FailCode, 4> fail_codes{{{"REJECT_CARD_COMPANY", 0.60},
                                              {"EXCEED_MAX_AMOUNT", 0.80},
                                              {"INVALID_CARD", 0.95},
                                              {"PG_INTERNAL", 1.00}}};

std::string_view fail_code_of(double share) noexcept {
  for (const FailCode& row : fail_codes) {
    if (share < row.upto) return row.name;
  }
  return fail_codes.back().name;
}

double delay_of(const PaymentConfig& config, std::uint64_t order) {
  const double a = config.delay_a_ms, b = config.delay_b_ms;
  const double u = unit(config, order, delay);
  if (config.delay == "fixed") return a;
  if (config.delay == "bimodal") return u < config.delay_slow_share ? b : a;
  if (config.delay == "trace" && config.delay_trace != nullptr) {
    const auto& trace = *config.delay_trace;
    return trace[static_cast<std::size_t>(u * static_cast<double>(trace.size()))];
  }
  if (config.delay != "lognormal") return a + (b - a) * u;
  if (a <= 0 || b <= a) return a;
  // Box and Muller; 2.3263… is the normal distribution's 99th percentile.
  const double sigma = std::log(b / a) / 2.3263478740408408;
  const double v = unit(config, order, delay_second);
  const double normal =
      std::sqrt(-2 * std::log(std::max(u, 1e-15))) * std::cos(2 * std::numbers::pi * v);
  return a * std::exp(sigma * normal);
}

}  // namespace

std::uint64_t hash64(std::uint64_t seed, std::uint64_t value, std::uint64_t salt) noexcept {
  std::uint64_t mixed = 0;
  for (const std::uint64_t word : {seed, value, salt}) {
    mixed += word + 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    mixed ^= mixed >> 31U;
  }
  return mixed;
}

ProviderAnswer provider_answer(const PaymentConfig& config, std::uint64_t order,
                               std::string_view payment_key) {
  ProviderAnswer answer;
  answer.approved =
      static_cast<double>(hash64(config.seed, order, outcome) % 10000) < config.approve * 10000;
  answer.delay_ms =
      static_cast<std::int64_t>(std::clamp(delay_of(config, order), 0.0, delay_ms_max));
  answer.told = unit(config, order, telling) >= config.timeout;
  if (!answer.approved) answer.fail_code = fail_code_of(unit(config, order, code));

  const auto separator = payment_key.find(test_separator);
  if (separator == std::string_view::npos) return answer;
  const std::string_view wanted = payment_key.substr(separator + 1);
  answer.approved = wanted == "APPROVE" || wanted == "TIMEOUT";
  answer.told = wanted != "TIMEOUT";
  answer.fail_code = answer.approved ? "" : std::string(wanted);
  return answer;
}

WebhookMishaps webhook_mishaps(const PaymentConfig& config, std::uint64_t order) {
  WebhookMishaps mishaps;
  mishaps.duplicate = unit(config, order, duplicate) < config.webhook_duplicate;
  mishaps.reordered = unit(config, order, reorder) < config.webhook_reorder;
  mishaps.lost = unit(config, order, lost) < config.webhook_lost;
  mishaps.late = unit(config, order, late) < config.webhook_late;
  mishaps.forged = unit(config, order, forged) < config.webhook_forged;
  return mishaps;
}

bool refund_is_hard(const PaymentConfig& config, std::uint64_t order) {
  return unit(config, order, refund) < config.refund_fail;
}

std::string test_payment_key(std::string_view key, std::string_view test_code) {
  std::string made(key);
  made += test_separator;
  for (const char c : test_code.substr(0, 40)) {
    const bool fine = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    made += fine ? c : '_';
  }
  return made;
}

bool is_client_payment_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= 64 && std::ranges::all_of(key, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

}  // namespace boxoffice
