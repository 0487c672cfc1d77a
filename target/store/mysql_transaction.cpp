#include "target/store/mysql_transaction.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <random>

namespace boxoffice {

Rows rows_or_throw(SqlResult<Rows> rows) {
  if (!rows) throw_sql_error(rows.error());
  return std::move(*rows);
}

Millis retry_jitter(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> spread(1, 10 * attempt);
  return Millis(spread(random));
}

Task<void> pause_for(Millis time) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(
      co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::as_tuple(use_task));
}

}  // namespace boxoffice
