#include "harness/protocol/redirect.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace stampede {
namespace {

constexpr Origin here{false, "shop.example:8080", "127.0.0.1:8080"};

TEST(Redirect, LocationsAreResolvedAgainstTheRequest) {
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"/x", "/a/b?q", "/x"},
      {"/x?y=1#part", "/a/b?q", "/x?y=1"},
      {"c", "/a/b?q", "/a/c"},
      {"../c/./d", "/a/b/e", "/a/c/d"},
      {"../../../c", "/a/b", "/c"},
      {"..", "/a/b/c", "/a/"},
      {"?z", "/a/b?q", "/a/b?z"},
      {"", "/a/b?q", "/a/b?q"},
      {"#part", "/a/b?q", "/a/b?q"},
      {"/a b/ü", "/", "/a%20b/%C3%BC"},
      {"/kept%20as%2Fit", "/", "/kept%20as%2Fit"},
      {"http://shop.example:8080/x", "/a", "/x"},
      {"HTTP://SHOP.example:8080", "/a", "/"},
      {"//shop.example:8080?q", "/a", "/?q"},
      {"http://127.0.0.1:8080/x", "/a", "/x"},
      {"http://me:secret@shop.example:8080/x", "/a", "/x"},
      {"a:b", "/a", ""},
      {"./a:b", "/", "/a:b"}};
  for (const auto& [location, base, target] : cases) {
    EXPECT_EQ(resolve_location(location, base, here, false).target, target) << location;
  }
}

TEST(Redirect, AnotherHostIsAnErrorUnlessAllowed) {
  for (const std::string location :
       {"http://other.example:8080/x", "http://shop.example/x", "https://shop.example:8080/x",
        "//shop.example:81/x", "http://shop.example:8080@evil.example/x"}) {
    const Resolved refused = resolve_location(location, "/", here, false);
    EXPECT_EQ(refused.target, "");
    EXPECT_EQ(refused.problem.find("redirected to another host: " + location), 0u)
        << refused.problem;
    EXPECT_EQ(resolve_location(location, "/", here, true).target, "/x") << location;
  }
  EXPECT_EQ(resolve_location("http://shop/x", "/", {false, "shop:80", {}}, false).target, "/x");
  EXPECT_EQ(resolve_location("https://shop:443/x", "/", {true, "shop", {}}, false).target, "/x");
}

TEST(Redirect, WhatIsNoHttpAddressIsAnErrorInAnyCase) {
  for (const std::string location : {"mailto:x@y", "ftp://shop.example/x", "http:/x"}) {
    for (const bool any : {false, true}) {
      EXPECT_EQ(resolve_location(location, "/", here, any).problem,
                "redirected to no HTTP address: " + location);
    }
  }
  EXPECT_NE(resolve_location(std::string(10'000, 'x'), "/", here, true).problem, "");
}

std::string next(std::string_view request, unsigned status, bool drop_cookies = false) {
  const NextRequest made = next_request(parts_of(request), status, "/to", drop_cookies);
  return made.head + (made.without_body ? "|" : "|" + std::string(parts_of(request).body));
}

TEST(Redirect, ThreeStatusesMakeAGetTwoKeepTheRequest) {
  const std::string post =
      "POST /from HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nA: b\r\nContent-Length: 2\r\n"
      "\r\nhi";
  for (const unsigned status : {301U, 302U, 303U}) {
    EXPECT_EQ(next(post, status), "GET /to HTTP/1.1\r\nHost: h\r\nA: b\r\n|") << status;
  }
  for (const unsigned status : {307U, 308U}) {
    EXPECT_EQ(next(post, status),
              "POST /to HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nA: b\r\n"
              "Content-Length: 2\r\n|hi")
        << status;
  }
  EXPECT_EQ(next("HEAD /from HTTP/1.1\r\nHost: h\r\n\r\n", 303),
            "HEAD /to HTTP/1.1\r\nHost: h\r\n|");
}

TEST(Redirect, CookiesOfTheJarAreWrittenAnewOthersStay) {
  const std::string get = "GET /from HTTP/1.1\r\nHost: h\r\ncookie: a=b\r\n\r\n";
  EXPECT_EQ(next(get, 302, true), "GET /to HTTP/1.1\r\nHost: h\r\n|");
  EXPECT_EQ(next(get, 302, false), "GET /to HTTP/1.1\r\nHost: h\r\ncookie: a=b\r\n|");
}

TEST(Redirect, PartsOfARequest) {
  const RequestParts bare = parts_of("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(bare.method, "GET");
  EXPECT_EQ(bare.target, "/");
  EXPECT_EQ(bare.headers, "");
  EXPECT_EQ(bare.body, "");
  const RequestParts head_only = parts_of("GET /a?b HTTP/1.1\r\nHost: h\r\n");
  EXPECT_EQ(head_only.target, "/a?b");
  EXPECT_EQ(parts_of("").target, "");
}

TEST(Redirect, HostsAndPorts) {
  EXPECT_EQ(host_of("shop:80"), "shop");
  EXPECT_EQ(host_of("shop"), "shop");
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_EQ(normal_authority("Shop", false), "shop:80");
  EXPECT_EQ(normal_authority("shop:", true), "shop:443");
  EXPECT_EQ(normal_authority("[::1]", false), "[::1]:80");
  EXPECT_EQ(normal_authority("[::1]:8080", false), "[::1]:8080");
}

}  // namespace
}  // namespace stampede
