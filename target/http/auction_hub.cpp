#include "target/http/auction_hub.hpp"

#include <fmt/format.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>

#include "target/domain/unavailable.hpp"
#include "target/log.hpp"
#include "target/service/wall_time.hpp"

namespace boxoffice {

namespace {

constexpr Millis turn_every{50};
constexpr std::size_t turns_per_tick = 20;  // a tick a second for each client
constexpr Millis look_every{250};           // at the book

using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

// Made once for all who are sent it.
using Text = std::shared_ptr<const std::string>;
Text event_text(std::string_view name, std::string_view data) {
  return std::make_shared<const std::string>(fmt::format("event: {}\ndata: {}\n\n", name, data));
}

const Text& retry_text() {
  static const auto text = std::make_shared<const std::string>("retry: 1000\n\n");
  return text;
}

}  // namespace

struct AuctionHub::Client {
  AuctionPtr auction;
  std::uint64_t user = 0;
  std::shared_ptr<EventStreamPeer> peer;
  std::size_t place = 0;  // in the room's list
};

struct AuctionHub::Room {
  AuctionPtr auction;
  std::vector<ClientPtr> clients;
  std::unordered_multimap<std::uint64_t, ClientPtr> by_user;
  std::optional<std::string> cursor;
  Text tick;  // as it goes over the wire; null: none yet
  TimePoint next_look;
  std::size_t next_client = 0;
};

class AuctionHub::Handler final : public EventStreamHandler {
 public:
  Handler(std::weak_ptr<AuctionHub> hub, ClientPtr client)
      : hub_(std::move(hub)), client_(std::move(client)) {}
  void opened(std::shared_ptr<EventStreamPeer> peer) override {
    client_->peer = std::move(peer);
    if (const auto hub = hub_.lock()) hub->join(client_);
  }
  void closed() override {
    if (const auto hub = hub_.lock()) hub->part(client_);
    client_->peer.reset();
  }

 private:
  std::weak_ptr<AuctionHub> hub_;
  ClientPtr client_;
};

void AuctionHub::start(const std::shared_ptr<AuctionHub>& hub) {
  asio::co_spawn(hub->io_, run(hub), [](const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      log_error("the auctions' hub ended", {{"error", std::string(error.what())}});
    }
  });
}

std::shared_ptr<EventStreamHandler> AuctionHub::watch(AuctionPtr auction, std::uint64_t user) {
  auto client = std::make_shared<Client>();
  client->auction = std::move(auction);
  client->user = user;
  return std::make_shared<Handler>(weak_from_this(), std::move(client));
}

void AuctionHub::join(const ClientPtr& client) {
  auto& room = rooms_[client->auction->id];
  if (!room) {
    room = std::make_shared<Room>();
    room->auction = client->auction;
  }
  client->place = room->clients.size();
  room->clients.push_back(client);
  room->by_user.emplace(client->user, client);
  client->peer->send(retry_text());
  if (room->tick) client->peer->send(room->tick);
}

void AuctionHub::part(const ClientPtr& client) {
  const auto found = rooms_.find(client->auction->id);
  if (found == rooms_.end()) return;
  Room& room = *found->second;
  if (client->place >= room.clients.size() || room.clients[client->place] != client) return;
  room.clients[client->place] = room.clients.back();
  room.clients[client->place]->place = client->place;
  room.clients.pop_back();
  const auto [first, last] = room.by_user.equal_range(client->user);
  for (auto at = first; at != last; ++at) {
    if (at->second != client) continue;
    room.by_user.erase(at);
    break;
  }
}

Task<void> AuctionHub::run(std::shared_ptr<AuctionHub> self) {
  Timer timer(self->io_.get_executor());
  while (!self->stop_.stop_requested()) {
    timer.expires_after(turn_every);
    co_await timer.async_wait(use_task);
    std::erase_if(self->rooms_, [](const auto& room) { return room.second->clients.empty(); });
    std::vector<std::shared_ptr<Room>> rooms;
    for (const auto& [auction, room] : self->rooms_) rooms.push_back(room);
    for (const auto& room : rooms) {
      try {
        co_await self->turn(room);
      } catch (const StoreUnavailable&) {
        self->metrics_.count("auction_turns_missed");  // Redis is away: bids are refused, too
      }
    }
  }
}

Task<void> AuctionHub::turn(std::shared_ptr<Room> room) {
  if (!room->cursor) room->cursor = co_await book_.newest_note(room->auction);
  const AuctionNews news = co_await book_.news(room->auction, *room->cursor);
  for (const AuctionNote& note : news.notes) tell(*room, note);
  if (Clock::now() >= room->next_look) {
    room->next_look = Clock::now() + look_every;
    const AuctionTick tick = co_await book_.tick(room->auction);
    room->tick =
        event_text("tick", fmt::format(R"({{"top":{},"cutoff":{},"left":{},"bidders":{}}})",
                                       tick.top, tick.cutoff, tick.left_ms, tick.bidders));
  }
  send_ticks(*room);
}

void AuctionHub::tell(Room& room, const AuctionNote& note) {
  metrics_.observe("auction_push_lag",
                   Millis(std::max<std::int64_t>(wall_clock_ms() - note.at_ms, 0)));
  const bool closed = note.kind == AuctionNote::Kind::closed;
  if (closed || note.kind == AuctionNote::Kind::settled) {
    const char* const name = closed ? "closed" : "settled";
    const Text text = event_text(name, fmt::format(R"({{"{}":true,"atMs":{}}})", name, note.at_ms));
    // Subtle: a send may cut a client, but only its own coroutine takes it off the list, later.
    for (const ClientPtr& client : room.clients) client->peer->send(text);
    return;
  }
  const bool out = note.kind == AuctionNote::Kind::out;
  const Text text =
      out ? event_text("rankOut",
                       fmt::format(R"({{"cutoff":{},"atMs":{}}})", note.cutoff, note.at_ms))
          : event_text("offer", fmt::format(R"({{"offer":true,"atMs":{}}})", note.at_ms));
  for (const std::uint64_t user : note.users) {
    const auto [first, last] = room.by_user.equal_range(user);
    for (auto at = first; at != last; ++at) at->second->peer->send(text);
  }
}

void AuctionHub::send_ticks(Room& room) {
  const std::size_t all = room.clients.size();
  const std::size_t now = (all + turns_per_tick - 1) / turns_per_tick;
  for (std::size_t i = 0; i < now; ++i) {
    if (room.next_client >= all) room.next_client = 0;
    room.clients[room.next_client++]->peer->send(room.tick);
  }
}

}  // namespace boxoffice
