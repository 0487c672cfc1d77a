// Wakes those who wait for an order to change, or for the outbox to have something. A hint only:
// who waits also looks for himself now and then, because the change may happen in another process.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "target/domain/task.hpp"

namespace boxoffice {

// One wait at a time. Once woken it stays woken: a wake-up between two looks is not lost.
class Wait {
 public:
  Wait(asio::io_context& context, TimePoint until);
  Task<void> done();      // woken, or the time is over
  void wake();            // on its own thread
  void wake_from_afar();  // on any thread
  [[nodiscard]] bool over() const noexcept;
  void rearm(TimePoint until);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// One per process; any thread may call any function.
class OrderSignals {
 public:
  static constexpr std::uint64_t outbox = 0;  // the topic of the relay; no order has this id

  void changed(std::uint64_t topic);

  // Registered from here until it is destroyed.
  class Subscription {
   public:
    Subscription(OrderSignals& signals, std::uint64_t topic, Wait wait);
    ~Subscription();
    Subscription(Subscription&&) = delete;

   private:
    OrderSignals& signals_;
    std::uint64_t topic_;
    std::uint64_t number_;
  };

 private:
  struct Entry {
    std::uint64_t number;
    Wait wait;
  };
  std::mutex mutex_;
  std::uint64_t next_number_ = 1;
  std::unordered_multimap<std::uint64_t, Entry> entries_;
};

}  // namespace boxoffice
