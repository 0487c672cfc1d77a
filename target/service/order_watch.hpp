// Those on this thread who wait for an order to leave PAYMENT_PENDING. Woken by the process's
// signal, and by one look into the database for all of them together: the change may happen
// elsewhere.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <unordered_map>

#include "target/service/order_signals.hpp"
#include "target/service/order_store.hpp"

namespace boxoffice {

inline constexpr Millis watch_period{300};
inline constexpr std::size_t watchers_max = 20000;

class OrderWatch : public std::enable_shared_from_this<OrderWatch> {
 public:
  OrderWatch(asio::io_context& io, OrderStore& store, OrderSignals& signals, std::stop_token stop);

  // Enter before reading the order: a change after the read then ends the wait.
  class Place {
   public:
    Place(std::shared_ptr<OrderWatch> watch, std::uint64_t order, TimePoint until);
    ~Place();
    Place(Place&&) = delete;
    Task<void> changed() { return wait_.done(); }

   private:
    std::shared_ptr<OrderWatch> watch_;
    Wait wait_;
    OrderSignals::Subscription subscription_;
    std::unordered_multimap<std::uint64_t, Wait>::iterator at_;
  };
  [[nodiscard]] bool full() const noexcept { return waiting_.size() >= watchers_max; }
  [[nodiscard]] std::uint64_t looks() const noexcept { return looks_; }  // into the database

 private:
  void enter();
  static Task<void> look_now_and_then(std::shared_ptr<OrderWatch> self);
  Task<void> look();
  void wake_all();

  asio::io_context& io_;
  OrderStore& store_;
  OrderSignals& signals_;
  std::stop_token stop_;
  std::unordered_multimap<std::uint64_t, Wait> waiting_;
  bool looking_ = false;
  std::uint64_t looks_ = 0;
};

}  // namespace boxoffice
