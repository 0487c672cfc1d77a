// The keys of HTTP: what they mean, what is said about wrong ones, and that secrets are not kept.
#include "harness/profile/profile_reader_http.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "harness/profile/profile_reader.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {
namespace {

std::string with(const std::string& http, const std::string& step) {
  return "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\n"
         "variables: {word: w, token: t}\n"
         "http: " +
         http + "\npersonas:\n  p:\n    - " + step + "\n";
}

Profile read(const std::string& text, const std::vector<std::string>& sets = {}) {
  auto result = read_profile(text, "p.yaml", sets);
  EXPECT_TRUE(result.has_value()) << (result ? "" : render(result.error(), text));
  return result ? *result : Profile{};
}

std::string problems(const std::string& text) {
  const auto result = read_profile(text, "p.yaml");
  if (result) return "no problem";
  std::string all;
  for (const Diagnostic& one : result.error()) {
    if (!all.empty()) all += "\n";
    all += std::to_string(one.place.line) + ":" + std::to_string(one.place.column) + " " +
           one.message + (one.hint.empty() ? "" : " | " + one.hint);
  }
  return all;
}

HttpStep compiled(const std::string& http, const std::string& step) {
  const std::string text =
      "name: t\nscenarios:\n  s: {persona: p, model: open, stages: \"9s:1\"}\n"
      "variables: {word: w, key: t}\nhttp: " +
      http + "\npersonas:\n  p:\n    - " + step + "\n";
  const auto run = compile(read(text));
  EXPECT_TRUE(run.has_value()) << (run ? "" : render(run.error(), text));
  return run ? std::get<HttpStep>(run->scenarios[0].steps[0].action) : HttpStep{};
}

std::string rendered(const Template& text) {
  Variables variables(20);
  Random random(1, 1);
  for (std::uint32_t slot = 0; slot < 20; ++slot) variables.set(slot, std::string("a b:ü"));
  std::string out;
  text.render(variables, random, out);
  return out;
}

std::string headers_of(const HttpStep& step) {
  std::string all;
  for (const auto& [name, value] : step.headers) all += name + ": " + rendered(value) + "\n";
  return all;
}

TEST(ProfileHttp, Sizes) {
  EXPECT_EQ(*parse_size("1500"), 1500u);
  EXPECT_EQ(*parse_size("64KiB"), 65536u);
  EXPECT_EQ(*parse_size("10MB"), 10'000'000u);
  for (const char* bad : {"", "KiB", "-1", "1.5MB", "10 MB", "10kb", "9999999GiB", "1e3"}) {
    EXPECT_FALSE(parse_size(bad).has_value()) << bad;
  }
}

TEST(ProfileHttp, NothingAskedForCostsNothing) {
  const HttpStep step = compiled("{}", "{get: /, name: a}");
  EXPECT_FALSE(step.extras.has_value());
  EXPECT_FALSE(step.keep_body);
  EXPECT_EQ(step.body_max, body_counted_default);
  EXPECT_EQ(headers_of(step), "");
}

TEST(ProfileHttp, TheStepWinsOverTheProfile) {
  const std::string http =
      "{headers: {Accept: a, X: profile}, auth: {bearer: \"${key}\"}, redirects: true, "
      "compression: [gzip, deflate], body_max: 2MiB, cookies: true}";
  const HttpStep as_profile = compiled(http, "{get: /, name: a, capture: {v: /id}}");
  EXPECT_EQ(headers_of(as_profile),
            "Accept: a\nX: profile\nAuthorization: Bearer a b:ü\nAccept-Encoding: gzip, deflate\n");
  EXPECT_TRUE(as_profile.keep_body);
  EXPECT_EQ(as_profile.body_max, 2u << 20U);
  ASSERT_TRUE(as_profile.extras.has_value());
  EXPECT_EQ(as_profile.extras->redirects_max, redirects_default);
  EXPECT_TRUE(as_profile.extras->send_cookies);
  EXPECT_TRUE(as_profile.extras->decode);
  const HttpStep own = compiled(
      http,
      "{get: /, name: a, headers: {x: step, cookie: c=d}, auth: {basic: {user: me, password: s}}, "
      "redirects: {max: 3, any_host: true}, compression: none, body_max: 10}");
  EXPECT_EQ(headers_of(own), "x: step\ncookie: c=d\nAuthorization: Basic bWU6cw==\nAccept: a\n");
  EXPECT_EQ(own.extras->redirects_max, 3u);
  EXPECT_TRUE(own.extras->redirects_any_host);
  EXPECT_FALSE(own.extras->send_cookies) << "a Cookie header of the step's own";
  EXPECT_FALSE(own.extras->decode);
  EXPECT_EQ(own.body_max, 10u);
  const HttpStep none = compiled(http, "{get: /, name: a, auth: none, redirects: 0}");
  EXPECT_EQ(headers_of(none), "Accept: a\nX: profile\nAccept-Encoding: gzip, deflate\n");
  EXPECT_EQ(none.extras->redirects_max, 0u);
}

TEST(ProfileHttp, ValuesAreEncodedNotTheirPlaces) {
  const HttpStep step = compiled(
      "{}",
      "{post: /find, name: a, query: {q: \"${word}&\", \"a b\": [1, 2]}, form: {n: \"${word} \"}}");
  EXPECT_EQ(rendered(step.path), "/find?q=a%20b%3A%C3%BC%26&a%20b=1&a%20b=2");
  EXPECT_EQ(rendered(*step.body), "n=a+b%3A%C3%BC+");
  EXPECT_EQ(headers_of(step), "Content-Type: application/x-www-form-urlencoded\n");
  const HttpStep more = compiled("{}", "{get: \"/find?x=1\", name: a, query: {q: w}}");
  EXPECT_EQ(rendered(more.path), "/find?x=1&q=w");
}

TEST(ProfileHttp, BasicCredentialsMayBeVariables) {
  const HttpStep step =
      compiled("{}", "{get: /, name: a, auth: {basic: {user: u, password: \"${word}\"}}}");
  EXPECT_EQ(headers_of(step), "Authorization: Basic dTphIGI6w7w=\n") << "u:a b:ü";
}

TEST(ProfileHttp, ABodyFileIsReadBesideTheProfile) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "body_file";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "photo.bin", std::ios::binary) << "${not a template}";
  const std::string text = with("{}", "{put: /, name: a, body_file: photo.bin}");
  const auto profile = read_profile(text, (folder / "p.yaml").string());
  ASSERT_TRUE(profile.has_value());
  const auto& http = std::get<HttpSpec>(profile->personas.at("p").steps[0].action);
  EXPECT_EQ(*http.body_file, "${not a template}");
  EXPECT_EQ(http.headers[0].second.text, "application/octet-stream");
  std::filesystem::remove_all(folder);
}

