// SeatFeed on Redis: one script call per look.
#include <charconv>

#include "target/parts.hpp"
#include "target/service/seat_feed.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::uint8_t state_max = 3;

void append_seats(std::string_view list, std::uint8_t state, SeatNews& news) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    std::uint32_t seat = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), seat);
    if (error == std::errc{} && end == item.data() + item.size())
      news.changes.emplace_back(seat, state);
    list.remove_prefix(std::min(list.size(), item.size() + 1));
  }
}

std::uint64_t version_of(const RedisReply& reply) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.number()));
}

class RedisSeatFeed final : public SeatFeed {
 public:
  RedisSeatFeed(RedisClient& redis, Metrics& metrics) : redis_(redis), metrics_(metrics) {}

  Task<SeatNews> read(EventPtr event, SeatPosition from) override {
    const TimePoint begun = Clock::now();
    std::vector<std::string> arguments{from.entry, from.turn, std::to_string(from.version),
                                       std::to_string(seat_news_entries_max)};
    const RedisReply reply = co_await redis_.eval(
        Script::seat_feed, event_keys(event->id, event->epoch, {"ok", "vr", "ev", "bm", "rb"}),
        std::move(arguments), redis_deadline());
    metrics_.redis_script("seat_feed", Clock::now() - begun);
    SeatNews news;
    if (reply.elements.size() != 6) co_return news;
    const bool map = reply.elements[0].str() == "MAP";
    news.kind = map ? SeatNews::Kind::map : SeatNews::Kind::changes;
    news.position.version = version_of(reply.elements[1]);
    news.position.turn = reply.elements[2].text;
    news.position.entry = reply.elements[3].text;
    const std::string_view first = reply.elements[5].str();  // "1690000000000-0"
    std::from_chars(first.data(), first.data() + first.size(), news.oldest_ms);
    if (map) {
      news.bitmap = reply.elements[4].text;
      news.bitmap.resize((event->seat_count + 3) / 4, '\0');
      co_return news;
    }
    const auto& told = reply.elements[4].elements;
    for (std::size_t i = 0; i + 1 < told.size(); i += 2) {
      const auto state = told[i].number();
      if (state < 0 || state > state_max) continue;
      append_seats(told[i + 1].str(), static_cast<std::uint8_t>(state), news);
    }
    news.more = told.size() / 2 == seat_news_entries_max;
    co_return news;
  }

 private:
  RedisClient& redis_;
  Metrics& metrics_;
};

}  // namespace

std::unique_ptr<SeatFeed> make_seat_feed(RedisClient& redis, Metrics& metrics) {
  return std::make_unique<RedisSeatFeed>(redis, metrics);
}

}  // namespace boxoffice
