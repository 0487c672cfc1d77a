#include "harness/topology/boxoffice_admin.hpp"

#include "harness/topology/http_exchange.hpp"

namespace stampede {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds quick{10}, slow{120};
constexpr std::size_t body_shown_max = 300;

std::string start_of(const std::string& body) {
  std::string shown = body.substr(0, body_shown_max);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  return body.size() > body_shown_max ? shown + " …" : shown;
}

HttpAnswer ask(const Endpoint& admin, const std::string& token, const std::string& method,
               const std::string& target, const Json& body, std::chrono::milliseconds timeout) {
  const std::string where =
      fmt::format("boxoffice admin: {} http://{}:{}{}", method, admin.host, admin.port, target);
  HttpQuestion question{method, target, "", {{"Admin-Token", token}}};
  if (!body.is_null()) {
    question.body = body.dump();
    question.headers.emplace_back("Content-Type", "application/json");
  }
  HttpAnswer answer;
  try {
    answer = exchange(admin, question, timeout);
  } catch (const std::exception& error) {
    throw TopologyError(fmt::format("{}: {}", where, error.what()));
  }
  if (answer.status < 200 || answer.status > 299) {
    throw TopologyError(
        fmt::format("{}: status {}: {}", where, answer.status, start_of(answer.body)));
  }
  return answer;
}

// Reads an answer; a body of another shape than agreed is an error that shows its start.
template <class Read>
auto read_json(const std::string& request, const HttpAnswer& answer, Read read) {
  try {
    return read(Json::parse(answer.body));
  } catch (const Json::exception&) {
    throw TopologyError(fmt::format("boxoffice admin: {}: status {}, but not the agreed JSON: {}",
                                    request, answer.status, start_of(answer.body)));
  }
}

std::int64_t millis(Nanos duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::int64_t wall_ms() {
  return millis(
      std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch()));
}
// Until the load starts: open_event() says when.
std::int64_t opening_far_ms() { return wall_ms() + 3600000; }

Json event_json(const EventSpec& event) {
  return {{"mode", "RESERVED"},
          {"rows", event.rows},
          {"cols", event.columns},
          {"grades", Json::array({{{"grade", "A"}, {"price", event.price}}})},
          {"holdTtlMs", millis(event.hold_ttl)},
          {"maxPerUser", event.max_per_user},
          {"saleOpenAt", event.opens_after > Nanos{0} ? Json(opening_far_ms()) : Json(nullptr)},
          {"queue",
           {{"on", event.queue_on},
            {"cap", event.queue_cap},
            {"rate", event.queue_rate},
            {"burst", event.queue_burst},
            {"mode", event.queue_random ? "RANDOM" : "FIFO"},
            {"requeue", event.queue_requeue},
            {"leaseMs", millis(event.queue_lease)},
            {"heartbeatMs", millis(event.queue_heartbeat)}}}};
}

// "own-raise" → "OWN_RAISE"
std::string upper(std::string word) {
  for (char& c : word) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return word;
}

Json auction_json(const AuctionSpec& auction) {
  return {{"slots", auction.slots},
          {"startPrice", auction.start_price},
          {"minStep", auction.step},
          {"maxBids", auction.bids},
          {"rule", upper(auction.rule)},
          {"pricing", auction.pricing == "uniform" ? "UNIFORM_CUTOFF" : "PAY_AS_BID"},
          {"opensInMs", 3600000},  // until the load starts: open_auction()
          {"durationMs", millis(auction.duration)},
          {"offerTtlMs", millis(auction.offer_ttl)}};
}

Json room_json(const RoomSpec& room) {
  return {{"rows", room.rows},           {"cols", room.columns},
          {"bots", room.bots},           {"periodMs", millis(room.period)},
          {"openMs", millis(room.open)}, {"reactionMs", millis(room.reaction)}};
}

SeededGames read_games(const Json& json, std::vector<SeededEvent>& events) {
  SeededGames games;
  for (const Json& auction : json.value("auctions", Json::array())) {
    const auto event = auction.at("eventId").get<std::uint64_t>();
    games.auctions.push_back({auction.at("id").get<std::uint64_t>(), event});
    events.push_back({event, auction.at("epoch").get<std::uint32_t>(), 0});
  }
  for (const Json& room : json.value("practice", Json::array()))
    games.rooms.push_back(room.at("id").get<std::uint64_t>());
  return games;
}

}  // namespace

BoxofficeAdmin::BoxofficeAdmin(Endpoint admin, std::string token)
    : admin_(std::move(admin)), token_(std::move(token)) {}

