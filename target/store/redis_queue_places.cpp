// The waiting room on Redis: one script per use, and the two streams of its feed.
#include <charconv>

#include "target/parts.hpp"
#include "target/service/queue_feed.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t ghosts_remembered_ms = 600000;
constexpr std::int64_t rebuild_retry_ms = 200;
constexpr std::size_t stream_entries_max = 1000;  // per read; the rest comes with the next

std::string str(std::integral auto number) { return std::to_string(number); }

// A score may be written as 1.5e+12.
std::int64_t score(const RedisReply& reply) {
  double value = 0;
  std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), value);
  return static_cast<std::int64_t>(value);
}

// WAIT position total seq base … | ADMITTED lease_end pass_end | GHOSTED | ABSENT
Place read_place(const RedisReply& reply) {
  Place place;
  const std::string_view word = reply.elements.at(0).str();
  if (word == "WAIT") {
    place.state = Place::State::waiting;
    place.position = reply.elements.at(1).number();
    place.total = reply.elements.at(2).number();
    place.sequence = score(reply.elements.at(3));
    place.base = score(reply.elements.at(4));
  } else if (word == "ADMITTED") {
    place.state = Place::State::admitted;
    place.lease_end_ms = score(reply.elements.at(1));
    place.pass_end_ms = score(reply.elements.at(2));
  } else {
    place.ghosted = word == "GHOSTED";
  }
  return place;
}

No enter_refusal(const RedisReply& reply) {
  const std::string_view word = reply.elements.at(0).str();
  No no;
  if (word == "REBUILD") {
    no.refusal = Refusal::rebuilding;
    no.retry_after_ms = rebuild_retry_ms;
  } else if (word == "EARLY") {
    no.refusal = Refusal::sale_not_open;
    no.retry_after_ms = reply.elements.at(1).number();
  } else if (word == "CLOSED") {
    no.refusal = Refusal::sale_ended;
  } else if (word == "FULL") {
    no.refusal = Refusal::queue_full;
    no.retry_after_ms = 5000;
  } else {
    throw StoreUnavailable("redis", fmt::format("q_enter: unexpected answer {}", word));
  }
  return no;
}

std::vector<std::uint64_t> read_users(std::string_view list) {
  std::vector<std::uint64_t> users;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    std::uint64_t user = 0;
    const auto [next, error] = std::from_chars(at, end, user);
    if (error != std::errc{}) break;
    users.push_back(user);
    at = next + 1;
  }
  return users;
}

// "user:connection,user:connection"
void read_notes(std::string_view list, std::vector<ConnectionNote>& notes) {
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    ConnectionNote note;
    const auto user = std::from_chars(at, end, note.user);
    if (user.ec != std::errc{} || user.ptr == end) break;
    const auto connection = std::from_chars(user.ptr + 1, end, note.connection);
    if (connection.ec != std::errc{}) break;
    notes.push_back(note);
    at = connection.ptr + 1;
  }
}

// [id, [field, value, …]]
std::string_view field_of(const RedisReply& entry, std::string_view name) {
  if (entry.elements.size() != 2) return {};
  const auto& fields = entry.elements[1].elements;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (fields[i].str() == name) return fields[i + 1].str();
  }
  return {};
}

