// /api/events/{id}/seats/stream: everybody who looks at a live seat map on this thread. One reader
// per event for all of them, and with service/shared_seat_feed.hpp for all threads: no timer and no
// Redis command per client, and every event is in memory once, however many it goes to.
//
//   event: snapshot  {"eventId","epoch","v","n","bits"}   first, and after a resync
//   event: seats     {"v":123,"at":<epoch ms>,"c":[[6,1],[7,0]]}   the last state of what changed;
//                    `at`: when the oldest of the changes happened
//   event: resync    {"reason":"…"}   changes are missing; a snapshot follows
//   id: <epoch>.<turn>.<version>.<stream id>, to be sent back as Last-Event-ID
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "target/http/api.hpp"
#include "target/metrics.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/seat_feed.hpp"

namespace boxoffice {

class SeatStreamHub : public std::enable_shared_from_this<SeatStreamHub> {
 public:
  struct Parts {
    asio::io_context& io;
    Catalogue& catalogue;
    SeatFeed& feed;
    Metrics& metrics;
    Millis flush;
    std::stop_token stop;
  };
  explicit SeatStreamHub(Parts parts);
  ~SeatStreamHub();
  SeatStreamHub(SeatStreamHub&&) = delete;

  // The handler of a new client. `last_event_id` is the client's own word: what is no id of ours,
  // or of another time, gets a snapshot. Throws StoreUnavailable while nothing is known of the
  // seats.
  Task<Decision<std::shared_ptr<EventStreamHandler>>> join(std::uint64_t event,
                                                           std::string last_event_id);
  // Reads and tells what has changed, without waiting for the next flush. Those who ask at the same
  // time have it done one after the other, each for itself: that is what makes it dear.
  Task<void> tell_now(std::uint64_t event);
  [[nodiscard]] std::size_t rooms() const noexcept { return rooms_.size(); }

 private:
  struct Client;
  struct Room;
  using RoomPtr = std::shared_ptr<Room>;
  using ClientPtr = std::shared_ptr<Client>;

  RoomPtr room_of(const EventPtr& event);
  Task<bool> first_map(RoomPtr room);  // false: the seats are being rebuilt
  Task<void> catch_up(RoomPtr room, ClientPtr client, SeatPosition from);
  void opened(const ClientPtr& client);
  void closed(const ClientPtr& client);

  static Task<void> run(std::shared_ptr<SeatStreamHub> self, RoomPtr room);
  Task<void> await_turn(RoomPtr room);
  Task<void> tick(RoomPtr room, TimePoint due);
  Task<void> refresh(RoomPtr room);
  Task<void> resync(RoomPtr room);
  Task<void> broadcast(RoomPtr room, std::shared_ptr<const std::string> text,
                       std::uint64_t version);

  Parts parts_;
  std::unordered_map<std::uint64_t, RoomPtr> rooms_;
  unsigned catching_up_ = 0;
};

}  // namespace boxoffice
