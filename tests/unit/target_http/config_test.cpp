#include "target/config.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace boxoffice {
namespace {

struct Outcome {
  boost::system::result<Config, ConfigProblems> config;
  std::vector<std::string> made_up;
};
Outcome read(std::vector<std::string> arguments, Secrets secrets = {}) {
  std::vector<std::string> made_up;
  auto config = read_config(std::move(arguments), std::move(secrets), made_up);
  return {std::move(config), std::move(made_up)};
}
std::string problems_of(std::vector<std::string> arguments) {
  const auto outcome = read(std::move(arguments));
  if (outcome.config.has_value()) return "none";
  std::string text;
  for (const auto& problem : outcome.config.error().problems) text += problem + "\n";
  return text;
}

TEST(Config, DefaultsAreEnough) {
  const auto outcome = read({});
  ASSERT_TRUE(outcome.config.has_value());
  EXPECT_EQ(outcome.config->port, 8080);
  EXPECT_EQ(outcome.config->roles.size(), 9U);
  EXPECT_EQ(outcome.made_up.size(), 3U) << "missing secrets are made up, and told";
  EXPECT_GE(outcome.config->jwt_secret.size(), 32U);
}

TEST(Config, HoldModesAreOneOrAList) {
  EXPECT_EQ(read({}).config->hold_modes, std::vector{HoldMode::tuned});
  EXPECT_EQ(
      read({"--hold-mode=dual,redis_only_sync_sse,redis_only_async_sse,final"}).config->hold_modes,
      (std::vector{HoldMode::dual, HoldMode::sync_sse, HoldMode::async_sse, HoldMode::tuned}));
  EXPECT_EQ(problems_of({"--hold-mode=dual,slow"}),
            "--hold-mode must be dual, redis_only_sync_sse, redis_only_async_sse or final, or a "
            "list of them, not 'slow'\n");
}

TEST(Config, EveryFlagArrives) {
  const auto outcome = read({"--host",
                             "127.0.0.2",
                             "--port",
                             "0",
                             "--admin-port",
                             "9001",
                             "--redis",
                             "r:1",
                             "--mysql",
                             "m:2",
                             "--roles",
                             "order,payment",
                             "--path-prefix",
                             "/ticketing/order",
                             "--threads",
                             "2",
                             "--node",
                             "1023",
                             "--lab",
                             "--defects",
                             "no_guard1,conflict_is_400",
                             "--payment-mode",
                             "webhook",
                             "--payment-delay",
                             "lognormal:800:3000",
                             "--payment-approve",
                             "1",
                             "--drain-seconds",
                             "0",
                             "--log-level",
                             "debug"},
                            {"0123456789abcdef", "j", "p", "w", "old", "pw"});
  ASSERT_TRUE(outcome.config.has_value());
  const Config& config = *outcome.config;
  EXPECT_EQ(config.admin_port, 9001);
  EXPECT_EQ(config.redis_host, "r");
  EXPECT_EQ(config.mysql_port, 2);
  EXPECT_EQ(config.roles, (std::set<std::string>{"order", "payment"}));
  EXPECT_TRUE(config.lab);
  EXPECT_EQ(config.defects.size(), 2U);
  EXPECT_TRUE(config.payment.webhook);
  EXPECT_EQ(config.payment.delay, "lognormal");
  EXPECT_EQ(config.payment.delay_b_ms, 3000);
  EXPECT_EQ(config.webhook_secret_old, "old");
  EXPECT_TRUE(outcome.made_up.empty());
}

TEST(Config, AllProblemsAreTold) {
  const std::string text =
      problems_of({"--port", "70000", "--threads", "0", "--roles", "orders", "--payment-delay",
                   "uniform:9:3", "--redis", "nowhere", "--admin-port", "9"});
  for (const char* part : {"--port must be a number from 0 to 65535, not '70000'", "--threads",
                           "'orders' is not a role", "--payment-delay", "--redis must be HOST:PORT",
                           "BOXOFFICE_ADMIN_TOKEN"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(Config, DefectsNeedTheLab) {
  EXPECT_NE(problems_of({"--defects", "no_guard1"}).find("needs --lab"), std::string::npos);
  EXPECT_NE(problems_of({"--lab", "--defects", "typo"}).find("'typo' is not a defect"),
            std::string::npos);
}

TEST(Config, BadValuesAreRefused) {
  const std::vector<std::vector<std::string>> bad{
      {"--port", "8080x"},          {"--port", ""},
      {"--payment-approve", "1.1"}, {"--payment-approve", "nan"},
      {"--payment-delay", "fixed"}, {"--payment-delay", "fixed:1:2"},
      {"--path-prefix", "x"},       {"--path-prefix", "/x/"},
      {"--log-level", "loud"},      {"--mysql-database", "a;b"},
      {"--node", "1024"},           {"--unknown"},
      {"--payment-mode", "maybe"},  {"--host", "not an address"}};
  for (const auto& arguments : bad) EXPECT_NE(problems_of(arguments), "none") << arguments[0];
}

TEST(Config, DelaysOfTheProviderMayHaveTwoModesOrComeFromAFile) {
  const auto bimodal = read({"--payment-delay", "bimodal:300:5000:0.2"});
  ASSERT_TRUE(bimodal.config.has_value());
  EXPECT_EQ(bimodal.config->payment.delay_slow_share, 0.2);
  const std::string file = ::testing::TempDir() + "delays.txt";
  std::ofstream(file) << "# ms\n120\n\n80.5\r\n";
  const auto trace = read({"--payment-delay", "trace:" + file});
  ASSERT_TRUE(trace.config.has_value());
  EXPECT_EQ(*trace.config->payment.delay_trace, (std::vector<double>{120, 80.5}));
  std::ofstream(file) << "120\n-3\n";
  EXPECT_NE(problems_of({"--payment-delay", "trace:" + file}).find("delays.txt:2: expected"),
            std::string::npos);
  EXPECT_NE(problems_of({"--payment-delay", "trace:/nowhere"}).find("no delay in the trace"),
            std::string::npos);
}

TEST(Config, HelpIsNoProblem) {
  const auto outcome = read({"--help"});
  ASSERT_TRUE(outcome.config.has_error());
  EXPECT_TRUE(outcome.config.error().problems.empty());
  EXPECT_NE(outcome.config.error().help.find("--payment-delay"), std::string::npos);
}

TEST(Config, RateLimitsAreOnOffOrTheOperatorsOwn) {
  const auto limits = [](const char* text) {
    return read({"--ratelimit", text}).config.value().rate_limits;
  };
  EXPECT_TRUE(limits("on").on);
  EXPECT_EQ(limits("on").user.burst, 40U);
  EXPECT_FALSE(limits("off").on);
  const RateLimits own = limits("user=2.5:7,login=1:2");
  EXPECT_TRUE(own.on);
  EXPECT_EQ(own.user.per_second, 2.5);
  EXPECT_EQ(own.user.burst, 7U);
  EXPECT_EQ(own.login.burst, 2U);
  EXPECT_EQ(own.hold.burst, 5U) << "the others as they were";
  for (const char* bad : {"user", "user=1", "user=0:1", "user=1:0", "nobody=1:1", "user=1:1,"}) {
    EXPECT_NE(problems_of({"--ratelimit", bad}).find("--ratelimit must be"), std::string::npos)
        << bad;
  }
}

TEST(Config, TrustedProxiesAreExactAddresses) {
  EXPECT_TRUE(read({}).config->trusted_proxies.empty());
  const auto two = read({"--trusted-proxies=127.0.0.1,2001:DB8::1"});
  ASSERT_TRUE(two.config.has_value());
  EXPECT_EQ(two.config->trusted_proxies, (std::set<std::string>{"127.0.0.1", "2001:db8::1"}));
  for (const char* wrong : {"proxy", "10.0.0.0/8", "127.0.0.1,", "127.0.0.1:80", "*"}) {
    EXPECT_NE(problems_of({std::string("--trusted-proxies=") + wrong})
                  .find("--trusted-proxies must be at most 64 IP addresses"),
              std::string::npos)
        << wrong;
  }
}

TEST(Config, RolesMayBeAllButSome) {
  const auto roles = read({"--roles=all,-order,-worker"}).config.value().roles;
  EXPECT_EQ(roles.size(), read({}).config.value().roles.size() - 2);
  EXPECT_FALSE(roles.contains("order"));
  EXPECT_NE(problems_of({"--roles=all,-cook"}).find("'cook' is not a role"), std::string::npos);
}

TEST(Config, ProviderIsInlineOrAProcess) {
  EXPECT_EQ(read({}).config.value().pg_host, "");
  const Config process = read({"--pg=process", "--pg-address=127.0.0.2:99"}).config.value();
  EXPECT_EQ(process.pg_host, "127.0.0.2");
  EXPECT_EQ(process.pg_port, 99);
  EXPECT_NE(problems_of({"--pg=cloud"}).find("inline or process"), std::string::npos);
  EXPECT_NE(problems_of({"--pg=process", "--pg-address=host:1"}).find("IP address"),
            std::string::npos);
  EXPECT_EQ(read({"--roles=pg"}).config.value().roles, std::set<std::string>{"pg"});
  EXPECT_NE(problems_of({"--roles=pg,order"}).find("stands alone"), std::string::npos);
}

}  // namespace
}  // namespace boxoffice
