#include "target/http/jwt.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

using std::chrono::seconds;
using WallTime = std::chrono::system_clock::time_point;

const WallTime noon{seconds(1'700'000'000)};
constexpr std::string_view secret = "a secret that nobody knows";

std::string token_of(std::string_view header, std::string_view claims,
                     std::string_view key = secret) {
  const std::string text = base64url(header) + '.' + base64url(claims);
  return text + '.' + base64url(hmac_sha256(key, text));
}

constexpr std::string_view good_header = R"({"alg":"HS256"})";
constexpr std::string_view good_claims =
    R"({"sub":"7","role":"USER","iat":1700000000,"exp":1700000060})";

TEST(Jwt, SignatureOfTheExampleOfRfc7515) {
  const auto key = from_base64url(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  ASSERT_TRUE(key);
  const std::string header = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
  const std::string claims =
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ";
  EXPECT_EQ(base64url(hmac_sha256(*key, header + '.' + claims)),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(Jwt, ASignedTokenVerifies) {
  const std::string token = sign_jwt(secret, 42, Role::company, noon, seconds(60));
  const auto caller = verify_jwt(secret, token, noon + seconds(59));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->user, 42U);
  EXPECT_EQ(caller->role, Role::company);
}

TEST(Jwt, EndsAtItsSecond) {
  const std::string token = sign_jwt(secret, 42, Role::user, noon, seconds(60));
  EXPECT_FALSE(verify_jwt(secret, token, noon + seconds(60)));
}

TEST(Jwt, OnlyHs256IsAnAlgorithm) {
  EXPECT_TRUE(verify_jwt(secret, token_of(good_header, good_claims), noon));
  EXPECT_FALSE(verify_jwt(secret, token_of(R"({"alg":"none"})", good_claims), noon));
  EXPECT_FALSE(verify_jwt(secret, token_of(R"({"alg":"HS512"})", good_claims), noon));
  EXPECT_FALSE(verify_jwt(secret, token_of(R"({"typ":"JWT"})", good_claims), noon));
  const std::string unsigned_token =
      base64url(R"({"alg":"none"})") + '.' + base64url(good_claims) + '.';
  EXPECT_FALSE(verify_jwt(secret, unsigned_token, noon));
}

TEST(Jwt, AnyChangedCharacterIsNoticed) {
  const std::string token = sign_jwt(secret, 42, Role::user, noon, seconds(60));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    if (changed != token) EXPECT_FALSE(verify_jwt(secret, changed, noon)) << i;
  }
  EXPECT_FALSE(verify_jwt("another secret", token, noon));
}

TEST(Jwt, MissingOrStrangeClaimsAreNoCaller) {
  for (const char* claims :
       {R"({"role":"USER","iat":1700000000,"exp":1700000060})",
        R"({"sub":7,"role":"USER","iat":1700000000,"exp":1700000060})",
        R"({"sub":"-7","role":"USER","iat":1700000000,"exp":1700000060})",
        R"({"sub":"99999999999999999999","role":"USER","iat":1700000000,"exp":1700000060})",
        R"({"sub":"7","role":"ROOT","iat":1700000000,"exp":1700000060})",
        R"({"sub":"7","role":"USER","iat":1700000000})",
        R"({"sub":"7","role":"USER","iat":1700000000,"exp":"1700000060"})",
        R"({"sub":"7","role":"USER","iat":1700009999,"exp":1700019999})", "[]", "{", ""}) {
    EXPECT_FALSE(verify_jwt(secret, token_of(good_header, claims), noon)) << claims;
  }
}

TEST(Jwt, GarbageIsNoToken) {
  for (const std::string& text :
       {std::string(), std::string(".."), std::string("a.b"), std::string("a.b.c"),
        std::string("a.b.c.d"), std::string(5000, 'A'), std::string("\0.\0.\0", 5)}) {
    EXPECT_FALSE(verify_jwt(secret, text, noon));
  }
}

TEST(TokenVerifier, RemembersAndForgets) {
  TokenVerifier verifier{std::string(secret), 10};
  const std::string token = sign_jwt(secret, 1, Role::user, noon, seconds(60));
  EXPECT_TRUE(verifier.verify(token, noon));
  EXPECT_TRUE(verifier.verify(token, noon + seconds(59)));
  EXPECT_FALSE(verifier.verify(token, noon + seconds(60))) << "a remembered token still ends";
  for (std::uint64_t user = 0; user < 100; ++user) {
    EXPECT_TRUE(verifier.verify(sign_jwt(secret, user, Role::user, noon, seconds(60)), noon));
    EXPECT_LE(verifier.size(), 10U);
  }
  EXPECT_FALSE(verifier.verify(token + "x", noon));
}

TEST(Encodings, RoundTrip) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(from_base64url(base64url(bytes)), bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
  }
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_FALSE(from_base64url("Zm9="));
  EXPECT_FALSE(from_base64url("Zm9vYh")) << "stray bits";
}

TEST(EqualSecret, ComparesLengthAndContent) {
  EXPECT_TRUE(equal_secret("abc", "abc"));
  EXPECT_FALSE(equal_secret("abc", "abd"));
  EXPECT_FALSE(equal_secret("abc", "abcd"));
  EXPECT_TRUE(equal_secret("", ""));
}

}  // namespace
}  // namespace boxoffice
