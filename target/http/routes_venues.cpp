// Venues, their events, prices and seat locks: for the roles COMPANY (its own) and ADMIN (all).
#include <fmt/format.h>

#include "target/account_parts.hpp"
#include "target/admin_parts.hpp"
#include "target/http/admin_json.hpp"
#include "target/http/json_answers.hpp"
#include "target/http/json_body.hpp"
#include "target/http/json_fields.hpp"
#include "target/service/venues.hpp"

namespace boxoffice {

namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

constexpr std::int64_t venue_rows_max = 200, venue_columns_max = 200;
constexpr std::int64_t price_max = 100000000;
constexpr std::size_t grades_max = 26;
constexpr Millis making_time{60000};

Json to_json(const Venue& venue) {
  return {{"venueId", venue.id},
          {"name", venue.name},
          {"address", venue.address},
          {"rows", venue.rows},
          {"cols", venue.columns}};
}

Prices read_prices(const Json& body, Problems& problems) {
  Prices prices;
  const Json* const grades = JsonFields(body, "", problems).array("grades", grades_max);
  for (std::size_t i = 0; grades != nullptr && i < grades->size(); ++i) {
    JsonFields fields((*grades)[i], fmt::format("grades[{}]", i), problems);
    const auto grade = fields.text("grade", 1);
    const auto price = fields.whole("price", 0, price_max);
    if (!grade || grade->empty() || !price) fields.problem("grade", "and price are needed");
    if (!problems.empty()) return prices;
    prices.emplace_back(grade->front(), static_cast<std::uint32_t>(*price));
  }
  if (prices.empty()) problems.emplace_back("grades must be a list of {grade, price}");
  return prices;
}

class VenueRoutes {
 public:
  explicit VenueRoutes(ThreadContext& thread)
      : store_(make_venue_store(thread.mysql, thread.metrics)),
        admin_store_(make_admin_store(thread.mysql)),
        keys_(make_admin_keys(thread.redis)),
        admin_({*admin_store_, *keys_, thread.events, thread.catalogue, thread.seats,
                thread.seat_ledger, thread.leases, thread.switches}),
        venues_(*store_, admin_, thread.catalogue) {}

  Task<HttpResponse> create(const HttpRequest& request);
  Task<HttpResponse> find(const HttpRequest& request);
  Task<HttpResponse> open_event(const HttpRequest& request);
  Task<HttpResponse> set_prices(const HttpRequest& request);
  Task<HttpResponse> lock_seat(const HttpRequest& request);

 private:
  std::unique_ptr<VenueStore> store_;
  std::unique_ptr<AdminStore> admin_store_;
  std::unique_ptr<AdminKeys> keys_;
  Admin admin_;
  Venues venues_;
};

Task<HttpResponse> VenueRoutes::create(const HttpRequest& request) {
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  JsonFields fields(body->members, "", problems);
  Venue venue;
  venue.name = fields.text("name", 120).value_or("");
  venue.address = fields.text("address", 255).value_or("");
  const auto rows = fields.whole("rows", 1, venue_rows_max);
  const auto columns = fields.whole("cols", 1, venue_columns_max);
  if (venue.name.empty()) problems.emplace_back("name is needed");
  if (problems.empty() && (!rows || !columns)) problems.emplace_back("rows and cols are needed");
  if (!problems.empty()) co_return invalid(problems, request);
  venue.rows = static_cast<std::uint32_t>(*rows);
  venue.columns = static_cast<std::uint32_t>(*columns);
  const Venue made = co_await venues_.create(*request.caller, std::move(venue));
  auto response = answer(to_json(made), 201);
  response.headers.emplace_back("Location", fmt::format("/api/venues/{}", made.id));
  co_return response;
}

Task<HttpResponse> VenueRoutes::find(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return problem(refuse(Refusal::not_found, "no such venue"), request);
  const auto venue = co_await venues_.find(*id);
  if (!venue) co_return problem(venue.error(), request);
  co_return answer(to_json(*venue));
}

// The event is read as the seed's are; only the venue is the caller's.
Task<HttpResponse> VenueRoutes::open_event(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return problem(refuse(Refusal::not_found, "no such venue"), request);
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  SeedPlan plan = read_seed_plan(Json{{"events", Json::array({body->members})}}, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  SeedEvent event = std::move(plan.events.at(0));
  std::string grades;
  for (const auto& [grade, price] : event.grades) {
    if (grades.find(grade) != std::string::npos) problems.emplace_back("a grade is there twice");
    grades += grade;
  }
  if (!problems.empty()) co_return invalid(problems, request);
  const auto made = co_await venues_.open_event(*request.caller, *id, std::move(event));
  if (!made) co_return problem(made.error(), request);
  auto response =
      answer({{"eventId", made->id}, {"epoch", made->epoch}, {"seatCount", made->seats}}, 201);
  response.headers.emplace_back("Location", fmt::format("/api/events/{}", made->id));
  co_return response;
}

Task<HttpResponse> VenueRoutes::set_prices(const HttpRequest& request) {
  const auto id = request.path_id(0);
  if (!id) co_return problem(refuse(Refusal::not_found, "no such event"), request);
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  Prices prices = read_prices(body->members, problems);
  if (!problems.empty()) co_return invalid(problems, request);
  const auto set = co_await venues_.set_prices(*request.caller, *id, std::move(prices));
  if (!set) co_return problem(set.error(), request);
  co_return no_content();
}

Task<HttpResponse> VenueRoutes::lock_seat(const HttpRequest& request) {
  const auto id = request.path_id(0), seat = request.path_id(1);
  if (!id || !seat || *seat > UINT32_MAX)
    co_return problem(refuse(Refusal::not_found, "no such seat"), request);
  const auto body = read_json_object(request.body);
  if (!body) co_return problem(body.error(), request);
  Problems problems;
  const auto locked = JsonFields(body->members, "", problems).flag("locked");
  if (!locked) problems.emplace_back("locked is needed");
  if (!problems.empty()) co_return invalid(problems, request);
  const auto done =
      co_await venues_.lock_seat(*request.caller, *id, static_cast<std::uint32_t>(*seat), *locked);
  if (!done) co_return problem(done.error(), request);
  co_return answer({{"venue", *id}, {"seatId", *seat}, {"locked", *locked}, {"events", *done}});
}

using Method = Task<HttpResponse> (VenueRoutes::*)(const HttpRequest&);
struct VenueRow {
  std::string_view method, pattern;
  Role least;
  Method handle;
};
constexpr VenueRow rows[] = {
    {"POST", "/api/venues", Role::company, &VenueRoutes::create},
    {"GET", "/api/venues/{id}", Role::user, &VenueRoutes::find},
    {"POST", "/api/venues/{id}/events", Role::company, &VenueRoutes::open_event},
    {"PATCH", "/api/venues/{id}/seats/{seat}", Role::company, &VenueRoutes::lock_seat},
    {"PUT", "/api/events/{id}/grades", Role::company, &VenueRoutes::set_prices},
};

}  // namespace

std::shared_ptr<void> add_venue_routes(ThreadContext& thread, RouteTable& table) {
  auto routes = std::make_shared<VenueRoutes>(thread);
  for (const VenueRow& row : rows) {
    Route route;
    route.method = row.method;
    route.pattern = row.pattern;
    route.role = "catalog";
    route.auth = row.method == "GET" ? Auth::none : Auth::bearer;
    route.least = row.least;
    route.time_limit = making_time;
    route.handle = [self = routes.get(), handle = row.handle](const HttpRequest& request) {
      return (self->*handle)(request);
    };
    table.routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace boxoffice
