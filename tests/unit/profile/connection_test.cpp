// Addresses, URLs and the profile's words about connections: what is accepted, and what is said
// about the rest.
#include "harness/connection.hpp"

#include <gtest/gtest.h>

#include "tests/unit/profile/reading.hpp"

namespace stampede {
namespace {

std::string url_problem(std::string_view text) {
  const auto url = parse_target_url(text);
  return url.has_error() ? url.error().message : "accepted as " + to_text(*url);
}

std::string range_problem(std::string_view text) {
  const auto range = parse_address_range(text);
  return range.has_error() ? range.error().message : "accepted";
}

TEST(TargetUrl, Schemes) {
  const auto plain = parse_target_url("http://shop.example:8080/api/v1/");
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "shop.example");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->path_prefix, "/api/v1");
  EXPECT_EQ(authority_of(*plain), "shop.example:8080");
  const auto secure = parse_target_url("https://shop.example");
  ASSERT_TRUE(secure.has_value());
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(authority_of(*secure), "shop.example");
  EXPECT_EQ(authority_of(*parse_target_url("https://shop.example:80")), "shop.example:80");
  const auto local = parse_target_url("unix:/run/web.sock:/api");
  ASSERT_TRUE(local.has_value());
  EXPECT_EQ(local->socket_path, "/run/web.sock");
  EXPECT_EQ(local->path_prefix, "/api");
  EXPECT_EQ(authority_of(*local), "localhost");
}

TEST(TargetUrl, SixthVersion) {
  const auto url = parse_target_url("http://[::1]:8080/x");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(authority_of(*url), "[::1]:8080");
  EXPECT_EQ(to_text(*url), "http://[::1]:8080/x");
  EXPECT_EQ(authority_of(*parse_target_url("http://[::1]")), "[::1]");
}

TEST(TargetUrl, Mistakes) {
  EXPECT_EQ(url_problem("shop:80"), "there is no scheme");
  EXPECT_EQ(url_problem("ftp://shop"), "the scheme \"ftp\" is not spoken here");
  EXPECT_EQ(url_problem("http://"), "there is no host");
  EXPECT_EQ(url_problem("http://:80"), "there is no host");
  EXPECT_EQ(url_problem("http://shop:0"), "\"0\" is no port");
  EXPECT_EQ(url_problem("http://shop:65536"), "\"65536\" is no port");
  EXPECT_EQ(url_problem("http://shop:"), "\"\" is no port");
  EXPECT_EQ(url_problem("http://::1:80"), "an IPv6 address must stand in brackets");
  EXPECT_EQ(url_problem("http://[::1"), "there is no ] after the IPv6 address");
  EXPECT_EQ(url_problem("http://[shop]"), "\"shop\" is no IPv6 address");
  EXPECT_EQ(url_problem("http://[::1]x"), "only a port may follow the ]");
  EXPECT_NE(url_problem("http://shop/a?b=c").find("a query"), std::string::npos);
  EXPECT_NE(url_problem("http://shop/a b").find("a blank"), std::string::npos);
  EXPECT_NE(url_problem("unix:web.sock").find("must start with a slash"), std::string::npos);
  EXPECT_NE(url_problem("unix:/" + std::string(200, 'x')).find("at most 107"), std::string::npos);
  const std::string secret = url_problem("http://me:secret@shop");
  EXPECT_NE(secret.find("user or password"), std::string::npos);
  EXPECT_EQ(secret.find("secret"), std::string::npos);
}

TEST(AddressRange, Kinds) {
  EXPECT_EQ(parse_address_range("127.0.0.2")->count, 1u);
  EXPECT_EQ(parse_address_range("127.0.0.2-127.0.1.1")->count, 256u);
  EXPECT_EQ(parse_address_range("10.1.0.7/24")->count, 254u);
  EXPECT_EQ(parse_address_range("10.1.0.7/24")->first[3], 1);
  EXPECT_EQ(parse_address_range("10.1.0.8/31")->count, 2u);
  EXPECT_EQ(parse_address_range("10.1.0.8/32")->first[3], 8);
  EXPECT_EQ(parse_address_range("fd00::1-fd00::ff")->count, 255u);
  EXPECT_EQ(parse_address_range("fd00::/120")->count, 256u);
  EXPECT_TRUE(parse_address_range("::1")->v6);
}

TEST(AddressRange, Mistakes) {
  EXPECT_EQ(range_problem("shop"), "\"shop\" is no IP address");
  EXPECT_EQ(range_problem("127.0.0.2-x"), "\"x\" is no IP address");
  EXPECT_EQ(range_problem("127.0.0.2-::1"), "a range of two kinds of address");
  EXPECT_EQ(range_problem("127.0.0.2-127.0.0.1"), "the range ends before it begins");
  EXPECT_EQ(range_problem("10.0.0.0-10.1.0.0"), "more than 65536 addresses");
  EXPECT_EQ(range_problem("10.0.0.0/8"), "more than 65536 addresses");
  EXPECT_EQ(range_problem("10.0.0.0/33"), "\"33\" is no length of a prefix");
  EXPECT_EQ(range_problem(""), "\"\" is no IP address");
}

std::string with_top(const std::string& top) {
  return "name: t\npersonas: {p: [{stop: {}}]}\n"
         "scenarios: {s: {persona: p, model: open, stages: \"9s:1\"}}\n" +
         top;
}

std::string problems(const std::string& top) { return test::problems_of(with_top(top)); }