BoxofficeAdmin::Seeded BoxofficeAdmin::seed(const DataSpec& data, std::uint64_t seed_number) {
  Json events = Json::array();
  for (const EventSpec& event : data.events) events.push_back(event_json(event));
  Json body{{"seed", seed_number},
            {"users", {{"n", data.users}, {"prefix", "load"}}},
            {"events", std::move(events)}};
  if (data.admins > 0) body["venue"] = {{"name", "the hall"}, {"address", "1 Load Street"}};
  for (const AuctionSpec& auction : data.auctions)
    body["auctions"].push_back(auction_json(auction));
  for (const RoomSpec& room : data.rooms) body["practice"].push_back(room_json(room));
  const HttpAnswer answer = ask(admin_, token_, "POST", "/admin/seed", body, slow);
  Seeded seeded = read_json("POST /admin/seed", answer, [](const Json& json) {
    Seeded result;
    result.first_user = json.at("firstUser").get<std::uint64_t>();
    result.users = json.at("users").get<std::uint64_t>();
    const Json venue = json.value("venue", Json());
    if (venue.is_number_unsigned()) result.venue = venue.get<std::uint64_t>();
    for (const Json& event : json.at("events")) {
      result.events.push_back({event.at("id").get<std::uint64_t>(),
                               event.at("epoch").get<std::uint32_t>(),
                               event.at("seats").get<std::uint32_t>()});
    }
    result.games = read_games(json, result.events);
    return result;
  });
  const std::size_t events_made = data.events.size() + data.auctions.size();
  if (seeded.users < data.users || seeded.events.size() != events_made ||
      seeded.games.rooms.size() != data.rooms.size()) {
    throw TopologyError(fmt::format(
        "boxoffice admin: POST /admin/seed made {} users and {} events; {} and {} were asked for",
        seeded.users, seeded.events.size(), data.users, events_made));
  }
  return seeded;
}

std::vector<UserToken> BoxofficeAdmin::tokens(std::uint64_t from, std::uint64_t to,
                                              std::chrono::seconds ttl, const std::string& role) {
  const Json body{{"from", from},
                  {"to", to},
                  {"role", role},
                  {"ttlMs", std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count()}};
  const HttpAnswer answer = ask(admin_, token_, "POST", "/admin/tokens", body, slow);
  std::vector<UserToken> tokens;
  tokens.reserve(to >= from ? to - from + 1 : 0);
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    try {
      const Json json = Json::parse(line);
      tokens.push_back({json.at("user").get<std::uint64_t>(), json.at("token").get<std::string>()});
    } catch (const Json::exception&) {
      // The line is not shown: it may hold a token.
      throw TopologyError(
          fmt::format("boxoffice admin: POST /admin/tokens: line {} is not the agreed JSON",
                      tokens.size() + 1));
    }
  }
  if (to >= from && tokens.size() != to - from + 1) {
    throw TopologyError(fmt::format("boxoffice admin: POST /admin/tokens: {} tokens; {} asked for",
                                    tokens.size(), to - from + 1));
  }
  return tokens;
}

void BoxofficeAdmin::open_event(std::uint64_t event, const EventSpec& spec) {
  const Json body{{"at", wall_ms() + millis(spec.opens_after)}};
  ask(admin_, token_, "POST", fmt::format("/admin/events/{}/open", event), body, quick);
}

void BoxofficeAdmin::open_auction(std::uint64_t auction, const AuctionSpec& spec) {
  const Json body{{"inMs", millis(spec.opens_after)}, {"durationMs", millis(spec.duration)}};
  ask(admin_, token_, "POST", fmt::format("/admin/auctions/{}/open", auction), body, quick);
}

QuiesceResult BoxofficeAdmin::quiesce(std::chrono::milliseconds timeout) {
  const Json body{{"timeoutMs", timeout.count()}};
  const HttpAnswer answer =
      ask(admin_, token_, "POST", "/admin/quiesce", body, timeout + std::chrono::seconds{10});
  return read_json("POST /admin/quiesce", answer, [](const Json& json) {
    QuiesceResult result;
    result.quiet = json.at("quiet").get<bool>();
    for (const auto& [name, count] : json.at("left").items()) {
      if (count.is_number() && count.get<double>() == 0) continue;
      result.left += fmt::format("{}{} {}", result.left.empty() ? "" : ", ", count.dump(), name);
    }
    return result;
  });
}

TargetConfig BoxofficeAdmin::config() {
  const HttpAnswer answer = ask(admin_, token_, "GET", "/admin/config", nullptr, quick);
  TargetConfig config = read_json("GET /admin/config", answer, [](const Json& json) {
    TargetConfig result;
    result.tainted = json.at("tainted").get<bool>();
    for (const Json& name : json.at("defects")) {
      result.defects.push_back(name.get<std::string>());
    }
    return result;
  });
  config.text = answer.body;
  return config;
}

std::string BoxofficeAdmin::stats() {
  return ask(admin_, token_, "GET", "/admin/stats", nullptr, quick).body;
}

}  // namespace stampede
