// The process's metrics (domain §2.14.1), on prometheus-cpp; thread-safe, cheap on the hot path.
// Names are those of the table, without a prefix.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boxoffice {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(Metrics&&) = delete;

  void http_request(std::string_view role, std::string_view route, int status,
                    std::string_view problem, std::chrono::nanoseconds took);
  void redis_script(std::string_view script, std::chrono::nanoseconds took);
  void mysql_tx(std::string_view name, std::chrono::nanoseconds took);
  void mysql_pool_wait(std::chrono::nanoseconds took);
  // saga_total{step,result}: hold, order, pay, confirm, settle, refund, expire; and of what is like
  // them. DONE; REFUSED (an expected no); COMPENSATED (undone); UNKNOWN (to be found out); FAILED
  // and what ends in DEFERRED (to be repeated); the rest says what it is.
  void saga(std::string_view step, std::string_view result);
  // hold_total{result} order_total{result} payment_total{result} repair_total{kind} …: `name`
  // without "_total".
  void count(std::string_view name, std::string_view label, std::string_view value, double by = 1);
  void count(std::string_view name, double by = 1);
  void gauge(std::string_view name, double value);
  void gauge(std::string_view name, std::string_view label, std::string_view value, double figure);
  void observe(std::string_view name, std::chrono::nanoseconds took);  // histogram <name>_seconds

  std::string exposition() const;  // Prometheus text 0.0.4
  // Of every metric there may be, whether it has samples or not.
  static std::vector<std::string_view> names();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One step of the saga while it runs. What is left by an exception has FAILED.
class SagaStep {
 public:
  SagaStep(Metrics& metrics, std::string_view step) : metrics_(metrics), step_(step) {}
  ~SagaStep() {
    if (!result_.empty()) metrics_.saga(step_, result_);
  }
  SagaStep(SagaStep&&) = delete;
  // Texts that live as long as the program. "": this was no step (a repetition, or another's).
  void ended(std::string_view result) noexcept { result_ = result; }

 private:
  Metrics& metrics_;
  std::string_view step_, result_ = "FAILED";
};

}  // namespace boxoffice
