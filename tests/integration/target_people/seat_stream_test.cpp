// Live seat maps over the real server and real stores: nobody's map is wrong for longer than a
// flush, whatever happens to the connection, the instance, the event or Redis.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/integration/target_people/people_fixture.hpp"

namespace boxoffice {
namespace {

using Json = nlohmann::json;

struct Event {
  std::string name, id;
  Json data;
};

// Decodes base64 with padding.
std::string from_base64(std::string text) {
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  text.erase(text.find_last_not_of('=') + 1);
  return from_base64url(text).value_or("");
}

// A client as a page would be: reads events, keeps its own map.
class Viewer {
 public:
  Viewer(std::uint16_t port, std::uint64_t event, const std::string& last_id = "")
      : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::string request = "GET /api/events/" + std::to_string(event) +
                          "/seats/stream HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n";
    if (!last_id.empty()) request += "Last-Event-ID: " + last_id + "\r\n";
    request += "\r\n";
    EXPECT_EQ(send(socket_, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }
  ~Viewer() { close(socket_); }
  Viewer(const Viewer&) = delete;

  int status() {
    while (text_.find("\r\n\r\n") == std::string::npos && !head_read_ && more(Millis(20000))) {
    }
    if (!head_read_) {
      const auto end = text_.find("\r\n\r\n");
      if (end == std::string::npos) return 0;
      status_ = std::stoi(text_.substr(9, 3));
      text_.erase(0, end + 4);
      head_read_ = true;
    }
    return status_;
  }
  // The next event, applied to the map; nullopt: none within that time, or the stream ended.
  std::optional<Event> next(Millis within = Millis(20000)) {
    if (status() != 200) return std::nullopt;
    const TimePoint end = Clock::now() + within;
    while (true) {
      const auto blank = text_.find("\n\n");
      if (blank != std::string::npos) {
        const std::string block = text_.substr(0, blank);
        text_.erase(0, blank + 2);
        if (auto event = parse(block)) return event;
        continue;
      }
      const auto left = std::chrono::duration_cast<Millis>(end - Clock::now());
      if (left.count() <= 0 || !more(left)) return std::nullopt;
    }
  }
  // Reads until the map shows that; false: it never did.
  bool shows(std::uint32_t seat, int state, Millis within = Millis(20000)) {
    const TimePoint end = Clock::now() + within;
    while (state_of(seat) != state) {
      if (Clock::now() >= end || !next(std::chrono::duration_cast<Millis>(end - Clock::now())))
        return false;
    }
    return true;
  }
  int state_of(std::uint32_t seat) const {
    const auto found = map_.find(seat);
    return found == map_.end() ? -1 : found->second;
  }
  bool ended() {
    while (more(Millis(20000))) {
    }
    return over_;
  }
  const std::string& last_id() const { return last_id_; }
  std::uint64_t version() const { return version_; }
  const std::map<std::uint32_t, int>& map() const { return map_; }

 private:
  bool more(Millis within) {
    pollfd wait{socket_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(within.count())) <= 0) return false;
    char part[16384];
    const ssize_t count = recv(socket_, part, sizeof part, 0);
    over_ = count <= 0;
    if (count > 0) text_.append(part, static_cast<std::size_t>(count));
    return count > 0;
  }
  std::optional<Event> parse(const std::string& block) {
    Event event;
    std::istringstream lines(block);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("event: ")) event.name = line.substr(7);
      if (line.starts_with("id: ")) last_id_ = event.id = line.substr(4);
      if (line.starts_with("data: ")) event.data = Json::parse(line.substr(6));
    }
    if (event.name.empty()) return std::nullopt;
    if (event.name == "snapshot") {
      const std::string bits = from_base64(event.data.at("bits"));
      map_.clear();
      for (std::uint32_t seat = 0; seat < event.data.at("n"); ++seat) {
        map_[seat] = (static_cast<unsigned char>(bits.at(seat / 4)) >> (6 - 2 * (seat % 4))) & 3;
      }
    }
    if (event.name == "seats")
      for (const auto& change : event.data.at("c")) map_[change.at(0)] = change.at(1);
    if (event.data.contains("v")) version_ = event.data.at("v");
    return event;
  }

  int socket_;
  std::string text_, last_id_;
  std::uint64_t version_ = 0;
  std::map<std::uint32_t, int> map_;
  int status_ = 0;
  bool head_read_ = false, over_ = false;
};

