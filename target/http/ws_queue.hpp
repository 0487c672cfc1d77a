// /ws/queue (sub-protocol tk.queue.v1): everybody who is connected to the waiting room on this
// thread. One loop for all of them: no timer, no Redis command and no coroutine per socket.
//
//   server → {"t":"pos",…} on change, at most once per push_ms; never a higher position
//            {"t":"admitted",…} · {"t":"ghosted"} · {"t":"degraded"} (Redis is away)
//            The first two have `atMs`: the admission's time; since when the place may have been so
//            {"t":"event","state":"SOLD_OUT"}, and "ON_SALE" when a seat comes back
//   client → any frame is a heartbeat
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "target/http/api.hpp"
#include "target/metrics.hpp"
#include "target/service/catalogue.hpp"
#include "target/service/entry_pass.hpp"
#include "target/service/queue_feed.hpp"
#include "target/service/queue_places.hpp"
#include "target/service/seat_holds.hpp"
#include "target/switches.hpp"

namespace boxoffice {

struct ThreadContext;

namespace ws_queue_close {
inline constexpr std::uint16_t overloaded = 1013, unauthenticated = 4401, unknown_event = 4404,
                               silent = 4408, replaced = 4409, sale_over = 4410;
}  // namespace ws_queue_close

class QueueHub : public std::enable_shared_from_this<QueueHub> {
 public:
  struct Parts {
    asio::io_context& io;
    Catalogue& catalogue;
    QueuePlaces& places;
    SeatHolds* seats;  // nullptr: whether the event is sold out is not told
    Metrics& metrics;
    std::string pass_secret;
    std::size_t sessions_max;
    std::stop_token stop;
    const Switches* switches = nullptr;  // of the defect broadcast_all
  };
  explicit QueueHub(Parts parts);
  ~QueueHub();
  QueueHub(QueueHub&&) = delete;

  // Makes one whose loop runs on the thread's io_context until the thread is asked to stop.
  static std::shared_ptr<QueueHub> start(ThreadContext& thread);
  static void start(const std::shared_ptr<QueueHub>& hub);

  Task<WebSocketAccept> accept(std::optional<std::uint64_t> user,
                               std::optional<std::uint64_t> event, bool protocol_offered);
  [[nodiscard]] std::size_t sessions() const noexcept { return sessions_; }

 private:
  struct Session;
  struct Room;
  class Handler;
  using SessionPtr = std::shared_ptr<Session>;

  void join(const SessionPtr& session);
  void heard(const SessionPtr& session);
  void part(const SessionPtr& session);

  static Task<void> run(std::shared_ptr<QueueHub> self);
  Task<void> tick(std::shared_ptr<Room> room);
  Task<bool> refresh(Room& room);  // false: everybody was sent away
  Task<void> look_at_seats(Room& room);
  Task<void> read_feed(Room& room);
  Task<void> poll(Room& room, std::vector<SessionPtr> sessions);
  Task<void> apply(Room& room, SessionPtr session, std::int64_t place, const PollPlaces& polled);
  void tell_position(const Room& room, Session& session, std::int64_t place,
                     const PollPlaces& polled);
  void tell_out(const Room& room, Session& session, bool ghosted, std::int64_t born_ms);
  void tell_admitted(const Room& room, Session& session, std::int64_t pass_end_ms,
                     std::int64_t at_ms);
  void tell_everybody(const Room& room, std::uint64_t admitted) const;
  void close_silent(Room& room);
  void close_all(Room& room, std::uint16_t code, const std::string& reason);
  void degraded(Room& room);

  Parts parts_;
  PassSigner signer_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Room>> rooms_;
  std::size_t sessions_ = 0;
  std::uint64_t next_connection_;  // random start: unique enough among threads and instances
};

}  // namespace boxoffice