TEST(ConnectionKeys, AreRead) {
  const auto profile = read_profile(
      with_top("connection: {host: shop.example, connect_timeout: 2s, dns: connect, "
               "source_addresses: [127.0.0.2-127.0.0.4, 127.0.0.9], max_requests: 100, "
               "max_age: 30s}\n"
               "tls: {ca_file: ca.pem, certificate: c.pem, key: c.key, server_name: a.example, "
               "alpn: none, min_version: 1.3, resumption: worker, insecure: true}\n"),
      "p.yaml", {});
  ASSERT_TRUE(profile.has_value()) << render(profile.error(), "");
  const ConnectionSpec& connection = profile->connection;
  EXPECT_EQ(connection.host, "shop.example");
  EXPECT_EQ(connection.connect_timeout, std::chrono::seconds{2});
  EXPECT_EQ(connection.dns, DnsPolicy::connect);
  ASSERT_EQ(connection.sources.size(), 2u);
  EXPECT_EQ(connection.sources[0].count, 3u);
  EXPECT_EQ(connection.max_requests, 100u);
  EXPECT_EQ(connection.max_age, std::chrono::seconds{30});
  const TlsSpec& tls = profile->tls;
  EXPECT_EQ(tls.ca_file, "ca.pem");
  EXPECT_EQ(tls.key_file, "c.key");
  EXPECT_EQ(tls.server_name, "a.example");
  EXPECT_FALSE(tls.alpn);
  EXPECT_EQ(tls.min_version, TlsVersion::tls_1_3);
  EXPECT_EQ(tls.resumption, TlsResumption::worker);
  EXPECT_TRUE(tls.insecure);
  const auto fresh = read_profile(with_top("connection: {policy: new}\n"), "p.yaml", {});
  ASSERT_TRUE(fresh.has_value());
  EXPECT_EQ(fresh->connection.max_requests, 1u);
}

TEST(ConnectionKeys, EveryMistakeHasItsPlace) {
  EXPECT_EQ(problems("connection: {policy: keep, dns: never, max_requests: 0}\n"
                     "tls: {min_version: 1.3, max_version: 1.2, certificate: c.pem}\n"),
            "4:22 unknown connection policy \"keep\" | reuse or new\n"
            "4:33 unknown dns policy \"never\" | start or connect\n"
            "4:54 0 is out of range | from 1 to 4294967295\n"
            "5:38 max_version is below min_version\n"
            "5:56 a certificate without its key | key: client.key\n");
  EXPECT_EQ(problems("connection: {source_addresses: [127.0.0.1, shop], max_requests: 5, "
                     "policy: new}\n"),
            "4:44 \"shop\" is no IP address | 127.0.0.2, 127.0.0.2-127.0.0.20 or 10.1.0.0/24\n"
            "4:65 max_requests has no meaning with policy: new | policy: reuse\n");
  EXPECT_EQ(problems("connection: {host: \"a b\"}\n"),
            "4:21 a host has no blanks or control characters\n");
}

// The profile with two scenarios: `top` is the profile's own, `own` the second's keys.
std::string with_scenarios(const std::string& top, const std::string& own) {
  return "name: t\npersonas: {p: [{stop: {}}]}\n" + top +
         "\nscenarios:\n  a: {persona: p, model: open, stages: \"9s:1\"}\n"
         "  b:\n    persona: p\n    model: closed\n    stages: \"9s:1\"\n" +
         own;
}

TEST(ScenarioConnection, BeginsWithTheProfilesAndSaysWhatIsDifferent) {
  const auto profile = read_profile(
      with_scenarios("connection: {host: shop.example, max_requests: 7, dns: connect}\n"
                     "tls: {ca_file: ca.pem, certificate: c.pem, key: c.key, max_version: 1.2}",
                     "    connection: {policy: new}\n"
                     "    tls: {insecure: true, certificate: d.pem, key: d.key}\n"),
      "p.yaml", {});
  ASSERT_TRUE(profile.has_value()) << render(profile.error(), "");
  EXPECT_FALSE(profile->scenarios[0].connection.has_value());
  EXPECT_FALSE(profile->scenarios[0].tls.has_value());
  EXPECT_EQ(profile->connection.max_requests, 7u);
  EXPECT_FALSE(profile->tls.insecure);
  const ConnectionSpec& connection = profile->scenarios[1].connection.value();
  EXPECT_EQ(connection.host, "shop.example");
  EXPECT_EQ(connection.dns, DnsPolicy::connect);
  EXPECT_EQ(connection.max_requests, 1u);
  const TlsSpec& tls = profile->scenarios[1].tls.value();
  EXPECT_EQ(tls.ca_file, "ca.pem");
  EXPECT_EQ(tls.certificate_file, "d.pem");
  EXPECT_EQ(tls.key_file, "d.key");
  EXPECT_EQ(tls.max_version, TlsVersion::tls_1_2);
  EXPECT_TRUE(tls.insecure);
}

TEST(ScenarioConnection, APolicyBeginsAnew) {
  const auto profile =
      read_profile(with_scenarios("connection: {policy: new}", "    connection: {policy: reuse}\n"),
                   "p.yaml", {});
  ASSERT_TRUE(profile.has_value()) << render(profile.error(), "");
  EXPECT_EQ(profile->connection.max_requests, 1u);
  EXPECT_EQ(profile->scenarios[1].connection->max_requests, 0u);
}

TEST(ScenarioConnection, EveryMistakeHasItsPlace) {
  EXPECT_EQ(
      test::problems_of(with_scenarios("tls: {max_version: 1.2, certificate: c.pem, key: c.key}",
                                       "    connection: {hots: x, dns: never}\n"
                                       "    tls: {min_version: 1.3, certificate: d.pem}\n")),
      "10:18 unknown key \"hots\" in connection | did you mean \"host\"?\n"
      "10:32 unknown dns policy \"never\" | start or connect\n"
      "11:24 max_version is below min_version\n"
      "11:42 a certificate without its key | key: client.key\n");
}

}  // namespace
}  // namespace stampede
