// What the payment provider of its own process remembers of its charges; used by all its threads.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "target/domain/task.hpp"

namespace boxoffice {

inline constexpr std::size_t provider_charges_max = 1'000'000;

class ProviderBooks {
 public:
  struct Entry {
    std::uint64_t order = 0, amount = 0;
    std::int64_t delay_ms = 0;
    TimePoint asked;
    bool approved = false, canceled = false;
    std::string fail_code;
    std::uint32_t refund_tries = 0;
    [[nodiscard]] bool decided(TimePoint now) const noexcept {
      return now >= asked + Millis(delay_ms);
    }
  };

  // The entry that counts: the first of its key.
  Entry enter(const std::string& key, Entry entry) {
    const std::lock_guard lock(mutex_);
    const auto [at, fresh] = entries_.emplace(key, std::move(entry));
    if (!fresh) return at->second;
    order_.push_back(key);
    Entry counted = at->second;
    if (order_.size() > provider_charges_max) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
    return counted;
  }
  std::optional<Entry> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(key);
    return at == entries_.end() ? std::nullopt : std::optional(at->second);
  }
  // Every charge that is still known, the oldest first.
  void for_each(const std::function<void(const std::string& key, const Entry&)>& tell) {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : order_) tell(key, entries_.at(key));
  }
  // One more try to give the money back: false while `refusals` are not used up.
  bool cancel(const std::string& key, std::uint32_t refusals) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(key);
    if (at == entries_.end()) return false;
    if (++at->second.refund_tries <= refusals) return false;
    at->second.canceled = true;
    return true;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::deque<std::string> order_;  // the oldest first
};

}  // namespace boxoffice
