// One reader of an event's feed for all I/O threads of a process: whoever asks first reads from
// Redis, the others get what was read. Every thread stands at a border between two readings, so
// each sees every change once and in order.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "target/service/seat_feed.hpp"

namespace boxoffice {

// What was read of late, per event and epoch. One per process; any thread may use it.
class SeatNewsBoard {
 public:
  SeatNewsBoard();
  ~SeatNewsBoard();
  SeatNewsBoard(SeatNewsBoard&&) = delete;

 private:
  friend class SharedSeatFeed;
  struct Record;
  struct Flight;
  using Key = std::pair<std::uint64_t, std::uint32_t>;

  Record& of(const Key& key);  // with the mutex held

  std::mutex mutex_;
  std::map<Key, std::unique_ptr<Record>> records_;
};

// One per thread. `own` reads for this thread when it is the one to read; both outlive this.
class SharedSeatFeed final : public SeatFeed {
 public:
  SharedSeatFeed(asio::io_context& io, SeatFeed& own, SeatNewsBoard& board)
      : io_(io), own_(own), board_(board) {}

  // As SeatFeed has it. A position that the board does not know (a client's from elsewhere) is
  // asked of Redis.
  Task<SeatNews> read(EventPtr event, SeatPosition from) override;
  // Without a question where another thread's began at `due` or later.
  Task<SeatNews> read_as_of(EventPtr event, SeatPosition from, TimePoint due) override;

 private:
  struct Plan;
  Plan plan(const SeatNewsBoard::Key& key, const SeatPosition& from, TimePoint due);
  Task<SeatNews> read_for_all(EventPtr event, SeatPosition from, SeatPosition start);

  asio::io_context& io_;
  SeatFeed& own_;
  SeatNewsBoard& board_;
};

}  // namespace boxoffice