TEST(ProfileHttp, ProblemsOfTheKeys) {
  EXPECT_EQ(problems(with("{cookie: true}", "{get: /, name: a}")),
            "5:8 unknown key \"cookie\" in http | did you mean \"cookies\"?");
  EXPECT_EQ(problems(with("{cookies: 1}", "{get: /, name: a, redirects: 101}")),
            "5:17 true or false is wanted, not \"1\" | write true\n"
            "8:36 101 is out of range | from 0 to 100");
  EXPECT_EQ(problems(with("{}", "{get: /, name: a, auth: \"me:secret\"}")),
            "8:32 auth is a map, or none | auth: {bearer: \"${token}\"}, or {basic: {user: …, "
            "password: …}}");
  EXPECT_EQ(problems(with("{}", "{get: /, name: a, auth: {bearer: a, basic: {}}}")),
            "8:31 auth is either basic or bearer");
  EXPECT_EQ(problems(with("{}", "{get: /, name: a, auth: {basic: {user: \"a:b\"}}}")),
            "8:39 basic needs the key \"password\"\n"
            "8:47 a user of basic authentication has no colon | RFC 7617");
  EXPECT_EQ(problems(with("{}", "{get: /, name: a, auth: {bearer: Bearer x}}")),
            "8:40 white space in a bearer token | the token alone, without Bearer");
  EXPECT_EQ(problems(with("{compression: br}", "{get: /, name: a, body_max: 1 MB}")),
            "5:21 unknown content coding \"br\" | gzip, deflate, [gzip, deflate] or none\n"
            "8:36 unknown unit \" MB\" | B, KB, MB, GB, KiB, MiB, GiB");
  EXPECT_EQ(problems(with("{}", "{post: /, name: a, body: x, form: {a: b}}")),
            "8:41 one body per request: form is too much | body, form or body_file");
  EXPECT_EQ(problems(with("{}", "{put: /, name: a, body_file: nowhere.bin}")),
            "8:36 cannot read \"nowhere.bin\" | a file, named relative to the profile");
  EXPECT_EQ(problems(with("{headers: {Host: x}}", "{get: /, name: a}")),
            "5:18 header Host is written by stampede itself");
}

TEST(ProfileHttp, SecretsAreNotInTheTextThatIsKept) {
  const Profile profile =
      read(with("{auth: {bearer: hunter2}}",
                "{get: /, name: a, auth: {basic: {user: me, password: \"hunt\\u0065r3\"}}}"),
           {"http.auth.bearer=hunter4", "drain=3s"});
  EXPECT_EQ(profile.text.find("hunter"), std::string::npos) << profile.text;
  EXPECT_EQ(profile.text.find("hunt"), std::string::npos) << profile.text;
  EXPECT_NE(profile.text.find("user: me, password: \"***"), std::string::npos) << profile.text;
  EXPECT_NE(profile.text.find("--set http.auth.bearer=***"), std::string::npos);
  EXPECT_NE(profile.text.find("--set drain=3s"), std::string::npos);
  const Profile variable = read(with("{auth: {bearer: \"${word}\"}}", "{get: /, name: a}"));
  EXPECT_NE(variable.text.find("${word}"), std::string::npos);
}

TEST(ProfileHttp, RequiredHeadersAreWantedOfEveryAnswer) {
  const HttpStep step = compiled("{require: [Trace-Id, ETag]}",
                                 "{get: /, name: x, capture: {key: {header: trace-id}}}");
  EXPECT_EQ(step.required_headers, (std::vector<std::string>{"Trace-Id", "ETag"}));
  EXPECT_EQ(step.wanted_headers, (std::vector<std::string>{"trace-id", "ETag"}));
  EXPECT_NE(problems(with("{require: [\"no name\"]}", "{get: /, name: x}")).find("is not a name"),
            std::string::npos);
}

TEST(ProfileHttp, CredentialsInHeadersAreNotKept) {
  const std::string text = with(
      "{headers: {Authorization: \"Bearer hush\", Accept: text/html, X-Api-Key: \"${token}\"}}",
      "{get: /, name: x, headers: {Cookie: id=hush, X-Token: \"t ${token}\"}}");
  const Profile profile = read(text);
  EXPECT_EQ(profile.text.find("hush"), std::string::npos) << profile.text;
  for (const char* kept : {"text/html", "X-Api-Key: \"${token}\"", "t ${token}"}) {
    EXPECT_NE(profile.text.find(kept), std::string::npos) << kept << "\n" << profile.text;
  }
}

}  // namespace
}  // namespace stampede
