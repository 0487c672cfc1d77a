// SeatHolds on Redis: one script per use. Private to store/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "target/metrics.hpp"
#include "target/service/seat_holds.hpp"
#include "target/service/seat_mirror.hpp"
#include "target/store/redis_client.hpp"
#include "target/switches.hpp"

namespace boxoffice {

inline constexpr std::int64_t rebuild_retry_ms = 200;

// "5,6" → {5, 6}
std::vector<std::uint32_t> read_seat_list(std::string_view list);
std::string write_seat_list(const std::vector<std::uint32_t>& seats);
// What a seat's state says to somebody who wanted it.
No seat_taken(std::uint32_t seat, char kind);

class RedisSeatHolds final : public SeatHolds {
 public:
  RedisSeatHolds(RedisClient& redis, const Switches& switches, Metrics& metrics);

  Task<Decision<Hold>> take(EventPtr event, Hold wanted, std::int64_t ttl_ms,
                            bool check_admitted) override;
  Task<Decision<Hold>> find(EventPtr event, std::string hold_id, std::uint64_t user) override;
  Task<Decision<std::int64_t>> extend(EventPtr event, std::string hold_id, std::uint64_t user,
                                      std::int64_t add_ms) override;
  Task<Decision<std::uint32_t>> release(EventPtr event, std::string hold_id,
                                        std::uint64_t user) override;
  Task<Decision<Hold>> pend(EventPtr event, std::string hold_id, std::uint64_t user,
                            std::uint64_t order) override;
  Task<void> unpend(EventPtr event, const Hold& hold, std::uint64_t order) override;
  Task<void> settle(std::uint64_t event, std::uint32_t epoch, std::uint64_t order,
                    std::uint64_t user, bool sold, std::vector<std::uint32_t> seats) override;
  Task<Decision<SeatStates>> states(EventPtr event) override;
  Task<std::uint32_t> sweep(std::uint64_t event, std::uint32_t epoch) override;
  SeatMirror* mirror() override { return mirror_.get(); }

 private:
  // Runs the script; in the same pipeline slides the lease of an admitted user (0: nobody's).
  Task<RedisReply> run(Script script, EventPtr event, std::vector<std::string> arguments,
                       std::uint64_t slide_user);
  Task<void> count_loss(EventPtr event, std::uint64_t user);
  Task<Decision<Hold>> take_in_two_steps(EventPtr event, Hold wanted, std::int64_t ttl_ms,
                                         bool check_admitted);
  Task<std::vector<std::string>> seats_of_old_hold(std::string hold_id);
  Task<Decision<SeatStates>> states_by_scan(EventPtr event);
  Task<bool> marker_by_scan(EventPtr event);

  RedisClient& redis_;
  const Switches& switches_;
  Metrics& metrics_;
  std::unique_ptr<SeatMirror> mirror_;
};

std::unique_ptr<SeatMirror> make_seat_mirror(RedisClient& redis);

}  // namespace boxoffice
