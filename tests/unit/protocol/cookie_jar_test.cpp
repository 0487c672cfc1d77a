#include "harness/protocol/cookie_jar.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

constexpr std::int64_t noon = 1'800'000'000;

struct Jar {
  CookieJar cookies;

  bool set(std::string_view text, std::string_view path = "/shop/cart?x=1", bool secure = false) {
    return cookies.store(text, {"shop.example.com", path, secure}, noon);
  }
  [[nodiscard]] std::string sent(std::string_view path, bool secure = false,
                                 std::int64_t at = noon) const {
    std::string out;
    cookies.append_header(out, {"shop.example.com", path, secure}, at);
    return out;
  }
};

TEST(CookieJar, ACookieComesBackOnItsPath) {
  Jar jar;
  EXPECT_TRUE(jar.set("id=7; Path=/shop"));
  EXPECT_EQ(jar.sent("/shop"), "Cookie: id=7\r\n");
  EXPECT_EQ(jar.sent("/shop/cart?y"), "Cookie: id=7\r\n");
  EXPECT_EQ(jar.sent("/shopping"), "");
  EXPECT_EQ(jar.sent("/"), "");
}

TEST(CookieJar, WithoutPathItBelongsToTheFolderOfTheRequest) {
  Jar jar;
  EXPECT_TRUE(jar.set("id=7", "/shop/cart?a=/b/c"));
  EXPECT_EQ(jar.sent("/shop/other"), "Cookie: id=7\r\n");
  EXPECT_EQ(jar.sent("/"), "");
  Jar root;
  EXPECT_TRUE(root.set("id=7; path=nonsense", "/login"));
  EXPECT_EQ(root.sent("/anything"), "Cookie: id=7\r\n");
}

TEST(CookieJar, LongerPathsFirstThenOlderOnes) {
  Jar jar;
  for (const char* one : {"a=1; Path=/", "b=2; Path=/shop", "c=3; Path=/", "a=4; Path=/"}) {
    EXPECT_TRUE(jar.set(one));
  }
  EXPECT_EQ(jar.sent("/shop"), "Cookie: b=2; a=4; c=3\r\n");
}

TEST(CookieJar, MaxAgeWinsOverExpiresAndEndsIt) {
  Jar jar;
  EXPECT_TRUE(jar.set("a=1; Path=/; Max-Age=10; Expires=Sun, 06 Nov 1994 08:49:37 GMT"));
  EXPECT_EQ(jar.sent("/", false, noon + 9), "Cookie: a=1\r\n");
  EXPECT_EQ(jar.sent("/", false, noon + 10), "");
  EXPECT_TRUE(jar.set("b=2; Path=/; Max-Age=99999999999999999999999"));
  EXPECT_EQ(jar.sent("/", false, noon + 100), "Cookie: b=2\r\n") << "at most 400 days";
  EXPECT_EQ(jar.sent("/", false, noon + 401 * 86400), "");
}

TEST(CookieJar, AnExpiredOneRemovesItsNamesake) {
  Jar jar;
  EXPECT_TRUE(jar.set("a=1; Path=/"));
  EXPECT_TRUE(jar.set("a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
  EXPECT_EQ(jar.cookies.size(), 0u);
  EXPECT_TRUE(jar.set("a=1; Path=/"));
  EXPECT_TRUE(jar.set("a=1; Path=/; Max-Age=-1"));
  EXPECT_EQ(jar.cookies.size(), 0u);
}

TEST(CookieJar, DomainIsOurHostOrAParentOfIt) {
  Jar jar;
  EXPECT_TRUE(jar.set("a=1; Path=/; Domain=.Example.com"));
  EXPECT_FALSE(jar.set("b=1; Path=/; Domain=other.com"));
  EXPECT_FALSE(jar.set("c=1; Path=/; Domain=op.example.com"));
  EXPECT_EQ(jar.sent("/"), "Cookie: a=1\r\n");
  CookieJar address;
  EXPECT_FALSE(address.store("a=1; Domain=0.0.1", {"127.0.0.1", "/", false}, noon));
  EXPECT_TRUE(address.store("a=1; Domain=127.0.0.1", {"127.0.0.1", "/", false}, noon));
}

TEST(CookieJar, SecureNeedsTls) {
  Jar jar;
  EXPECT_FALSE(jar.set("a=1; Path=/; Secure"));
  EXPECT_TRUE(jar.set("a=1; Path=/; Secure", "/", true));
  EXPECT_EQ(jar.sent("/"), "");
  EXPECT_EQ(jar.sent("/", true), "Cookie: a=1\r\n");
  EXPECT_FALSE(jar.set("__Secure-a=1; Path=/", "/", true));
  EXPECT_FALSE(jar.set("__Host-a=1; Secure; Path=/x", "/", true));
  EXPECT_TRUE(jar.set("__Host-a=1; Secure; Path=/", "/", true));
}

TEST(CookieJar, RefusesWhatIsNoneOrCouldDoHarm) {
  Jar jar;
  for (const std::string bad : {"", "novalue", "=1", " =1; Path=/", "a=1\x01", "a=\r\nX: y"}) {
    EXPECT_FALSE(jar.set(bad)) << bad;
  }
  EXPECT_FALSE(jar.set("a=" + std::string(CookieJar::cookie_bytes_max, 'x')));
  EXPECT_TRUE(jar.set("a=b=c; Path=/"));
  EXPECT_EQ(jar.sent("/"), "Cookie: a=b=c\r\n");
}

TEST(CookieJar, IsBoundedAndTheOldestGoes) {
  Jar jar;
  for (std::size_t i = 0; i < CookieJar::cookies_max + 3; ++i) {
    EXPECT_TRUE(jar.set("c" + std::to_string(i) + "=1; Path=/"));
  }
  EXPECT_EQ(jar.cookies.size(), CookieJar::cookies_max);
  const std::string sent = jar.sent("/");
  EXPECT_EQ(sent.find("c2="), std::string::npos);
  EXPECT_NE(sent.find("c3="), std::string::npos);
}

TEST(CookieDate, SpellingsInUse) {
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "6 nov 1994 8:49:37"}) {
    EXPECT_EQ(parse_cookie_date(text), 784111777) << text;
  }
  for (const char* text :
       {"", "soon", "06 Nov 1994", "32 Nov 1994 08:49:37", "06 Nov 1500 08:49:37",
        "06 Nov 1994 24:49:37", "31 Feb 2024 00:00:00"}) {
    EXPECT_EQ(parse_cookie_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace stampede
