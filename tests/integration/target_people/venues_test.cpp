// What companies and administrators may do, and that nobody else may.
#include <gtest/gtest.h>

#include "tests/integration/target_people/people_fixture.hpp"

namespace boxoffice {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t hall_owner = 501, rival = 502, person = 503, chief = 504;

class VenuesTest : public PeopleFixture {
 protected:
  static Told as(std::uint64_t user, Role role, std::string_view method, const std::string& path,
                 const std::string& body = "") {
    return ask(method, path, body, bearer(user, role));
  }
  static std::string make_venue() {
    const Told made = as(hall_owner, Role::company, "POST", "/api/venues",
                         R"({"name":"Hall","address":"1 Street","rows":30,"cols":10})");
    EXPECT_EQ(made.status, 201) << made.text;
    return "/api/venues/" + made.json.at("venueId").dump();
  }
  static std::string make_event(const std::string& venue) {
    const Told made =
        as(hall_owner, Role::company, "POST", venue + "/events",
           R"({"title":"Night","rows":4,"cols":5,"grades":[{"grade":"A","price":900},)"
           R"({"grade":"B","price":500}]})");
    EXPECT_EQ(made.status, 201) << made.text;
    return made.json.at("eventId").dump();
  }
};

TEST_F(VenuesTest, ACompanyMakesAVenueAndOpensAnEventThatCanBeBooked) {
  const std::string venue = make_venue();
  const Told seen = ask("GET", venue);
  EXPECT_EQ(seen.json.at("rows"), 30);
  EXPECT_EQ(seen.json.at("cols"), 10);
  const std::string event = make_event(venue);
  const Told facts = ask("GET", "/api/events/" + event);
  EXPECT_EQ(facts.json.at("title"), "Night");
  EXPECT_EQ(facts.json.at("grades").size(), 2U);
  const Told held = hold(person, std::stoull(event), {0});
  EXPECT_EQ(held.status, 201) << held.text;
  EXPECT_EQ(held.json.at("amount"), 900);
}

TEST_F(VenuesTest, OnlyTheOwnerAndTheAdministratorChangeAnything) {
  const std::string venue = make_venue();
  const std::string event = make_event(venue);
  const std::string prices = R"({"grades":[{"grade":"A","price":1}]})";
  struct Try {
    std::string method, path, body;
  };
  const std::vector<Try> tries{{"POST", venue + "/events", R"({"rows":1,"cols":1})"},
                               {"PUT", "/api/events/" + event + "/grades", prices},
                               {"PATCH", venue + "/seats/3", R"({"locked":true})"}};
  for (const Try& each : tries) {
    EXPECT_EQ(ask(each.method, each.path, each.body).status, 401) << each.path;
    for (const auto& [user, role] : std::vector<std::pair<std::uint64_t, Role>>{
             {person, Role::user}, {hall_owner, Role::user}, {rival, Role::company}}) {
      const Told told = as(user, role, each.method, each.path, each.body);
      EXPECT_EQ(told.status, 403) << each.path << told.text;
      EXPECT_EQ(told.code(), "FORBIDDEN");
    }
  }
  EXPECT_EQ(
      as(person, Role::user, "POST", "/api/venues", R"({"name":"x","rows":1,"cols":1})").status,
      403);
  EXPECT_EQ(hold(person, std::stoull(event), {3}).status, 201) << "nothing was locked";
  for (const Try& each : tries)
    EXPECT_NE(as(chief, Role::admin, each.method, each.path, each.body).status, 403) << each.path;
}

TEST_F(VenuesTest, PricesChangeForWhoHoldsFromThenOn) {
  const std::string event = make_event(make_venue());
  const auto set = [&](const std::string& body) {
    return as(hall_owner, Role::company, "PUT", "/api/events/" + event + "/grades", body);
  };
  const std::string map_path = "/api/events/" + event + "/seats";
  const Told before = ask("GET", map_path);
  EXPECT_EQ(set(R"({"grades":[{"grade":"A","price":1500}]})").status, 204);
  const Told held = hold(person, std::stoull(event), {1});
  EXPECT_EQ(held.json.at("amount"), 1500);
  const Told map = ask("GET", map_path, "", "If-None-Match: " + before.field("ETag") + "\r\n");
  ASSERT_EQ(map.status, 200);
  EXPECT_EQ(map.json.at("seats").at(0).at("price"), 1500);
  EXPECT_EQ(map.json.at("seats").at(19).at("price"), 500);
  // A grade that is not there changes nothing of the others.
  EXPECT_EQ(set(R"({"grades":[{"grade":"B","price":1},{"grade":"Z","price":1}]})").status, 422);
  EXPECT_EQ(ask("GET", "/api/events/" + event).json.at("grades").at(1).at("price"), 500);
  for (const char* bad : {"{}", R"({"grades":[]})", R"({"grades":[{"grade":"A"}]})",
                          R"({"grades":[{"grade":"A","price":-1}]})", R"({"grades":{}})"}) {
    EXPECT_EQ(set(bad).status, 422) << bad;
  }
}

TEST_F(VenuesTest, ALockedSeatIsNotSoldUntilItIsUnlocked) {
  const std::string venue = make_venue();
  const std::string event = make_event(venue);
  const auto lock = [&](const std::string& seat, bool locked) {
    return as(hall_owner, Role::company, "PATCH", venue + "/seats/" + seat,
              Json{{"locked", locked}}.dump());
  };
  ASSERT_EQ(lock("7", true).status, 200);
  const Told held = hold(person, std::stoull(event), {7});
  EXPECT_EQ(held.status, 422);
  EXPECT_EQ(held.code(), "SEAT_LOCKED");
  ASSERT_EQ(lock("7", false).status, 200);
  EXPECT_EQ(hold(person, std::stoull(event), {7}).status, 201);
  EXPECT_EQ(lock("99", true).status, 404);
}

TEST_F(VenuesTest, NonsenseMakesNothing) {
  const std::string venue = make_venue();
  const auto venues = sql("SELECT COUNT(*) FROM venues"),
             events = sql("SELECT COUNT(*) FROM events");
  for (const char* bad : {"{}", R"({"name":"x"})", R"({"name":"x","rows":0,"cols":1})",
                          R"({"name":"x","rows":1,"cols":100000})", R"({"name":7})"}) {
    EXPECT_EQ(as(hall_owner, Role::company, "POST", "/api/venues", bad).status, 422) << bad;
  }
  for (const char* bad :
       {R"({"rows":31,"cols":1})", R"({"rows":1,"cols":11})", R"({"rows":"x"})",
        R"({"rows":1,"cols":1,"grades":[{"grade":"A","price":1},{"grade":"A","price":2}]})"}) {
    EXPECT_EQ(as(hall_owner, Role::company, "POST", venue + "/events", bad).status, 422) << bad;
  }
  EXPECT_EQ(as(chief, Role::admin, "POST", "/api/venues/99999999/events", "{}").status, 404);
  EXPECT_EQ(as(chief, Role::admin, "PUT", "/api/events/99999999/grades",
               R"({"grades":[{"grade":"A","price":1}]})")
                .status,
            404);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM venues"), venues);
  EXPECT_EQ(sql("SELECT COUNT(*) FROM events"), events);
}

}  // namespace
}  // namespace boxoffice