class SeatStreamTest : public PeopleFixture {
 protected:
  static void SetUpTestSuite() {
    PeopleFixture::SetUpTestSuite();
    if (boxoffice != nullptr) boxoffice = start(quick());
  }
  static Config quick() {
    Config config = config_of_suite();
    config.sse_flush_ms = 20;
    return config;
  }
  static void take(std::uint64_t user, std::uint64_t event, const std::vector<int>& seats) {
    const Told held = hold(user, event, seats);
    ASSERT_EQ(held.status, 201) << held.text;
  }
  static std::string take_one(std::uint64_t user, std::uint64_t event, int seat) {
    const Told held = hold(user, event, {seat});
    EXPECT_EQ(held.status, 201) << held.text;
    return held.json.at("holdId");
  }
  static void let_go(std::uint64_t user, const std::string& hold_id) {
    EXPECT_EQ(ask_as(user, "DELETE", "/api/reservations/" + hold_id).status, 204);
  }
  static std::map<std::uint32_t, int> served_map(std::uint64_t event) {
    const Told told = ask("GET", "/api/events/" + std::to_string(event) + "/seats?format=bitmap");
    const std::string bits = from_base64(told.json.at("bits"));
    std::map<std::uint32_t, int> map;
    for (std::uint32_t seat = 0; seat < told.json.at("n"); ++seat)
      map[seat] = (static_cast<unsigned char>(bits.at(seat / 4)) >> (6 - 2 * (seat % 4))) & 3;
    return map;
  }
  static double figure(RunningBoxoffice& of, const std::string& line_start) {
    const std::string text = of.metrics().exposition();
    const auto at = text.find("\n" + line_start + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + line_start.size() + 2));
  }
};

TEST_F(SeatStreamTest, TheWholeMapComesFirstAndThenWhatChanges) {
  const auto event = seed_event(4, 5);
  take(1, event, {3});
  Viewer viewer(boxoffice->port(), event);
  const auto first = viewer.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->name, "snapshot");
  EXPECT_EQ(first->data.at("n"), 20);
  EXPECT_EQ(viewer.map(), served_map(event));
  EXPECT_EQ(viewer.state_of(3), 1);
  const std::string held = take_one(2, event, 7);
  const auto change = viewer.next();
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->name, "seats");
  EXPECT_EQ(change->data.at("c"), Json::parse("[[7,1]]"));
  EXPECT_GT(change->data.at("v"), first->data.at("v"));
  EXPECT_GT(change->data.at("at").get<std::int64_t>(), 1600000000000);
  let_go(2, held);
  EXPECT_TRUE(viewer.shows(7, 0));
  EXPECT_EQ(viewer.map(), served_map(event));
}

TEST_F(SeatStreamTest, ManyChangesOfASeatAreOneWord) {
  Config config = quick();
  config.sse_flush_ms = 400;
  const auto slow = start(config);
  const auto event = seed_event(2, 5);
  Viewer viewer(slow->port(), event);
  ASSERT_TRUE(viewer.next().has_value());
  int told = 0, changed = 0;
  for (int round = 0; round < 10; ++round) {
    let_go(1, take_one(1, event, 4));
    changed += 2;
  }
  take(1, event, {4});
  take(2, event, {9});
  while (viewer.state_of(9) != 1) {
    const auto next = viewer.next();
    ASSERT_TRUE(next.has_value());
    std::set<int> seats;
    for (const auto& change : next->data.at("c")) {
      EXPECT_TRUE(seats.insert(change.at(0).get<int>()).second) << "a seat is told twice";
      ++told;
    }
  }
  EXPECT_EQ(viewer.state_of(4), 1);
  EXPECT_LT(told, changed / 2);
}

TEST_F(SeatStreamTest, AClientThatComesBackGetsOnlyWhatItMissed) {
  const auto event = seed_event(4, 5);
  Viewer stays(boxoffice->port(), event);
  ASSERT_TRUE(stays.next().has_value());
  std::string id;
  {
    Viewer leaves(boxoffice->port(), event);
    ASSERT_TRUE(leaves.next().has_value());
    take(1, event, {0});
    ASSERT_TRUE(leaves.shows(0, 1));
    id = leaves.last_id();
  }
  take(2, event, {5, 6});
  let_go(3, take_one(3, event, 8));
  ASSERT_TRUE(stays.shows(6, 1));
  Viewer back(boxoffice->port(), event, id);
  const auto first = back.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->name, "seats");
  EXPECT_TRUE(back.shows(8, 0));
  EXPECT_EQ(back.state_of(5), 1);
  EXPECT_EQ(back.state_of(0), -1) << "it has that already";
  // And goes on like everybody.
  take(4, event, {11});
  EXPECT_TRUE(back.shows(11, 1));
}

