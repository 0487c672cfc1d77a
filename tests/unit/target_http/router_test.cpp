#include "target/http/router.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

Task<HttpResponse> nothing(const HttpRequest&) { co_return no_content(); }

Route row(std::string_view method, std::string_view pattern, std::string_view role = "order") {
  Route route;
  route.method = method;
  route.pattern = pattern;
  route.role = role;
  route.handle = nothing;
  return route;
}

RouteTable sample() {
  RouteTable table;
  table.routes = {row("GET", "/api/events/{id}", "catalog"), row("GET", "/api/orders/{id}"),
                  row("DELETE", "/api/orders/{id}"),         row("POST", "/api/orders"),
                  row("GET", "/api/orders/mine/late"),       row("GET", "/healthz", "")};
  Route admin = row("POST", "/admin/seed", "admin");
  admin.admin = true;
  table.routes.push_back(admin);
  table.websockets = {{"/ws/queue", "queue", {}}};
  return table;
}

struct Fixture {
  RouteTable table = sample();
  std::set<std::string> roles{"order", "queue", "admin"};
  std::vector<std::string_view> parameters;
  Router router{table, Surface::main, roles};
  Router::Found find(std::string_view method, std::string_view path) {
    return router.find(method, path, parameters);
  }
};

TEST(Router, FindsTheRowAndItsParameters) {
  Fixture f;
  const auto found = f.find("DELETE", "/api/orders/77");
  ASSERT_NE(found.route, nullptr);
  EXPECT_EQ(found.route->method, "DELETE");
  ASSERT_EQ(f.parameters.size(), 1U);
  EXPECT_EQ(f.parameters[0], "77");
}

TEST(Router, ALiteralComesBeforeAParameterAndADeadEndGoesBack) {
  Fixture f;
  EXPECT_EQ(f.find("GET", "/api/orders/mine/late").route->pattern, "/api/orders/mine/late");
  const auto found = f.find("GET", "/api/orders/mine");
  ASSERT_NE(found.route, nullptr);
  EXPECT_EQ(found.route->pattern, "/api/orders/{id}");
  EXPECT_EQ(f.parameters, std::vector<std::string_view>{"mine"});
}

TEST(Router, AKnownPathWithAnotherMethodTellsWhichItKnows) {
  Fixture f;
  const auto found = f.find("PUT", "/api/orders/1");
  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(found.allow, "GET, HEAD, DELETE");
}

TEST(Router, HeadIsServedByGet) {
  Fixture f;
  EXPECT_NE(f.find("HEAD", "/api/orders/1").route, nullptr);
}

TEST(Router, UnknownPathsFindNothing) {
  Fixture f;
  for (const char* path : {"/", "", "api", "/api", "/api/orders/", "/api/orders//",
                           "/api/orders/1/2", "//api/orders/1", "/API/orders/1"}) {
    const auto found = f.find("GET", path);
    EXPECT_EQ(found.route, nullptr) << path;
    EXPECT_EQ(found.allow, "") << path;
  }
}

TEST(Router, ServesOnlyItsRolesAndItsPort) {
  Fixture f;
  EXPECT_EQ(f.find("GET", "/api/events/1").route, nullptr) << "role catalog is not ours";
  EXPECT_EQ(f.find("POST", "/admin/seed").route, nullptr) << "admin is on the other port";
  EXPECT_NE(f.find("GET", "/healthz").route, nullptr);
  EXPECT_NE(f.find("GET", "/ws/queue").websocket, nullptr);
  const Router admin(f.table, Surface::admin, f.roles);
  EXPECT_NE(admin.find("POST", "/admin/seed", f.parameters).route, nullptr);
  EXPECT_NE(admin.find("GET", "/healthz", f.parameters).route, nullptr);
  EXPECT_EQ(admin.find("GET", "/api/orders/1", f.parameters).route, nullptr);
  EXPECT_EQ(admin.find("GET", "/ws/queue", f.parameters).websocket, nullptr);
}

}  // namespace
}  // namespace boxoffice
