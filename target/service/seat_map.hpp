// The seat map as readers see it. One per I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "target/domain/event.hpp"
#include "target/domain/refusal.hpp"
#include "target/domain/task.hpp"
#include "target/service/seat_holds.hpp"

namespace boxoffice {

struct SeatView {
  std::shared_ptr<const SeatStates> states;
  bool stale = false;  // Redis is not reachable; this is a copy at most 5 s old
};

// 0 free, 1 held or pending, 2 sold, 3 locked. A seat past the bitmap's end is free.
std::uint8_t seat_state(std::string_view bitmap, std::uint32_t seat) noexcept;
// A seat past the bitmap's end is passed over.
void set_seat_state(std::string& bitmap, std::uint32_t seat, std::uint8_t state);
std::uint32_t seats_free(std::string_view bitmap, std::uint32_t seats) noexcept;

class SeatMap {
 public:
  explicit SeatMap(SeatHolds& seats);
  ~SeatMap();
  // Reads now: an old map makes conflicts. Those who ask while one read is under way share it.
  // Throws StoreUnavailable when Redis is not reachable and no copy is young enough.
  Task<Decision<SeatView>> read(EventPtr event);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace boxoffice
