// The use cases of practice rooms: look, try, read a record, the leaderboard. The window is decided
// by Redis' clock inside the script that takes the seat; the record is acknowledged when MySQL has
// it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "target/metrics.hpp"
#include "target/service/order_signals.hpp"
#include "target/service/practice_store.hpp"

namespace boxoffice {

inline constexpr std::uint32_t leaderboard_max = 100;

struct PracticeView {
  PracticeRoomPtr room;
  PracticeBoard board;
};
struct PracticeResult {
  PracticeRecord record;
  double top_percent = 100;
  std::uint64_t total = 0;
};

class PracticeHall {
 public:
  PracticeHall(asio::io_context& io, PracticeStore& store, PracticeBoards& boards, Metrics& metrics)
      : io_(io), store_(store), boards_(boards), metrics_(metrics) {}

  // At most a second old.
  Task<Decision<PracticeRoomPtr>> find(std::uint64_t room);
  Task<Decision<PracticeView>> look(std::uint64_t room);
  Task<PracticeRoomPage> list(std::uint32_t page, std::uint32_t size) {
    return store_.page(page, size);
  }
  // Of a person, or of a bot (then with the engine's fence, and without a rank).
  Task<Decision<PracticeResult>> confirm(std::uint64_t room, PracticeTry wanted);
  Task<Decision<PracticeResult>> record(std::uint64_t room, std::uint64_t id, std::uint64_t user);
  Task<Decision<std::vector<PracticeRecord>>> leaderboard(std::uint64_t room, std::uint32_t count);
  // The tree of durations, if it is not what MySQL has. True: it was written.
  Task<bool> mend_ranks(PracticeRoomPtr room);

 private:
  struct Known {
    PracticeRoomPtr room;
    TimePoint read;
  };
  Task<void> restore(PracticeRoomPtr room);
  Task<PracticeRank> rank(PracticeRoomPtr room, std::int64_t duration_ms, bool add);
  Task<Decision<PracticeResult>> store_record(PracticeRoomPtr room, PracticeTry wanted,
                                              PracticeSeat seat);

  asio::io_context& io_;
  PracticeStore& store_;
  PracticeBoards& boards_;
  Metrics& metrics_;
  std::unordered_map<std::uint64_t, Known> known_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Wait> restoring_;  // by room and cycle
};

// 100 × not above / all, two decimals; 100 when there is none.
double top_percent(const PracticeRank& rank) noexcept;

}  // namespace boxoffice
