// The waiting room as seen by who is connected to thousands of its users: places in batches, and
// the two streams of it (admissions; newer connections of a user).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "target/domain/event.hpp"
#include "target/domain/task.hpp"

namespace boxoffice {

struct PollUser {
  std::uint64_t user = 0;
  bool beat = false;  // also a heartbeat
};
struct PollPlaces {
  std::int64_t total = 0;
  std::int64_t born_ms = 0;  // another one than before: the queue's data was lost in between
  std::vector<std::int64_t> places;  // from 1; 0 admitted, -1 absent, -2 given up after silence
};
struct ConnectionNote {
  std::uint64_t user = 0, connection = 0;
};
// Where a reader of the streams is.
struct FeedCursor {
  std::string admissions, connections;  // ids of the last entries read
};
struct FeedNews {
  struct Admitted {
    std::vector<std::uint64_t> users;
    std::int64_t pass_end_ms = 0;
    std::int64_t at_ms = 0;  // Redis' clock
  };
  std::vector<Admitted> admitted;
  std::vector<std::uint64_t> ghosts;  // given up after silence; they may have entered again since
  std::vector<ConnectionNote> connections;
};

inline constexpr std::size_t poll_users_max = 256;

// All throw StoreUnavailable("redis").
class QueueFeed {
 public:
  virtual ~QueueFeed() = default;
  virtual Task<std::int64_t> now_ms() = 0;  // the clock that decides here: Redis'
  virtual Task<PollPlaces> poll(EventPtr event, std::vector<PollUser> users) = 0;
  virtual Task<FeedCursor> newest(EventPtr event) = 0;
  // What came after `cursor`, which moves on. Never waits for news.
  virtual Task<FeedNews> read(EventPtr event, FeedCursor& cursor) = 0;
  virtual Task<void> announce(EventPtr event, std::vector<ConnectionNote> connections) = 0;
};

}  // namespace boxoffice
