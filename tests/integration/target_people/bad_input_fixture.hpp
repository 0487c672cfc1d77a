// What the tests of bad input share: a world, one good request for each route, and a digest of all
// tables, of all keys of Redis and of the switches, by which anything that changed shows.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/target_people/people_fixture.hpp"
#include "tests/integration/target_people/route_rows.hpp"

namespace boxoffice {

using Digest = std::map<std::string, std::string>;

class BadInput : public PeopleFixture {
 protected:
  static void SetUpTestSuite();
  void SetUp() override {
    PeopleFixture::SetUp();
    if (IsSkipped()) return;
    before_ = digest();
  }
  void TearDown() override {
    if (IsSkipped() || boxoffice == nullptr) return;
    unchanged("the whole test");
  }

  static const Route& route_of(const RouteRow& row);
  static std::string fields_of(const RouteRow& row, std::string_view body);
  static Told ask_row(const RouteRow& row, const std::string& path, std::string_view body) {
    return ask_with_fields(row, path, body, fields_of(row, body));
  }
  static Told ask_with_fields(const RouteRow& row, const std::string& path, std::string_view body,
                              const std::string& fields) {
    const std::uint16_t port = row.admin() ? boxoffice->admin_port() : boxoffice->port();
    return ask_at(port, row.method, path, body, fields);
  }
  // 4xx as a problem of the right shape that tells nothing of the insides.
  static void refused(const Told& told, const std::string& what, int status = 0,
                      std::string_view code = "");
  static Digest digest();
  void unchanged(const std::string& what);

  static inline World world;
  static inline std::vector<RouteRow> rows;
  Digest before_;
};

// "POST /api/orders with …", for a failure's message.
std::string told_as(const RouteRow& row, const std::string& with);

}  // namespace boxoffice