std::int64_t number_of(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// An entry of the room's own stream: who was admitted ("u", "p"), or who was given up ("g").
void read_change(const RedisReply& entry, FeedNews& news) {
  const std::vector<std::uint64_t> ghosts = read_users(field_of(entry, "g"));
  news.ghosts.insert(news.ghosts.end(), ghosts.begin(), ghosts.end());
  FeedNews::Admitted admitted;
  admitted.users = read_users(field_of(entry, "u"));
  if (admitted.users.empty()) return;
  admitted.pass_end_ms = number_of(field_of(entry, "p"));
  admitted.at_ms = number_of(entry.elements[0].str());  // "ms-n"
  news.admitted.push_back(std::move(admitted));
}

class RedisQueuePlaces final : public QueuePlaces, public QueueFeed {
 public:
  RedisQueuePlaces(RedisClient& redis, Metrics& metrics) : redis_(redis), metrics_(metrics) {}

  Task<Decision<Place>> enter(EventPtr event, std::uint64_t user, double random) override {
    co_return co_await enter_with(std::move(event), user, random, std::nullopt);
  }
  Task<Decision<Place>> enter_again(EventPtr event, std::uint64_t user, double random,
                                    KnownPlace known) override {
    co_return co_await enter_with(std::move(event), user, random, known);
  }
  Task<Place> look(EventPtr event, std::uint64_t user, bool heartbeat) override;
  Task<bool> leave(std::uint64_t event, std::uint32_t epoch, std::uint64_t user,
                   bool completed) override;
  Task<Admission> admit(EventPtr event) override;
  QueueFeed* feed() override { return this; }

  Task<std::int64_t> now_ms() override { return redis_now_ms(redis_, redis_deadline()); }
  Task<PollPlaces> poll(EventPtr event, std::vector<PollUser> users) override;
  Task<FeedCursor> newest(EventPtr event) override;
  Task<FeedNews> read(EventPtr event, FeedCursor& cursor) override;
  Task<void> announce(EventPtr event, std::vector<ConnectionNote> connections) override;

 private:
  Task<Decision<Place>> enter_with(EventPtr event, std::uint64_t user, double random,
                                   std::optional<KnownPlace> known);
  Task<RedisReply> run(Script script, std::uint64_t event, std::uint32_t epoch,
                       std::vector<std::string> arguments);

  RedisClient& redis_;
  Metrics& metrics_;
};

Task<RedisReply> RedisQueuePlaces::run(Script script, std::uint64_t event, std::uint32_t epoch,
                                       std::vector<std::string> arguments) {
  const TimePoint start = Clock::now();
  RedisReply reply = co_await redis_.eval(script, queue_keys(event, epoch), std::move(arguments),
                                          start + redis_time_limit);
  metrics_.redis_script(script_name(script), Clock::now() - start);
  co_return reply;
}

Task<Decision<Place>> RedisQueuePlaces::enter_with(EventPtr event, std::uint64_t user,
                                                   double random, std::optional<KnownPlace> known) {
  const QueueSettings& queue = event->queue;
  std::vector<std::string> arguments{str(user),
                                     fmt::format("{:.9f}", random),
                                     queue.random ? "RANDOM" : "FIFO",
                                     str(event->sale_open_ms),
                                     str(event->sale_close_ms),
                                     str(queue.wait_max),
                                     known ? str(known->sequence) : "",
                                     known ? str(known->base) : "0"};
  const RedisReply reply =
      co_await run(Script::q_enter, event->id, event->epoch, std::move(arguments));
  Place place = read_place(reply);
  if (place.state == Place::State::absent) co_return enter_refusal(reply);
  place.fresh = reply.elements.size() > 5 && reply.elements[5].str() == "1";
  co_return place;
}

Task<Place> RedisQueuePlaces::look(EventPtr event, std::uint64_t user, bool heartbeat) {
  std::vector<std::string> arguments{str(user), heartbeat ? "1" : "0", str(event->queue.lease_ms)};
  const RedisReply reply =
      co_await run(Script::q_look, event->id, event->epoch, std::move(arguments));
  co_return read_place(reply);
}

Task<bool> RedisQueuePlaces::leave(std::uint64_t event, std::uint32_t epoch, std::uint64_t user,
                                   bool completed) {
  std::vector<std::string> arguments{str(user), completed ? "completed" : "left"};
  const RedisReply reply = co_await run(Script::q_leave, event, epoch, std::move(arguments));
  co_return reply.integer > 0;
}

Task<Admission> RedisQueuePlaces::admit(EventPtr event) {
  const QueueSettings& queue = event->queue;
  std::vector<std::string> arguments{
      str(queue.cap),         fmt::format("{}", queue.rate), fmt::format("{}", queue.burst),
      str(queue.lease_ms),    str(queue.heartbeat_ms),       str(event->sale_open_ms),
      str(queue.pass_ttl_ms), str(ghosts_remembered_ms)};
  const RedisReply reply =
      co_await run(Script::q_admit, event->id, event->epoch, std::move(arguments));
  Admission admission;
  admission.admitted = static_cast<std::uint32_t>(reply.elements.at(0).integer);
  admission.ghosts = static_cast<std::uint32_t>(reply.elements.at(1).integer);
  admission.lapsed = static_cast<std::uint32_t>(reply.elements.at(2).integer);
  admission.waiting = static_cast<std::uint64_t>(reply.elements.at(3).integer);
  admission.active = static_cast<std::uint64_t>(reply.elements.at(4).integer);
  co_return admission;
}

Task<PollPlaces> RedisQueuePlaces::poll(EventPtr event, std::vector<PollUser> users) {
  std::vector<std::string> arguments{str(event->queue.lease_ms)};
  arguments.reserve(users.size() + 1);
  for (const PollUser& user : users)
    arguments.push_back(fmt::format("{}{}", user.beat ? '+' : '-', user.user));
  const RedisReply reply =
      co_await run(Script::q_poll, event->id, event->epoch, std::move(arguments));
  if (reply.elements.size() != users.size() + 2) throw StoreUnavailable("redis", "q_poll: short");
  PollPlaces polled;
  polled.total = reply.elements[0].integer;
  polled.born_ms = reply.elements[1].integer;
  polled.places.reserve(users.size());
  for (std::size_t i = 2; i < reply.elements.size(); ++i)
    polled.places.push_back(reply.elements[i].integer);
  co_return polled;
}

Task<FeedCursor> RedisQueuePlaces::newest(EventPtr event) {
  std::vector<RedisCall> calls(2);
  calls[0].words = {"XREVRANGE", event_key(event->id, event->epoch, "qe"), "+", "-", "COUNT", "1"};
  calls[1].words = {"XREVRANGE", event_key(event->id, event->epoch, "qx"), "+", "-", "COUNT", "1"};
  const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
  const auto id = [](const RedisReply& reply) {
    const bool any = !reply.elements.empty() && !reply.elements[0].elements.empty();
    return any ? reply.elements[0].elements[0].text : std::string("0-0");
  };
  FeedCursor cursor;
  cursor.admissions = id(replies[0]);
  cursor.connections = id(replies[1]);
  co_return cursor;
}

Task<FeedNews> RedisQueuePlaces::read(EventPtr event, FeedCursor& cursor) {
  const std::string admissions = event_key(event->id, event->epoch, "qe");
  std::vector<std::string> words{
      "XREAD",           "COUNT",           str(stream_entries_max),
      "STREAMS",         admissions,        event_key(event->id, event->epoch, "qx"),
      cursor.admissions, cursor.connections};
  const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
  FeedNews news;
  for (const RedisReply& stream : reply.elements) {  // [[name, [entry, …]], …]; nil: no news
    if (stream.elements.size() != 2) continue;
    const bool is_admissions = stream.elements[0].str() == admissions;
    for (const RedisReply& entry : stream.elements[1].elements) {
      if (entry.elements.empty()) continue;
      if (is_admissions) {
        read_change(entry, news);
        cursor.admissions = entry.elements[0].text;
      } else {
        read_notes(field_of(entry, "c"), news.connections);
        cursor.connections = entry.elements[0].text;
      }
    }
  }
  co_return news;
}

Task<void> RedisQueuePlaces::announce(EventPtr event, std::vector<ConnectionNote> connections) {
  std::string list;
  for (const ConnectionNote& note : connections) {
    if (!list.empty()) list += ',';
    list += fmt::format("{}:{}", note.user, note.connection);
  }
  std::vector<std::string> words{
      "XADD", event_key(event->id, event->epoch, "qx"), "MAXLEN", "~", "1000", "*", "c", list};
  (void)co_await redis_.command(std::move(words), redis_deadline());
}

}  // namespace

std::unique_ptr<QueuePlaces> make_queue_places(RedisClient& redis, Metrics& metrics) {
  return std::make_unique<RedisQueuePlaces>(redis, metrics);
}

}  // namespace boxoffice