TEST_F(SeatStreamTest, AnotherInstanceAndARestartedOneKnowTheSamePlace) {
  const auto event = seed_event(4, 5);
  std::string id;
  {
    Viewer viewer(boxoffice->port(), event);
    ASSERT_TRUE(viewer.next().has_value());
    id = viewer.last_id();
  }
  take(1, event, {1, 2});
  let_go(1, take_one(1, event, 3));
  const auto other = start(quick());
  Viewer back(other->port(), event, id);
  const auto first = back.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->name, "seats");
  EXPECT_TRUE(back.shows(3, 0));
  EXPECT_EQ(back.state_of(1), 1);
  EXPECT_EQ(back.state_of(0), -1);
  take(2, event, {9});
  EXPECT_TRUE(back.shows(9, 1));
}

TEST_F(SeatStreamTest, AnUnknownPlaceGetsTheWholeMapAndIsToldSo) {
  const auto event = seed_event(4, 5);
  Viewer viewer(boxoffice->port(), event);
  ASSERT_TRUE(viewer.next().has_value());
  std::string id = viewer.last_id();
  const auto with_part = [&id](int part, const std::string& text) {
    std::vector<std::string> parts;
    std::istringstream in(id);
    for (std::string each; std::getline(in, each, '.');) parts.push_back(each);
    parts.at(static_cast<std::size_t>(part)) = text;
    return parts[0] + "." + parts[1] + "." + parts[2] + "." + parts[3];
  };
  for (const std::string& bad :
       {std::string("x"), std::string("1.2.3"), std::string(5000, '1'), with_part(0, "99"),
        with_part(1, "77"), with_part(2, "99999999"), with_part(3, "nonsense"),
        with_part(3, "99999999999999999999999-1"), with_part(2, "-1"), id + ".5"}) {
    Viewer back(boxoffice->port(), event, bad);
    const auto told = back.next();
    ASSERT_TRUE(told.has_value()) << bad << back.status();
    EXPECT_EQ(told->name, "resync") << bad;
    EXPECT_EQ(back.next()->name, "snapshot") << bad;
    EXPECT_EQ(back.map().size(), 20U);
  }
}

TEST_F(SeatStreamTest, WhatRedisTrimmedIsAGap) {
  const auto event = seed_event(4, 5);
  std::string id;
  {
    Viewer viewer(boxoffice->port(), event);
    ASSERT_TRUE(viewer.next().has_value());
    id = viewer.last_id();
  }
  take(1, event, {1});
  take(2, event, {2});
  const std::string key = "{e" + std::to_string(event) + ".1}:ev";
  boxoffice->run([](RedisClient& redis, std::string stream) -> Task<bool> {
    std::vector<std::string> words{"XTRIM", std::move(stream), "MAXLEN", "1"};
    (void)co_await redis.command(std::move(words), Clock::now() + Millis(2000));
    co_return true;
  }(boxoffice->context().redis, key));
  const auto other = start(quick());
  Viewer back(other->port(), event, id);
  const auto told = back.next();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->name, "resync");
  EXPECT_TRUE(back.shows(1, 1));
  EXPECT_EQ(back.state_of(2), 1);
}

TEST_F(SeatStreamTest, AResetAndARebuildSendEverybodyTheNewMap) {
  const auto event = seed_event(4, 5);
  Viewer viewer(boxoffice->port(), event);
  ASSERT_TRUE(viewer.next().has_value());
  take(1, event, {3});
  ASSERT_TRUE(viewer.shows(3, 1));
  ASSERT_EQ(ask_admin("POST", "/admin/rebuild?event=" + std::to_string(event)).status, 200);
  EXPECT_TRUE(viewer.shows(3, 0)) << "a rebuild forgets holds";
  take(1, event, {4});
  ASSERT_TRUE(viewer.shows(4, 1));
  ASSERT_EQ(ask_admin("POST", "/admin/events/" + std::to_string(event) + "/reset").status, 200);
  std::optional<Event> told;
  do {
    told = viewer.next();
    ASSERT_TRUE(told.has_value());
  } while (told->name != "snapshot" || told->data.at("epoch") != 2);
  EXPECT_EQ(viewer.state_of(4), 0);
  ASSERT_TRUE(eventually([&] { return hold(1, event, {5}).status == 201; }));
  EXPECT_TRUE(viewer.shows(5, 1));
}

