// The waiting room: enter, look, beat, leave; and what an admitted user is told.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "target/service/catalogue.hpp"
#include "target/service/entry_pass.hpp"
#include "target/service/queue_places.hpp"
#include "target/service/seat_rebuild.hpp"

namespace boxoffice {

// What one user is told. Waiting: position …; admitted: the entry token.
struct PlaceTold {
  Place place;
  std::int64_t eta_ms = 0, poll_after_ms = 0;  // waiting
  std::string queue_token;                     // waiting
  std::string entry_token;                     // admitted
};

// How long until this position is admitted, were the rate kept.
[[nodiscard]] std::int64_t eta_ms(const QueueSettings& queue, std::int64_t position) noexcept;
// When to ask again: soon where it matters, always often enough to be no ghost.
[[nodiscard]] std::int64_t poll_after_ms(const QueueSettings& queue, std::int64_t eta) noexcept;
// The sale is over for good: by its state or, by our clock, its end.
[[nodiscard]] bool sale_over(const EventInfo& event, std::int64_t now_ms) noexcept;

class WaitingRoom {
 public:
  WaitingRoom(asio::io_context& context, Catalogue& catalogue, QueuePlaces& places,
              SeatRebuild& rebuild, std::string pass_secret);

  // `queue_token` ("": none) brings a place back after Redis lost its data; otherwise it says
  // nothing, for whoever is still in keeps the place anyway and whoever left goes to the end.
  Task<Decision<PlaceTold>> enter(std::uint64_t event, std::uint64_t user, std::string queue_token);
  Task<Decision<PlaceTold>> look(std::uint64_t event, std::uint64_t user);  // also a heartbeat
  Task<Decision<bool>> leave(std::uint64_t event, std::uint64_t user, bool completed);

 private:
  [[nodiscard]] PlaceTold tell(const EventInfo& event, std::uint64_t user, Place place) const;
  Task<Decision<Place>> enter_once(EventPtr event, std::uint64_t user, const std::string& token);

  asio::io_context& context_;
  Catalogue& catalogue_;
  QueuePlaces& places_;
  SeatRebuild& rebuild_;
  PassSigner signer_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace boxoffice
