// One good request for every route of target/openapi.json, from which the tests of bad input make
// bad ones.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "target/http/api.hpp"

namespace boxoffice {

// What exists before a table of bad requests is gone through. `user` owns all of it.
struct World {
  std::uint64_t user = 1, event = 0, queued_event = 0, auction = 0, room = 0, venue = 0;
  std::string hold, order, record;
};

struct RouteRow {
  std::string_view method, pattern;
  std::vector<std::string> ids;  // for the pattern's {…}, of things that are there
  std::string query;             // with its question mark
  std::string_view body = {};    // a JSON object; empty: the route reads none
  Role role = Role::user;        // of the token that is sent where one is asked for

  [[nodiscard]] bool admin() const { return pattern.starts_with("/admin/"); }
  [[nodiscard]] std::string path() const { return path_with(ids) + query; }
  [[nodiscard]] std::string path_with(const std::vector<std::string>& values) const;
};

// Bodies name ids of `world` as numbers put in at @event, @order and so on.
std::vector<RouteRow> route_rows(const World& world);
std::string good_body(const RouteRow& row, const World& world);

// Values of another kind than `value`, and too large ones of its kind: none of them may be taken.
std::vector<nlohmann::json> wrong_values(const nlohmann::json& value);

}  // namespace boxoffice
