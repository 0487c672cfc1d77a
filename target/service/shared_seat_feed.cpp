#include "target/service/shared_seat_feed.hpp"

#include <deque>
#include <optional>

#include "target/service/order_signals.hpp"
#include "target/service/seat_map.hpp"

namespace boxoffice {

namespace {

// What a thread may lag behind the others before it asks Redis itself.
constexpr std::size_t readings_max = 256;
constexpr std::size_t changes_max = 100000;
constexpr Millis flight_max{5000};  // longer than any deadline of Redis
constexpr std::chrono::seconds idle_max{60};

bool same(const SeatPosition& a, const SeatPosition& b) noexcept {
  return a.version == b.version && a.entry == b.entry && a.turn == b.turn;
}

}  // namespace

// A reading under way, and who waits for it.
struct SeatNewsBoard::Flight {
  TimePoint begun = Clock::now();
  std::vector<Wait> waiting;
  bool landed = false;  // with news, or word that there are none
};

struct SeatNewsBoard::Record {
  struct Reading {
    SeatPosition from;
    SeatNews news;
  };
  SeatPosition head;  // without an entry: nothing is known
  std::string bitmap;
  std::deque<Reading> readings;  // each begins where the one before ends
  std::size_t changes = 0;
  bool more = false;
  std::shared_ptr<Flight> flight;
  TimePoint used, read_at;  // read_at: when the reading that ends at the head began

  [[nodiscard]] bool known() const noexcept { return !head.entry.empty(); }
  // Whoever has nothing, or stands in another turn, needs the whole map.
  [[nodiscard]] bool needs_map(const SeatPosition& from) const noexcept {
    return from.entry.empty() || (known() && from.turn != head.turn);
  }
  [[nodiscard]] std::optional<SeatNews> since(const SeatPosition& from) const;
  [[nodiscard]] SeatNews map() const;
  [[nodiscard]] std::optional<SeatNews> answer(const SeatPosition& from) const;
  void take(const SeatNews& news);
};

// What came after `from`, where that is a border; nullopt at the head.
std::optional<SeatNews> SeatNewsBoard::Record::since(const SeatPosition& from) const {
  std::optional<SeatNews> all;
  for (const Reading& reading : readings) {
    if (!all && same(reading.from, from)) {
      all.emplace();
      all->kind = SeatNews::Kind::changes;
    }
    if (!all) continue;
    if (all->changes.empty()) all->oldest_ms = reading.news.oldest_ms;
    all->changes.insert(all->changes.end(), reading.news.changes.begin(),
                        reading.news.changes.end());
  }
  if (!all) return std::nullopt;
  all->position = head;
  all->more = more;
  return all;
}

SeatNews SeatNewsBoard::Record::map() const {
  SeatNews news;
  news.kind = SeatNews::Kind::map;
  news.position = head;
  news.bitmap = bitmap;
  return news;
}

void SeatNewsBoard::Record::take(const SeatNews& news) {
  more = news.more;
  if (news.kind == SeatNews::Kind::map) {
    head = news.position;
    bitmap = news.bitmap;
    readings.clear();
    changes = 0;
    return;
  }
  if (same(news.position, head)) return;
  for (const auto& [seat, state] : news.changes) set_seat_state(bitmap, seat, state);
  changes += news.changes.size();
  readings.push_back({head, news});
  head = news.position;
  while (readings.size() > readings_max || (changes > changes_max && readings.size() > 1)) {
    changes -= readings.front().news.changes.size();
    readings.pop_front();
  }
}

SeatNewsBoard::SeatNewsBoard() = default;
SeatNewsBoard::~SeatNewsBoard() = default;

SeatNewsBoard::Record& SeatNewsBoard::of(const Key& key) {
  const TimePoint now = Clock::now();
  const auto found = records_.find(key);
  if (found == records_.end()) {  // a good moment to forget what nobody looks at
    std::erase_if(records_, [now](const auto& entry) {
      return entry.second->flight == nullptr && entry.second->used + idle_max < now;
    });
  }
  std::unique_ptr<Record>& record = found == records_.end() ? records_[key] : found->second;
  if (record == nullptr) record = std::make_unique<Record>();
  record->used = now;
  return *record;
}

// What to answer to who stands at `from`; nullopt: the board does not know that place.
std::optional<SeatNews> SeatNewsBoard::Record::answer(const SeatPosition& from) const {
  if (needs_map(from)) return map();
  if (!same(from, head)) return since(from);
  SeatNews none;
  none.kind = SeatNews::Kind::changes;
  none.position = head;
  return none;
}

struct SharedSeatFeed::Plan {
  std::optional<SeatNews> news;  // known already
  // Null: a question of this one alone.
  std::shared_ptr<SeatNewsBoard::Flight> flight;
  std::optional<Wait> wait;  // somebody else reads
  SeatPosition start;        // what to read from
};

SharedSeatFeed::Plan SharedSeatFeed::plan(const SeatNewsBoard::Key& key, const SeatPosition& from,
                                          TimePoint due) {
  const std::lock_guard lock(board_.mutex_);
  SeatNewsBoard::Record& record = board_.of(key);
  Plan plan;
  const bool at_head = record.known() && same(from, record.head);
  if (!record.needs_map(from) && !at_head) {
    if (record.known()) plan.news = record.since(from);
    return plan;
  }
  if (at_head && !record.more && record.read_at >= due) {
    plan.news = record.answer(from);
    return plan;
  }
  plan.start = record.head;
  if (record.flight != nullptr) {
    plan.wait.emplace(io_, Clock::now() + flight_max);
    record.flight->waiting.push_back(*plan.wait);
  } else {
    record.flight = std::make_shared<SeatNewsBoard::Flight>();
  }
  plan.flight = record.flight;
  return plan;
}

Task<SeatNews> SharedSeatFeed::read(EventPtr event, SeatPosition from) {
  return read_as_of(std::move(event), std::move(from), Clock::now());
}

Task<SeatNews> SharedSeatFeed::read_as_of(EventPtr event, SeatPosition from, TimePoint due) {
  const SeatNewsBoard::Key key{event->id, event->epoch};
  while (true) {
    Plan now = plan(key, from, due);
    if (now.news) co_return std::move(*now.news);
    if (now.flight == nullptr) co_return co_await own_.read(event, from);
    if (!now.wait) co_return co_await read_for_all(event, from, now.start);
    co_await now.wait->done();
    const std::lock_guard lock(board_.mutex_);
    if (!now.flight->landed) continue;  // it failed: this thread's turn
    if (auto news = board_.of(key).answer(from)) co_return std::move(*news);
  }
}

Task<SeatNews> SharedSeatFeed::read_for_all(EventPtr event, SeatPosition from, SeatPosition start) {
  const SeatNewsBoard::Key key{event->id, event->epoch};
  struct Landing {  // also when the reading throws
    SeatNewsBoard& board;
    SeatNewsBoard::Key key;
    ~Landing() {
      const std::lock_guard lock(board.mutex_);
      const auto flight = std::exchange(board.of(key).flight, nullptr);
      for (Wait& wait : flight->waiting) wait.wake_from_afar();
    }
  } const landing{board_, key};
  SeatNews news = co_await own_.read(event, std::move(start));
  if (news.kind == SeatNews::Kind::rebuilding) co_return news;
  const std::lock_guard lock(board_.mutex_);
  SeatNewsBoard::Record& record = board_.of(key);
  record.take(news);
  record.read_at = record.flight->begun;
  record.flight->landed = true;
  // A gap within the same turn: the map that was read says it all.
  co_return record.answer(from).value_or(std::move(news));
}

}  // namespace boxoffice
