// The changes of an event's seats in the order in which they happened, for those who look at the
// map live (domain §2.8.4). One reader per event serves all who look.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

// A place in the feed. `turn` is another one after every rebuild of the seats.
struct SeatPosition {
  std::string entry;  // id of the last entry read; empty: none yet
  std::string turn;
  std::uint64_t version = 0;
};
struct SeatNews {
  enum class Kind : std::uint8_t {
    rebuilding,  // nothing can be told now
    changes,     // what came after the position, maybe nothing
    map          // there is a gap (or no position): the whole map
  };
  Kind kind = Kind::rebuilding;
  SeatPosition position;  // after the news
  // Seat and its new state (0 free, 1 held, 2 sold, 3 locked), oldest first.
  std::vector<std::pair<std::uint32_t, std::uint8_t>> changes;
  std::int64_t oldest_ms = 0;  // when the first of the changes happened; Redis' clock
  std::string bitmap;          // of `map`: 2 bits a seat
  bool more = false;           // the limit was reached: ask again at once
};

inline constexpr std::size_t seat_news_entries_max = 2000;

class SeatFeed {
 public:
  virtual ~SeatFeed() = default;
  // One look, atomic; never waits for news. Throws StoreUnavailable("redis").
  virtual Task<SeatNews> read(EventPtr event, SeatPosition from) = 0;
  // What was known at `due` or later is enough: for those who all look at one moment, and some of
  // whom come to it late.
  virtual Task<SeatNews> read_as_of(EventPtr event, SeatPosition from, TimePoint /*due*/) {
    return read(std::move(event), std::move(from));
  }
};

}  // namespace boxoffice
