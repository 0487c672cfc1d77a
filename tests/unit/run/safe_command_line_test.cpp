// What a run keeps of its command line holds no credential.
#include "harness/run/safe_command_line.hpp"

#include <gtest/gtest.h>

namespace stampede {
namespace {

using Words = std::vector<std::string>;

TEST(SafeCommandLine, OverridesOfCredentialsLoseTheirValue) {
  EXPECT_EQ(safe_command_line({"stampede", "run", "p", "--set", "http.auth.bearer=hush", "--set",
                               "drain=5s", "--set=http.headers.Authorization=Bearer hush", "--set",
                               "http={headers: {authorization: hush}}", "--set",
                               "http.headers.X-Api-Key=hush", "--set", "http.headers.Accept=a/b"},
                              {}),
            (Words{"stampede", "run", "p", "--set", "http.auth.bearer=***", "--set", "drain=5s",
                   "--set=http.headers.Authorization=***", "--set", "http=***", "--set",
                   "http.headers.X-Api-Key=***", "--set", "http.headers.Accept=a/b"}));
}

TEST(SafeCommandLine, HeadersThatCarryACredentialLoseTheirValue) {
  EXPECT_EQ(safe_command_line(
                {"-H", "Authorization: Bearer hush", "-HCookie: id=hush",
                 "--header=X-Auth-Token: hush", "--header", "Accept: text/html", "-H", "no header"},
                {}),
            (Words{"-H", "Authorization: ***", "-HCookie: ***", "--header=X-Auth-Token: ***",
                   "--header", "Accept: text/html", "-H", "no header"}));
}

TEST(SafeCommandLine, KnownSecretsGoWhereverTheyStand) {
  EXPECT_EQ(safe_command_line({"--mysql", "me:hush@h:1/d"}, {"hush"}),
            (Words{"--mysql", "me:…@h:1/d"}));
}

}  // namespace
}  // namespace stampede
