// SeatMirror on Redis: batches of restore.lua between the two ends of rebuild.lua.
#include <charconv>
#include <unordered_map>

#include "target/store/redis_seat_holds.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::size_t batch_seats = 1000;

std::string value_of(const LiveSeat& seat) {
  if (seat.sold) return fmt::format("S:{}:{}", seat.user, seat.order);
  return fmt::format("P:{}:{}:{}:{}", seat.user, seat.order, seat.expires_ms, seat.fence);
}

MirrorSeat read_state(std::uint32_t seat, std::string_view state) {
  MirrorSeat read;
  read.seat = seat;
  read.kind = state.empty() ? 'H' : state[0];
  std::array<std::uint64_t, 2> numbers{};
  for (std::uint64_t& number : numbers) {
    const std::size_t colon = state.find(':');
    if (colon == std::string_view::npos) break;
    state.remove_prefix(colon + 1);
    std::from_chars(state.data(), state.data() + state.size(), number);
  }
  read.user = numbers[0];
  if (read.kind != 'H') read.order = numbers[1];
  return read;
}

std::vector<std::string> rebuild_keys(const EventInfo& event) {
  return event_keys(event.id, event.epoch, {"st", "bm", "ex", "uq", "vr", "ev", "hd", "ok", "rb"});
}

class RedisSeatMirror final : public SeatMirror {
 public:
  explicit RedisSeatMirror(RedisClient& redis) : redis_(redis) {}

  Task<bool> ready(EventPtr event) override {
    std::vector<std::string> words{"EXISTS", event_key(event->id, event->epoch, "ok")};
    const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
    co_return reply.integer == 1;
  }

  Task<std::uint64_t> begin(EventPtr event) override {
    std::vector<std::string> arguments{"begin", std::to_string((event->seat_count + 3) / 4)};
    const RedisReply reply = co_await redis_.eval(Script::rebuild, rebuild_keys(*event),
                                                  std::move(arguments), redis_deadline());
    co_return static_cast<std::uint64_t>(reply.integer);
  }

  Task<bool> finish(EventPtr event, std::uint64_t turn, std::uint64_t fence_floor) override {
    std::vector<std::string> arguments{"finish", std::to_string(fence_floor), std::to_string(turn)};
    const RedisReply reply = co_await redis_.eval(Script::rebuild, rebuild_keys(*event),
                                                  std::move(arguments), redis_deadline());
    co_return reply.integer == 1;
  }

  Task<void> write(EventPtr event, SeatChanges changes, bool force) override {
    static_cast<void>(co_await write_as(std::move(changes), force ? "force" : "absent",
                                        seat_keys(event->id, event->epoch)));
  }

  Task<bool> repair(EventPtr event, SeatChanges changes, std::string lease,
                    std::uint64_t fence) override {
    auto keys = seat_keys(event->id, event->epoch);
    keys.push_back("fn:" + lease);
    co_return co_await write_as(std::move(changes), fmt::format("force:{}", fence),
                                std::move(keys));
  }

  Task<bool> write_as(SeatChanges changes, std::string mode, std::vector<std::string> keys) {
    std::vector<std::pair<std::uint32_t, std::string>> values;
    for (const LiveSeat& seat : changes.live) values.emplace_back(seat.seat, value_of(seat));
    for (const std::uint32_t seat : changes.locked) values.emplace_back(seat, "L");
    for (const std::uint32_t seat : changes.freed) values.emplace_back(seat, "");
    for (std::size_t start = 0; start < values.size(); start += batch_seats) {
      std::vector<std::string> arguments{mode};
      const std::size_t end = std::min(values.size(), start + batch_seats);
      for (std::size_t i = start; i < end; ++i) {
        arguments.push_back(std::to_string(values[i].first));
        arguments.push_back(std::move(values[i].second));
      }
      const RedisReply reply =
          co_await redis_.eval(Script::restore, keys, std::move(arguments), redis_deadline());
      if (reply.integer < 0) co_return false;
    }
    co_return true;
  }

  Task<std::vector<MirrorSeat>> all(EventPtr event) override {
    const std::string key = event_key(event->id, event->epoch, "st");
    std::unordered_map<std::uint32_t, MirrorSeat> seats;  // a scan may name a field twice
    std::string cursor = "0";
    do {
      std::vector<std::string> words{"HSCAN", key, cursor, "COUNT", std::to_string(batch_seats)};
      const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
      if (reply.elements.size() != 2) throw StoreUnavailable("redis", "hscan: " + reply.text);
      cursor = reply.elements[0].text;
      const auto& fields = reply.elements[1].elements;
      for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        const auto seat = static_cast<std::uint32_t>(fields[i].number());
        seats[seat] = read_state(seat, fields[i + 1].str());
      }
    } while (cursor != "0");
    std::vector<MirrorSeat> list;
    list.reserve(seats.size());
    for (const auto& [number, seat] : seats) list.push_back(seat);
    std::ranges::sort(list, {}, &MirrorSeat::seat);
    co_return list;
  }

 private:
  RedisClient& redis_;
};

}  // namespace

std::unique_ptr<SeatMirror> make_seat_mirror(RedisClient& redis) {
  return std::make_unique<RedisSeatMirror>(redis);
}

}  // namespace boxoffice
