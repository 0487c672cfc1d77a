#include "target/service/catalogue.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <map>
#include <optional>
#include <tuple>

#include "target/domain/unavailable.hpp"

namespace boxoffice {

namespace {

constexpr auto event_cache_age_max = std::chrono::milliseconds(500);
// While the store is down: lists may be a little old; the facts of an event, which seldom change
// and without which Redis could serve nobody, much longer.
constexpr auto stale_page_age_max = std::chrono::seconds(30);
constexpr auto stale_event_age_max = std::chrono::minutes(30);
constexpr auto retry_after = std::chrono::milliseconds(500);
constexpr auto for_ever = std::chrono::hours(24);
constexpr std::size_t slots_max = 4096;  // per kind

// Values of a store by key, fetched by one and shared by all who ask meanwhile.
template <class Key, class Value>
class FreshCache {
 public:
  FreshCache(std::chrono::nanoseconds age_max, std::chrono::nanoseconds stale_age_max)
      : age_max_(age_max), stale_age_max_(stale_age_max) {}

  Task<Value> get(Key key, std::function<Task<Value>()> fetch) {
    while (true) {
      std::shared_ptr<Slot> slot = slot_of(key);
      const TimePoint now = Clock::now();
      if (slot->value && !slot->forgotten && now - slot->fetched < age_max_) co_return *slot->value;
      if (slot->failed && now - *slot->failed < retry_after) co_return stale(*slot, now);
      if (slot->flight == nullptr) co_return co_await lead(slot, std::move(fetch));
      // Subtle: the leader may be cancelled; then the first who wakes leads.
      const auto flight = slot->flight;
      boost::system::error_code woken;
      co_await flight->async_wait(asio::redirect_error(use_task, woken));
    }
  }

  void forget(const Key& key) {
    const auto found = slots_.find(key);
    if (found == slots_.end()) return;
    found->second->forgotten = true;
    ++found->second->generation;
  }

 private:
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  struct Slot {
    std::optional<Value> value;
    TimePoint fetched;
    std::optional<TimePoint> failed;  // of the last attempt
    std::string failure;
    bool forgotten = false;
    std::uint64_t generation = 0;
    std::shared_ptr<Timer> flight;  // set while somebody asks the store; cancelled to wake the rest
  };

  std::shared_ptr<Slot> slot_of(const Key& key) {
    if (const auto found = slots_.find(key); found != slots_.end()) return found->second;
    // Those who hold a slot keep it; only the memory of it goes.
    if (slots_.size() >= slots_max) slots_.clear();
    return slots_.emplace(key, std::make_shared<Slot>()).first->second;
  }

  Value stale(const Slot& slot, TimePoint now) const {
    if (slot.value && now - slot.fetched < stale_age_max_) return *slot.value;
    throw StoreUnavailable("mysql", slot.failure);
  }

  Task<Value> lead(std::shared_ptr<Slot> slot, std::function<Task<Value>()> fetch) {
    slot->flight = std::make_shared<Timer>(co_await asio::this_coro::executor, for_ever);
    struct Landing {
      Slot* slot;
      ~Landing() {
        slot->flight->cancel();
        slot->flight = nullptr;
      }
    } landing{slot.get()};
    const std::uint64_t generation = slot->generation;
    const TimePoint begun = Clock::now();
    try {
      Value value = co_await fetch();
      slot->value = std::move(value);
      slot->fetched = begun;
      slot->failed.reset();
      slot->forgotten = slot->generation != generation;  // forgotten again while it was fetched
    } catch (const StoreUnavailable& down) {
      slot->failed = Clock::now();
      slot->failure = down.what();
      co_return stale(*slot, *slot->failed);
    }
    co_return *slot->value;
  }

  const std::chrono::nanoseconds age_max_, stale_age_max_;
  std::map<Key, std::shared_ptr<Slot>> slots_;
};

using PageKey = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t>;
using SeatRows = std::shared_ptr<const std::vector<SeatRow>>;

Task<SeatRows> fetch_seats(EventStore* store, std::uint64_t event) {
  auto rows = co_await store->seats(event);
  co_return std::make_shared<const std::vector<SeatRow>>(std::move(rows));
}

}  // namespace

struct Catalogue::State {
  EventStore& store;
  FreshCache<std::uint64_t, EventPtr> events{event_cache_age_max, stale_event_age_max};
  FreshCache<PageKey, EventPage> pages{event_cache_age_max, stale_page_age_max};
  FreshCache<std::uint64_t, SeatRows> layouts{for_ever, for_ever};
};

Catalogue::Catalogue(EventStore& store) : state_(new State{store}) {}
Catalogue::~Catalogue() = default;

Task<Decision<EventPtr>> Catalogue::event(std::uint64_t event) {
  EventPtr found = co_await state_->events.get(
      event, [store = &state_->store, event] { return store->find(event); });
  if (found != nullptr) co_return found;
  No no;
  no.refusal = Refusal::not_found;
  no.detail = "no such event";
  co_return no;
}

void Catalogue::forget(std::uint64_t event) { state_->events.forget(event); }

Task<EventPage> Catalogue::page(std::string status, std::string mode, std::uint32_t page,
                                std::uint32_t size) {
  PageKey key{status, mode, page, size};
  co_return co_await state_->pages.get(std::move(key),
                                       [store = &state_->store, status, mode, page, size] {
                                         return store->page(status, mode, page, size);
                                       });
}

Task<std::shared_ptr<const std::vector<SeatRow>>> Catalogue::seats(EventPtr event) {
  const std::uint64_t id = event->id;
  co_return co_await state_->layouts.get(
      id, [store = &state_->store, id] { return fetch_seats(store, id); });
}

}  // namespace boxoffice
