// Routes of practice rooms.
#include <fmt/format.h>

#include "target/http/json_body.hpp"
#include "target/http/jwt.hpp"
#include "target/http/list_page.hpp"
#include "target/practice_parts.hpp"
#include "target/service/instant.hpp"
#include "target/service/order.hpp"
#include "target/service/practice.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

constexpr std::uint64_t leaders_default = 10;

No no_such_room() { return refused(Refusal::not_found, "there is no such practice room"); }

std::string render(const PracticeRoom& room) {
  return fmt::format(
      R"({{"roomId":"{}","title":{},"periodMs":{},"openMs":{},"rows":{},"cols":{},"bots":{}}})",
      room.id, nlohmann::json(room.title).dump(), room.period_ms, room.open_ms, room.rows,
      room.columns, room.bots);
}

std::string render(const PracticeView& view) {
  const PracticeRoom& room = *view.room;
  const PracticeBoard& board = view.board;
  const auto opens_ms = static_cast<std::int64_t>(board.cycle) * room.period_ms;
  const std::int64_t next_ms = opens_ms + room.period_ms;
  return fmt::format(
      R"({{"roomId":"{}","title":{},"cycleId":{},"serverNow":"{}","serverNowMs":{},"opensAt":"{}",)"
      R"("closesAt":"{}","nextOpensAt":"{}","nextOpensInMs":{},"open":{},"periodMs":{},)"
      R"("openMs":{},"rows":{},"cols":{},"bots":{},"bits":"{}"}})",
      room.id, nlohmann::json(room.title).dump(), board.cycle, rfc3339(board.now_ms), board.now_ms,
      rfc3339(opens_ms), rfc3339(opens_ms + room.open_ms), rfc3339(next_ms), next_ms - board.now_ms,
      board.now_ms < opens_ms + room.open_ms, room.period_ms, room.open_ms, room.rows, room.columns,
      room.bots, base64(board.bits));
}

std::string render(const PracticeResult& result) {
  const PracticeRecord& record = result.record;
  return fmt::format(
      R"({{"recordId":"{}","cycleId":{},"seatId":{},"durationMs":{},"topPercent":{:.2f},)"
      R"("total":{}}})",
      record.id, record.cycle, record.seat, record.duration_ms, result.top_percent, result.total);
}

class PracticeRoutes {
 public:
  explicit PracticeRoutes(ThreadContext& thread)
      : store_(make_practice_store(thread.mysql, thread.metrics)),
        boards_(make_practice_boards(thread.redis, thread.metrics)),
        hall_(thread.io, *store_, *boards_, thread.metrics) {}

  Task<HttpResponse> list(const HttpRequest& request) {
    const auto part = list_page(request);
    if (!part) co_return problem(part.error(), request);
    const PracticeRoomPage found = co_await hall_.list(part->page - 1, part->size);
    std::string items;
    for (const PracticeRoomPtr& room : found.items)
      items += (items.empty() ? "" : ",") + render(*room);
    co_return json_response(200, fmt::format(R"({{"items":[{}],"page":{},"size":{},"total":{}}})",
                                             items, part->page, part->size, found.total));
  }

  Task<HttpResponse> look(const HttpRequest& request) {
    const auto room = request.path_id(0);
    if (!room) co_return problem(no_such_room(), request);
    const auto view = co_await hall_.look(*room);
    if (!view) co_return problem(view.error(), request);
    co_return json_response(200, render(*view));
  }

  Task<HttpResponse> confirm(const HttpRequest& request) {
    const auto room = request.path_id(0);
    if (!room) co_return problem(no_such_room(), request);
    const auto body = read_json_object(request.body);
    if (!body) co_return problem(body.error(), request);
    const auto seat = body->members.find("seatId");
    const auto number = seat == body->members.end() ? std::nullopt : json_unsigned(*seat);
    if (!number || *number > 0xFFFFFFFFU)
      co_return problem(refused(Refusal::validation_failed, "seatId must be a seat number"),
                        request);
    const PracticeTry wanted{request.caller->user, static_cast<std::uint32_t>(*number), 0};
    const auto result = co_await hall_.confirm(*room, wanted);
    if (!result) co_return problem(result.error(), request);
    co_return json_response(201, render(*result));
  }

  Task<HttpResponse> record(const HttpRequest& request) {
    const auto room = request.path_id(0), id = request.path_id(1);
    if (!room || !id) co_return problem(no_such_room(), request);
    const auto result = co_await hall_.record(*room, *id, request.caller->user);
    if (!result) co_return problem(result.error(), request);
    co_return json_response(200, render(*result));
  }

  Task<HttpResponse> leaderboard(const HttpRequest& request) {
    const auto room = request.path_id(0);
    if (!room) co_return problem(no_such_room(), request);
    const auto text = request.query_value("n");
    const auto count = text ? decimal(*text) : std::optional<std::uint64_t>(leaders_default);
    if (!count || *count == 0) {
      co_return problem(refused(Refusal::validation_failed, "n must be a number above 0"), request);
    }
    const auto leaders = co_await hall_.leaderboard(
        *room, static_cast<std::uint32_t>(std::min<std::uint64_t>(*count, leaderboard_max)));
    if (!leaders) co_return problem(leaders.error(), request);
    std::string list;
    std::uint32_t rank = 0;
    for (const PracticeRecord& one : *leaders) {
      fmt::format_to(std::back_inserter(list),
                     R"({}{{"rank":{},"userId":"{}","cycleId":{},"seatId":{},"durationMs":{}}})",
                     list.empty() ? "" : ",", ++rank, one.user, one.cycle, one.seat,
                     one.duration_ms);
    }
    co_return json_response(200, fmt::format(R"({{"leaders":[{}]}})", list));
  }

 private:
  std::unique_ptr<PracticeStore> store_;
  std::unique_ptr<PracticeBoards> boards_;
  PracticeHall hall_;
};

using Method = Task<HttpResponse> (PracticeRoutes::*)(const HttpRequest&);
struct PracticeRow {
  std::string_view method, pattern;
  Method handle;
};
constexpr PracticeRow rows[] = {
    {"GET", "/api/practice", &PracticeRoutes::list},
    {"GET", "/api/practice/{room}", &PracticeRoutes::look},
    {"POST", "/api/practice/{room}/confirm", &PracticeRoutes::confirm},
    {"GET", "/api/practice/{room}/records/{id}", &PracticeRoutes::record},
    {"GET", "/api/practice/{room}/leaderboard", &PracticeRoutes::leaderboard},
};

}  // namespace

std::shared_ptr<void> add_practice_routes(ThreadContext& thread, RouteTable& table) {
  const auto routes = std::make_shared<PracticeRoutes>(thread);
  for (const PracticeRow& row : rows) {
    Route route;
    route.method = row.method;
    route.pattern = row.pattern;
    route.role = "practice";
    route.handle = [to = routes.get(), handle = row.handle](const HttpRequest& request) {
      return (to->*handle)(request);
    };
    table.routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace boxoffice