TEST_F(SeatStreamTest, WhileRedisIsAwayTheStreamStaysAndThenTellsTheTruth) {
  const auto event = seed_event(4, 5);
  Viewer viewer(boxoffice->port(), event);
  ASSERT_TRUE(viewer.next().has_value());
  take(1, event, {3});
  ASSERT_TRUE(viewer.shows(3, 1));
  const auto other = start(quick());  // nobody looks at anything there
  people_redis().kill();
  EXPECT_EQ(
      ask_at(other->port(), "GET", "/api/events/" + std::to_string(event) + "/seats/stream").status,
      503)
      << "an instance that knows nothing has nothing to tell";
  people_redis().start();
  ASSERT_TRUE(eventually([&] {
    return ask_admin("POST", "/admin/rebuild?event=" + std::to_string(event)).status == 200;
  }));
  EXPECT_TRUE(viewer.shows(3, 0));
  ASSERT_TRUE(eventually([&] { return hold(2, event, {6}).status == 201; }));
  EXPECT_TRUE(viewer.shows(6, 1));
}

TEST_F(SeatStreamTest, UnknownEventsHaveNoStream) {
  EXPECT_EQ(ask("GET", "/api/events/99999999/seats/stream").status, 404);
  EXPECT_EQ(ask("GET", "/api/events/x/seats/stream").status, 400);
  EXPECT_EQ(ask("POST", "/api/events/1/seats/stream").status, 405);
}

TEST_F(SeatStreamTest, ADrainEndsEveryStreamCleanly) {
  const auto event = seed_event(4, 5);
  auto going = start(quick());
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (int i = 0; i < 20; ++i) {
    viewers.push_back(std::make_unique<Viewer>(going->port(), event));
    ASSERT_TRUE(viewers.back()->next().has_value());
  }
  auto clean = std::async(std::launch::async, [&] { return going->drain(Millis(10000)); });
  for (auto& viewer : viewers) {
    EXPECT_TRUE(viewer->ended());
    const std::string id = viewer->last_id();
    viewer.reset();
    EXPECT_FALSE(id.empty());
  }
  EXPECT_TRUE(clean.get());
}

// --hold-mode: the flush comes only after ten seconds, so what is seen before was told by the hold.
TEST_F(SeatStreamTest, TheStagesBeforeTheLastTellEveryHoldAtOnce) {
  for (const HoldMode mode : {HoldMode::dual, HoldMode::sync_sse, HoldMode::async_sse}) {
    Config config = quick();
    config.sse_flush_ms = 10000;
    config.hold_modes = {mode};
    const auto staged = start(config);
    const auto event = seed_event(4, 5);
    Viewer viewer(staged->port(), event), other(staged->port(), event);
    ASSERT_TRUE(viewer.next().has_value());
    ASSERT_TRUE(other.next().has_value());
    for (const int seat : {3, 4}) {
      const Told held = ask_at(staged->port(), "POST", "/api/reservations",
                               Json{{"eventId", event}, {"seatIds", {seat}}}.dump(), bearer(1));
      ASSERT_EQ(held.status, 201) << held.text;
      EXPECT_TRUE(viewer.shows(static_cast<std::uint32_t>(seat), 1, Millis(5000))) << name_of(mode);
      EXPECT_TRUE(other.shows(static_cast<std::uint32_t>(seat), 1, Millis(5000))) << name_of(mode);
    }
  }
}

TEST_F(SeatStreamTest, TheLastStageWaitsForTheFlush) {
  Config config = quick();
  config.sse_flush_ms = 10000;
  const auto tuned = start(config);
  const auto event = seed_event(4, 5);
  Viewer viewer(tuned->port(), event);
  ASSERT_TRUE(viewer.next().has_value());
  const Told held = ask_at(tuned->port(), "POST", "/api/reservations",
                           Json{{"eventId", event}, {"seatIds", {3}}}.dump(), bearer(1));
  ASSERT_EQ(held.status, 201) << held.text;
  EXPECT_FALSE(viewer.next(Millis(500)).has_value());
}

