// Goal: https from the command line, as a profile and as a bench: the CA and the client's
// certificate that were named are used, one that nobody vouches for is refused in words that help,
// and what was not verified is said in every report. Method: the real binary against OpenSSL's
// server side; certificates are made by the test.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"
#include "tests/support/stream_server.hpp"

namespace stampede::test {
namespace {

using ::test::Authority;
using ::test::StreamServer;
using ::test::StreamServerOptions;
using Json = nlohmann::json;

Authority& ours() {
  static Authority one;
  return one;
}
Authority& theirs() {
  static Authority one;
  return one;
}

StreamServerOptions secure() {
  StreamServerOptions options;
  options.certificate = ours().issue("DNS:localhost,IP:127.0.0.1");
  return options;
}

std::string url_of(const StreamServer& server, bool tls = true) {
  return (tls ? "https" : "http") + std::string("://127.0.0.1:") + std::to_string(server.port());
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Verdicts about the generator are not the subject, on a machine that does other work too.
std::string profile_text(const std::string& top, const std::string& second_path = "/two") {
  return "name: shop\n"
         "validity: {samples_min: 10, loop_lag_p99_max: 1s, start_lag_p99_max: 1s, cpu_max: 100%}\n"
         "scenarios:\n  s: {persona: p, model: partly-open, arrivals: regular, start: 20, "
         "stages: \"1s:20\"}\npersonas:\n  p:\n    - get: /one\n      name: one\n    - get: " +
         second_path + "\n      name: two\ngates: [errors == 0]\n" + top;
}

struct ProfileRun {
  CommandResult said;
  Json result;
  std::string summary;
};

ProfileRun run_profile(const std::string& text, const std::string& url) {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "run").string();
  ProfileRun run;
  run.said = run_command({stampede_binary(), "run", folder.write("p.yaml", text), "--url", url,
                          "-q", "--plain", "--no-calibration", "--out", out});
  run.result = Json::parse(read_file(folder.path() / "run" / "run.json"), nullptr, false);
  run.summary = read_file(folder.path() / "run" / "summary.md");
  return run;
}

CommandResult bench(std::vector<std::string> words) {
  words.insert(words.begin(), {stampede_binary(), "bench"});
  words.emplace_back("-q");
  return run_command(words);
}

bool fine(const CommandResult& result) {
  return result.exit_code == 0 || result.exit_code == 3;  // 3: a machine too busy to measure on
}

TEST(TlsRun, TheNamedAuthorityAndTheClientsCertificateAreUsed) {
  StreamServerOptions options = secure();
  options.client_ca = ours().ca_file();
  StreamServer server(options);
  const ::test::IssuedFiles own = ours().issue("DNS:client");
  const ProfileRun run =
      run_profile(profile_text("tls: {ca_file: " + ours().ca_file() +
                               ", certificate: " + own.certificate + ", key: " + own.key + "}\n"),
                  url_of(server));
  EXPECT_TRUE(fine(run.said)) << run.said.out << run.said.err;
  EXPECT_EQ(run.result["statuses"]["200"], 40) << run.said.out;
  EXPECT_EQ(run.result["connecting"]["tls_insecure"], false);
  EXPECT_FALSE(holds(run.said.out + run.summary, "INSECURE"));
}

TEST(TlsRun, ResumedSessionsAreInTheFigures) {
  StreamServer server(secure());
  const ProfileRun run = run_profile(profile_text("tls: {ca_file: " + ours().ca_file() +
                                                  ", resumption: worker}\n"
                                                  "connection: {policy: new}\n"),
                                     url_of(server));
  EXPECT_TRUE(fine(run.said)) << run.said.out << run.said.err;
  EXPECT_EQ(run.result["connecting"]["tls"]["count"], 40);
  EXPECT_EQ(server.handshakes, 40u);
  EXPECT_GT(server.resumed, 0u);
  EXPECT_EQ(run.result["connecting"]["tls_resumed"], server.resumed.load());
  EXPECT_TRUE(holds(run.said.out, "(" + std::to_string(server.resumed) + " resumed)"))
      << run.said.out;
}

TEST(TlsRun, ACertificateOfAnotherAuthorityIsRefusedInWordsThatHelp) {
  StreamServer server(secure());
  const ProfileRun run =
      run_profile(profile_text("tls: {ca_file: " + theirs().ca_file() + "}\n"), url_of(server));
  EXPECT_EQ(server.requests, 0u) << "nothing may be sent to a stranger";
  EXPECT_NE(run.said.exit_code, 0);
  EXPECT_TRUE(run.said.exit_code == 1 || run.said.exit_code == 3) << run.said.exit_code;
  for (const char* part : {"tls_untrusted", "tls.ca_file"}) {
    EXPECT_TRUE(holds(run.said.out, part)) << part << "\n" << run.said.out << run.said.err;
  }
  EXPECT_EQ(run.result["total"]["outcomes"]["connect_failed"], 20);
}

TEST(TlsRun, WhatIsNotVerifiedIsSaidInEveryReport) {
  StreamServer server(secure());
  const ProfileRun run = run_profile(profile_text("tls: {insecure: true}\n"), url_of(server));
  EXPECT_TRUE(fine(run.said)) << run.said.out << run.said.err;
  EXPECT_EQ(run.result["statuses"]["200"], 40);
  EXPECT_EQ(run.result["connecting"]["tls_insecure"], true);
  EXPECT_TRUE(holds(run.said.out, "TLS is INSECURE")) << run.said.out;
  EXPECT_TRUE(holds(run.summary, "TLS is INSECURE")) << run.summary;
}

TEST(TlsRun, ACookieThatIsSecureIsSentOverTlsAlone) {
  for (const bool tls : {true, false}) {
    StreamServerOptions options = tls ? secure() : StreamServerOptions{};
    options.headers = "Set-Cookie: sid=s3cure; Path=/; Secure\r\nSet-Cookie: lang=en; Path=/\r\n";
    StreamServer server(options);
    const ProfileRun run = run_profile(
        profile_text("http: {cookies: true}\ntls: {ca_file: " + ours().ca_file() + "}\n"),
        url_of(server, tls));
    EXPECT_TRUE(fine(run.said)) << run.said.out << run.said.err;
    ASSERT_TRUE(server.last_head().starts_with("GET /two ")) << server.last_head();
    EXPECT_EQ(holds(server.last_head(), "sid=s3cure"), tls) << server.last_head();
    EXPECT_TRUE(holds(server.last_head(), "lang=en")) << server.last_head();
  }
}

TEST(TlsBench, VerifiesWithTheNamedFiles) {
  StreamServerOptions options = secure();
  options.client_ca = ours().ca_file();
  StreamServer server(options);
  const ::test::IssuedFiles own = ours().issue("DNS:client");
  const auto result = bench({url_of(server) + "/x", "-n", "30", "-c", "3", "--cacert",
                             ours().ca_file(), "--cert", own.certificate, "--key", own.key});
  EXPECT_TRUE(fine(result)) << result.out << result.err;
  EXPECT_TRUE(holds(result.out, "statuses  200: 30")) << result.out;
  EXPECT_FALSE(holds(result.out, "INSECURE")) << result.out;
  EXPECT_EQ(server.handshakes, 3u);
}

TEST(TlsBench, AStrangerIsRefusedAndTheMessageSaysHowToTrustIt) {
  StreamServer server(secure());
  const auto result = bench({url_of(server), "-n", "4", "-c", "2"});
  EXPECT_EQ(result.exit_code, 69) << result.out;
  EXPECT_EQ(server.requests, 0u);
  EXPECT_TRUE(holds(result.out, "connect_failed 4")) << result.out;
  EXPECT_TRUE(holds(result.err, "gave no answer at all")) << result.err;
  EXPECT_TRUE(holds(result.err, "tls_untrusted")) << result.err;
  EXPECT_TRUE(holds(result.err, "tls.ca_file")) << result.err;
  const auto named = bench({url_of(server), "-n", "4", "-c", "2", "--cacert", "/nonexistent.pem"});
  EXPECT_EQ(named.exit_code, 69) << named.out;
  EXPECT_TRUE(holds(named.err, "tls.ca_file /nonexistent.pem")) << named.err;
}

TEST(TlsBench, InsecureIsAFlagAndIsPrinted) {
  StreamServer server(secure());
  for (const char* flag : {"-k", "--insecure"}) {
    const auto result = bench({url_of(server), "-n", "4", "-c", "2", flag});
    EXPECT_TRUE(fine(result)) << result.out << result.err;
    EXPECT_TRUE(holds(result.out, "TLS is INSECURE")) << result.out;
  }
  const auto json = bench({url_of(server), "-n", "4", "-c", "2", "-k", "-o", "json"});
  EXPECT_EQ(Json::parse(json.out)["connecting"]["tls_insecure"], true);
}

}  // namespace
}  // namespace stampede::test
