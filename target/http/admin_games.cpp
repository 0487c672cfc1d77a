#include "target/http/admin_games.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "target/http/json_fields.hpp"
#include "target/service/instant.hpp"
#include "target/service/order.hpp"
#include "target/service/wall_time.hpp"
#include "target/service/webhook_signature.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

constexpr std::size_t games_max = 100;
constexpr std::int64_t slots_max = 10000, price_max = 100'000'000, bids_most = 100;
constexpr std::int64_t day_ms = 86'400'000, hour_ms = 3'600'000;
constexpr std::int64_t seats_max = 200'000, bots_max = 10'000, side_max = 2000;
constexpr std::uint32_t auction_columns = 20;

template <class To, class From>
void put(To& to, const std::optional<From>& from) {
  if (from) to = static_cast<To>(*from);
}

template <class Enum>
void put_word(JsonFields& fields, const char* name,
              std::initializer_list<std::pair<const char*, Enum>> words, Enum& value) {
  const auto text = fields.text(name, 24);
  if (!text) return;
  std::string known;
  for (const auto& [word, meaning] : words) {
    if (*text == word) {
      value = meaning;
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  fields.problem(name, "must be one of " + known);
}

SeedAuction read_auction(const Json& body, std::size_t index, Problems& problems) {
  JsonFields fields(body, fmt::format("auctions[{}]", index), problems);
  SeedAuction seed;
  AuctionInfo& facts = seed.facts;
  put(facts.slots, fields.whole("slots", 1, slots_max));
  put(facts.start_price, fields.whole("startPrice", 1, price_max));
  if (facts.start_price == 0) facts.start_price = 10000;
  put(facts.min_step, fields.whole("minStep", 1, price_max));
  put(facts.bids_max, fields.whole("maxBids", 1, bids_most));
  put(facts.offer_ttl_ms, fields.whole("offerTtlMs", 100, day_ms));
  put_word(
      fields, "rule",
      {std::pair{"OWN_RAISE", BidRule::own_raise}, std::pair{"BEAT_CUTOFF", BidRule::beat_cutoff},
       std::pair{"BEAT_TOP", BidRule::beat_top}},
      facts.rule);
  put_word(fields, "pricing",
           {std::pair{"PAY_AS_BID", Pricing::pay_as_bid},
            std::pair{"UNIFORM_CUTOFF", Pricing::uniform_cutoff}},
           facts.pricing);
  put(seed.opens_in_ms, fields.whole("opensInMs", 0, day_ms));
  put(seed.length_ms, fields.whole("durationMs", 100, day_ms));
  SeedEvent& event = seed.event;
  event.mode = "AUCTION";
  event.title = fields.text("title", 200).value_or(fmt::format("Auction {}", index + 1));
  event.columns = std::min(facts.slots, auction_columns);
  event.rows = (facts.slots + event.columns - 1) / event.columns;
  event.max_per_user = 1;
  event.grades = {{'V', static_cast<std::uint32_t>(facts.start_price)}};
  return seed;
}

PracticeRoom read_room(const Json& body, std::size_t index, Problems& problems) {
  JsonFields fields(body, fmt::format("practice[{}]", index), problems);
  PracticeRoom room;
  room.title = fields.text("title", 200).value_or(fmt::format("Practice {}", index + 1));
  put(room.period_ms, fields.whole("periodMs", 100, hour_ms));
  put(room.open_ms, fields.whole("openMs", 1, hour_ms));
  put(room.rows, fields.whole("rows", 1, side_max));
  put(room.columns, fields.whole("cols", 1, side_max));
  put(room.bots, fields.whole("bots", 0, bots_max));
  put(room.reaction_ms, fields.whole("reactionMs", 1, hour_ms));
  if (room.open_ms > room.period_ms) fields.problem("openMs", "must not be above periodMs");
  if (std::int64_t{room.rows} * room.columns > seats_max)
    fields.problem("rows", fmt::format("times cols must be at most {}", seats_max));
  return room;
}

HttpResponse answer(const Json& json) { return json_response(200, json.dump()); }

std::optional<Json> body_of(const HttpRequest& request) {
  if (request.body.empty()) return Json::object();
  Json json = Json::parse(request.body, nullptr, false);
  if (json.is_discarded()) return {};
  return json;
}

HttpResponse invalid(const Problems& problems, const HttpRequest& request) {
  return problem(refused(Refusal::validation_failed, fmt::format("{}", fmt::join(problems, "; "))),
                 request);
}

}  // namespace

AdminGames::AdminGames(ThreadContext& thread)
    : auctions_(make_auction_store(thread.io, thread.mysql, thread.switches, thread.metrics)),
      book_(make_auction_book(thread.redis, thread.switches, thread.metrics)),
      practice_(make_practice_store(thread.mysql, thread.metrics)) {}

GamesPlan AdminGames::read(const Json& body, Problems& problems) {
  JsonFields fields(body, "", problems);
  GamesPlan plan;
  if (const Json* auctions = fields.array("auctions", games_max)) {
    for (std::size_t i = 0; i < auctions->size(); ++i)
      plan.auctions.push_back(read_auction((*auctions)[i], i, problems));
  }
  if (const Json* rooms = fields.array("practice", games_max)) {
    for (std::size_t i = 0; i < rooms->size(); ++i)
      plan.rooms.push_back(read_room((*rooms)[i], i, problems));
  }
  return plan;
}

Task<void> AdminGames::seed(GamesPlan plan, Admin& admin, Json& answer) {
  answer["auctions"] = Json::array();
  answer["practice"] = Json::array();
  for (SeedAuction& wanted : plan.auctions) {
    SeedPlan events;
    events.events.push_back(std::move(wanted.event));
    const Seeded seeded = co_await admin.seed(std::move(events));
    AuctionInfo facts = wanted.facts;
    facts.event = seeded.events.at(0).id;
    facts.epoch = seeded.events.at(0).epoch;
    facts.opens_ms = co_await book_->now_ms() + wanted.opens_in_ms;
    facts.closes_ms = facts.opens_ms + wanted.length_ms;
    facts.id = co_await auctions_->create({facts});
    co_await book_->restore(std::make_shared<const AuctionInfo>(facts), {});
    answer["auctions"].push_back({{"id", facts.id},
                                  {"eventId", facts.event},
                                  {"epoch", facts.epoch},
                                  {"opensAt", rfc3339(facts.opens_ms)},
                                  {"closesAt", rfc3339(facts.closes_ms)}});
  }
  for (PracticeRoom& room : plan.rooms) {
    const std::uint64_t id = co_await practice_->create(std::move(room));
    answer["practice"].push_back({{"id", id}});
  }
}

// Moves the time of an auction that is not decided: {inMs, durationMs}, from now.
Task<HttpResponse> AdminGames::open_auction(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) co_return problem(refused(Refusal::malformed, "the body is not JSON"), request);
  Problems problems;
  JsonFields fields(*body, "", problems);
  const auto in_ms = fields.whole("inMs", 0, day_ms).value_or(0);
  const auto length_ms = fields.whole("durationMs", 100, day_ms);
  if (!problems.empty()) co_return invalid(problems, request);
  const auto id = request.path_id(0);
  const AuctionPtr found = id ? co_await auctions_->find(*id) : nullptr;
  if (found == nullptr) co_return problem(refused(Refusal::not_found), request);
  AuctionInfo moved = *found;
  moved.opens_ms = co_await book_->now_ms() + in_ms;
  moved.closes_ms = moved.opens_ms + length_ms.value_or(found->closes_ms - found->opens_ms);
  const bool done = co_await auctions_->move(*id, moved.opens_ms, moved.closes_ms);
  if (!done) co_return problem(refused(Refusal::already_final, "the auction is decided"), request);
  co_await book_->restore(std::make_shared<const AuctionInfo>(moved), {});
  co_return answer(
      {{"id", *id}, {"opensAt", rfc3339(moved.opens_ms)}, {"closesAt", rfc3339(moved.closes_ms)}});
}

