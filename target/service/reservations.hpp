// Holding seats: the rules around SeatHolds (who may, how many, how long), and what to do when the
// event's keys in Redis are of a former life.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/service/catalogue.hpp"
#include "target/service/entry_pass.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_rebuild.hpp"

namespace boxoffice {

struct HoldRequest {
  std::uint64_t event = 0;
  std::vector<std::uint32_t> seats;
  std::optional<std::int64_t> hold_ms;  // as asked for; clamped to 2 s … the event's
  std::string hold_id;                  // chosen by the client; "": by us
  std::string entry_token;              // "": none came
};
struct Reservation {
  Hold hold;
  std::int64_t ttl_ms = 0;
  std::uint64_t amount = 0;
};

class Reservations {
 public:
  Reservations(asio::io_context& context, Catalogue& catalogue, SeatHolds& seats,
               HoldDirectory& directory, SeatRebuild& rebuild, std::string pass_secret);

  Task<Decision<Reservation>> hold(std::uint64_t user, HoldRequest request);
  Task<Decision<Reservation>> find(std::uint64_t user, std::string hold_id);
  Task<Decision<std::int64_t>> extend(std::uint64_t user, std::string hold_id,
                                      std::int64_t add_ms);  // new expiry
  Task<Decision<std::uint32_t>> release(std::uint64_t user, std::string hold_id);

 private:
  Task<Decision<EventPtr>> event_of(std::string hold_id);
  Task<Decision<Hold>> take(EventPtr event, Hold wanted, const HoldRequest& request);
  [[nodiscard]] std::optional<No> check_pass(const EventInfo& event, const std::string& token,
                                             Hold& wanted) const;

  asio::io_context& context_;
  Catalogue& catalogue_;
  SeatHolds& seats_;
  HoldDirectory& directory_;
  SeatRebuild& rebuild_;
  PassSigner signer_;
};

}  // namespace boxoffice
