#include "target/service/password_pool.hpp"

#include "target/service/password.hpp"

namespace boxoffice {

PasswordPool::PasswordPool(std::uint32_t threads, std::uint32_t waiting_max,
                           std::uint32_t cost_log2)
    : waiting_max_(waiting_max),
      cost_log2_(cost_log2),
      decoy_(decoy_hash(cost_log2)),
      threads_(threads) {}

PasswordPool::~PasswordPool() {
  threads_.stop();
  threads_.join();
}

// Subtle: the caller's coroutine goes on on its own thread; the pool's thread touches nothing of it
// but the slot, which lives until then.
template <class Value, class Work>
Task<std::optional<Value>> PasswordPool::run(Work work) {
  if (waiting_.fetch_add(1) >= waiting_max_) {
    waiting_.fetch_sub(1);
    shed_.fetch_add(1);
    co_return std::nullopt;
  }
  struct Slot {
    std::optional<Value> value;
    std::exception_ptr failure;
  };
  auto slot = std::make_shared<Slot>();
  auto initiate = [this, slot, &work](auto handler) {
    auto home = asio::get_associated_executor(handler);
    auto guard = asio::make_work_guard(home);
    asio::post(threads_, [this, slot, work = std::move(work), guard = std::move(guard), home,
                          handler = std::move(handler)]() mutable {
      try {
        slot->value = work();
      } catch (...) {
        slot->failure = std::current_exception();
      }
      waiting_.fetch_sub(1);
      asio::post(home, std::move(handler));
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(initiate, use_task);
  if (slot->failure) std::rethrow_exception(slot->failure);
  co_return std::move(slot->value);
}

Task<std::optional<std::string>> PasswordPool::hash(std::string password) {
  auto work = [password = std::move(password), cost = cost_log2_] {
    return hash_password(password, cost);
  };
  co_return co_await run<std::string>(std::move(work));
}

Task<std::optional<bool>> PasswordPool::verify(std::string password, std::string stored) {
  const bool ours = is_password_hash(stored);
  if (!ours) stored = decoy_;
  auto work = [password = std::move(password), stored = std::move(stored), ours] {
    return verify_password(password, stored) && ours;
  };
  co_return co_await run<bool>(std::move(work));
}

}  // namespace boxoffice