Task<HttpResponse> AdminGames::bots(const HttpRequest&) {
  Json rooms = Json::array();
  for (const PracticeRoomPtr& room : co_await practice_->all())
    rooms.push_back({{"room", room->id}, {"bots", room->bots}});
  co_return answer({{"rooms", rooms}});
}

// {room, bots}; DELETE has no body but ?room=.
Task<HttpResponse> AdminGames::set_bots(const HttpRequest& request) {
  const auto body = body_of(request);
  if (!body) co_return problem(refused(Refusal::malformed, "the body is not JSON"), request);
  Problems problems;
  JsonFields fields(*body, "", problems);
  auto room = fields.whole("room", 1, INT64_MAX);
  const auto bots = fields.whole("bots", 0, bots_max).value_or(0);
  if (!problems.empty()) co_return invalid(problems, request);
  if (!room) {
    room = static_cast<std::int64_t>(decimal(request.query_value("room").value_or("")).value_or(0) &
                                     INT64_MAX);
  }
  const bool set = co_await practice_->set_bots(static_cast<std::uint64_t>(*room),
                                                static_cast<std::uint32_t>(bots));
  if (!set) co_return problem(refused(Refusal::not_found, "no such practice room"), request);
  co_return answer({{"room", *room}, {"bots", bots}});
}

std::shared_ptr<void> add_admin_games(ThreadContext& thread, RouteTable& table) {
  const auto games = std::make_shared<AdminGames>(thread);
  const auto add = [&table](std::string_view method, std::string_view pattern, auto handle) {
    Route route;
    route.method = method;
    route.pattern = pattern;
    route.role = "admin";
    route.auth = Auth::admin_token;
    route.admin = true;
    route.handle = std::move(handle);
    table.routes.push_back(std::move(route));
  };
  AdminGames* const at = games.get();
  add("POST", "/admin/auctions/{id}/open",
      [at](const HttpRequest& request) { return at->open_auction(request); });
  add("GET", "/admin/bots", [at](const HttpRequest& request) { return at->bots(request); });
  add("POST", "/admin/bots", [at](const HttpRequest& request) { return at->set_bots(request); });
  add("DELETE", "/admin/bots", [at](const HttpRequest& request) { return at->set_bots(request); });
  return games;
}

}  // namespace boxoffice