// The harm of sse_in_hold_path: when a hold is answered, the feed has been read for it, hold by
// hold; without it the one reading of the flush does for all.
TEST_F(SeatStreamTest, TheDefectMakesEveryHoldWaitForTheLiveMaps) {
  Config config = quick();
  config.sse_flush_ms = 10000;
  const auto tuned = start(config);
  const auto event = seed_event(4, 5);
  Viewer viewer(tuned->port(), event);
  ASSERT_TRUE(viewer.next().has_value());
  const std::string reads = "redis_script_seconds_count{script=\"seat_feed\"}";
  const auto reads_of_three_holds = [&](int first) {
    const double before = figure(*tuned, reads);
    for (int seat = first; seat < first + 3; ++seat) {
      const Told held = ask_at(tuned->port(), "POST", "/api/reservations",
                               Json{{"eventId", event}, {"seatIds", {seat}}}.dump(),
                               bearer(static_cast<std::uint64_t>(seat) + 1));
      EXPECT_EQ(held.status, 201) << held.text;
    }
    return figure(*tuned, reads) - before;
  };
  EXPECT_EQ(reads_of_three_holds(0), 0);
  tuned->context().switches.sse_in_hold_path = true;
  EXPECT_EQ(reads_of_three_holds(10), 3);
  for (const std::uint32_t seat : {10U, 11U, 12U}) {
    EXPECT_TRUE(viewer.shows(seat, 1, Millis(5000))) << seat;
  }
}

// A ticket that Redis does not know of, which cannot be in life: only `dual` looks for it.
TEST_F(SeatStreamTest, OnlyTheFirstStageAsksTheDatabase) {
  const auto event = seed_event(4, 5);
  const std::string id = std::to_string(event);
  sql("INSERT INTO tickets (event_id, epoch, seat_no, order_id, user_id) SELECT id, epoch, 7, 1, 9 "
      "FROM events WHERE id = " +
      id);
  Config config = quick();
  config.hold_modes = {HoldMode::dual};
  const auto dual = start(config);
  const std::string body = Json{{"eventId", event}, {"seatIds", {6, 7}}}.dump();
  const Told refused = ask_at(dual->port(), "POST", "/api/reservations", body, bearer(1));
  EXPECT_EQ(refused.status, 422) << refused.text;
  EXPECT_EQ(refused.code(), "SEAT_SOLD");
  EXPECT_EQ(ask_as(1, "POST", "/api/reservations", body).status, 201);
  sql("DELETE FROM tickets WHERE event_id = " + id);
}

// Events take the modes in turn of their id.
TEST_F(SeatStreamTest, OneServerMayHaveAllStages) {
  Config config = quick();
  config.sse_flush_ms = 10000;
  config.hold_modes = {HoldMode::sync_sse, HoldMode::tuned};
  const auto mixed = start(config);
  for (int i = 0; i < 2; ++i) {
    const auto event = seed_event(4, 5);
    Viewer viewer(mixed->port(), event);
    ASSERT_TRUE(viewer.next().has_value());
    const Told held = ask_at(mixed->port(), "POST", "/api/reservations",
                             Json{{"eventId", event}, {"seatIds", {3}}}.dump(), bearer(1));
    ASSERT_EQ(held.status, 201) << held.text;
    EXPECT_EQ(viewer.next(Millis(event % 2 == 1 ? 5000 : 500)).has_value(), event % 2 == 1);
  }
}

// Hundreds look, one buys: everybody's map is the same, and Redis was asked once per flush, not
// once per client.
TEST_F(SeatStreamTest, ACrowdCostsRedisNoMoreThanOneViewer) {
  constexpr int crowd = 300;
  const auto event = seed_event(10, 10);
  const auto busy = start(quick());
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (int i = 0; i < crowd; ++i) viewers.push_back(std::make_unique<Viewer>(busy->port(), event));
  for (auto& viewer : viewers) ASSERT_TRUE(viewer->next().has_value());
  EXPECT_EQ(busy->load().event_streams, static_cast<std::uint32_t>(crowd));
  const std::string reads = "redis_script_seconds_count{script=\"seat_feed\"}";
  const double before = figure(*busy, reads);
  const TimePoint begun = Clock::now();
  for (int seat = 0; seat < 100; ++seat) take(static_cast<std::uint64_t>(seat) + 1, event, {seat});
  const auto truth = served_map(event);
  for (auto& viewer : viewers) {
    ASSERT_TRUE(viewer->shows(99, 1));
    EXPECT_EQ(viewer->map(), truth);
  }
  const double flushes = std::chrono::duration<double>(Clock::now() - begun) / Millis(20);
  EXPECT_LE(figure(*busy, reads) - before, flushes + 5);
  viewers.clear();
  EXPECT_TRUE(eventually([&] { return busy->load().event_streams == 0; }));
}

}  // namespace
}  // namespace boxoffice
