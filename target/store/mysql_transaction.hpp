// One transaction, tried again when the server chose it as a deadlock's victim or a lock did not
// come free. Private to the stores.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "target/metrics.hpp"
#include "target/store/mysql.hpp"

namespace boxoffice {

inline constexpr std::chrono::seconds transaction_time_max{8};
inline constexpr int transaction_tries_max = 3;

// How the work of a transaction ended: with a value to commit, or one to roll back.
template <class T>
struct Finished {
  T value{};
  bool commit = true;
};
template <class T>
Finished<T> committed(T value) {
  return {std::move(value), true};
}
template <class T>
Finished<T> rolled_back(T value) {
  return {std::move(value), false};
}

Millis retry_jitter(int attempt);  // random, growing

// Records mysql_tx_seconds{name} over everything, retries included.
class TransactionTimer {
 public:
  TransactionTimer(Metrics& metrics, std::string_view name) : metrics_(metrics), name_(name) {}
  ~TransactionTimer() { metrics_.mysql_tx(name_, Clock::now() - begun_); }
  TransactionTimer(TransactionTimer&&) = delete;

 private:
  Metrics& metrics_;
  std::string_view name_;
  TimePoint begun_ = Clock::now();
};

struct TransactionPlace {
  MysqlPool& pool;
  Metrics& metrics;
};

Rows rows_or_throw(SqlResult<Rows> rows);

Task<void> pause_for(Millis time);

// `work` is called with the connection and gives Task<SqlResult<Finished<T>>>; it must be an object
// that outlives the await, and may run several times. An error that stays is the value.
template <class T, class Work>
Task<SqlResult<T>> transact(TransactionPlace place, std::string_view name, Work& work) {
  const TransactionTimer timer(place.metrics, name);
  auto lease =
      co_await place.pool.acquire(Clock::now() + transaction_time_max, MysqlPool::Use::transaction);
  for (int attempt = 1;; ++attempt) {
    co_await lease->begin();
    SqlResult<Finished<T>> finished = co_await work(*lease);
    if (finished && finished->commit) {
      co_await lease->commit();
      co_return SqlResult<T>(boost::system::in_place_value, std::move(finished->value));
    }
    co_await lease->rollback();
    if (finished) co_return SqlResult<T>(boost::system::in_place_value, std::move(finished->value));
    if (!finished.error().retryable() || attempt >= transaction_tries_max) {
      co_return finished.error();
    }
    co_await pause_for(retry_jitter(attempt));
  }
}

}  // namespace boxoffice
