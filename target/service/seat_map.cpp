#include "target/service/seat_map.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <optional>
#include <utility>

#include "target/domain/unavailable.hpp"

namespace boxoffice {

namespace {

constexpr auto stale_age_max = std::chrono::seconds(5);
constexpr auto for_ever = std::chrono::hours(24);
constexpr std::size_t copies_max = 1000;

using Key = std::pair<std::uint64_t, std::uint32_t>;  // event, epoch
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
using States = std::shared_ptr<const SeatStates>;

// One read under way. Those who share it wait on the timer, which is cancelled at its end; neither
// a result nor a failure means that the reader was cancelled.
struct Flight {
  explicit Flight(Executor executor) : ended(executor, for_ever) {}
  Timer ended;
  std::optional<Decision<States>> result;
  std::optional<StoreUnavailable> failure;
};
struct Copy {
  States states;
  TimePoint read;
};

}  // namespace

struct SeatMap::State {
  SeatHolds& seats;
  std::map<Key, std::shared_ptr<Flight>> flights;
  std::map<Key, Copy> copies;

  void keep(const Key& key, States states) {
    if (copies.size() >= copies_max) copies.clear();
    copies[key] = {std::move(states), Clock::now()};
  }

  SeatView stale(const Key& key, const StoreUnavailable& failure) const {
    const auto copy = copies.find(key);
    if (copy == copies.end() || Clock::now() - copy->second.read > stale_age_max) throw failure;
    return {copy->second.states, true};
  }

  Task<void> fly(Key key, EventPtr event, std::shared_ptr<Flight> flight);
};

Task<void> SeatMap::State::fly(Key key, EventPtr event, std::shared_ptr<Flight> flight) {
  struct Landing {
    State* state;
    Key key;
    std::shared_ptr<Flight> flight;
    ~Landing() {
      flight->ended.cancel();
      state->flights.erase(key);
    }
  } landing{this, key, flight};
  flights[key] = flight;
  try {
    auto read = co_await seats.states(std::move(event));
    if (read.has_error()) {
      flight->result = read.error();
    } else {
      States states = std::make_shared<const SeatStates>(std::move(*read));
      keep(key, states);
      flight->result = std::move(states);
    }
  } catch (const StoreUnavailable& down) {
    flight->failure = down;
  }
}

SeatMap::SeatMap(SeatHolds& seats) : state_(new State{seats, {}, {}}) {}
SeatMap::~SeatMap() = default;

Task<Decision<SeatView>> SeatMap::read(EventPtr event) {
  const Key key{event->id, event->epoch};
  while (true) {
    std::shared_ptr<Flight> flight;
    if (const auto under_way = state_->flights.find(key); under_way != state_->flights.end()) {
      flight = under_way->second;
      boost::system::error_code woken;
      co_await flight->ended.async_wait(asio::redirect_error(use_task, woken));
    } else {
      flight = std::make_shared<Flight>(co_await asio::this_coro::executor);
      co_await state_->fly(key, event, flight);
    }
    if (flight->failure) co_return state_->stale(key, *flight->failure);
    if (!flight->result) continue;
    if (flight->result->has_error()) co_return flight->result->error();
    co_return SeatView{**flight->result, false};
  }
}

// Four seats to a byte, the first in the two highest bits.
std::uint8_t seat_state(std::string_view bitmap, std::uint32_t seat) noexcept {
  const std::size_t at = seat / 4;
  if (at >= bitmap.size()) return 0;
  const auto byte = static_cast<unsigned char>(bitmap[at]);
  return static_cast<std::uint8_t>((byte >> (6 - 2 * (seat % 4))) & 3U);
}

void set_seat_state(std::string& bitmap, std::uint32_t seat, std::uint8_t state) {
  const std::size_t byte = seat / 4;
  if (byte >= bitmap.size()) return;
  const unsigned shift = 6U - 2U * (seat % 4U);
  const auto old = static_cast<unsigned char>(bitmap[byte]);
  const unsigned kept = old & ~(3U << shift);
  bitmap[byte] = static_cast<char>(kept | (static_cast<unsigned>(state) << shift));
}

std::uint32_t seats_free(std::string_view bitmap, std::uint32_t seats) noexcept {
  std::uint32_t free = 0;
  for (std::uint32_t seat = 0; seat < seats; ++seat) free += seat_state(bitmap, seat) == 0 ? 1 : 0;
  return free;
}

}  // namespace boxoffice
