// Goal: the private stores start from nothing, are fast the second time, say what is missing, and
// are gone afterwards.
#include <csignal>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "harness/time.hpp"
#include "harness/topology/operation.hpp"
#include "harness/topology/single_topology.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

std::filesystem::path scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "topology-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

void silent(const std::string&) {}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const TopologyError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(PrivateStores, StartAnswerAndVanish) {
  std::filesystem::path directory;
  std::vector<pid_t> pids;
  {
    const PrivateStores stores(TopologyPlan{}, std::stop_token{}, silent);
    directory = stores.directory();
    for (const Process* process : stores.processes()) pids.push_back(process->pid());
    EXPECT_NE(describe_mysql(stores.mysql()).find("innodb_flush_log_at_trx_commit=1"),
              std::string::npos)
        << describe_mysql(stores.mysql());
    EXPECT_NE(describe_redis(stores.redis()).find("appendonly=no"), std::string::npos)
        << describe_redis(stores.redis());
    EXPECT_FALSE(std::filesystem::exists(directory / "mariadb" / "init.sql"));
    TopologyEndpoints at;
    at.mysql = stores.mysql();
    at.redis = stores.redis();
    const StoreFacts facts = read_store_facts(at);
    ASSERT_TRUE(facts.mysql && facts.redis && facts.script_calls);
    EXPECT_GE(facts.mysql->used, 1U);
    EXPECT_GT(facts.mysql->limit, facts.mysql->used);
    EXPECT_GE(facts.redis->used, 1U);
    EXPECT_GE(facts.redis->limit, 1000U);  // 20,000, or what descriptors allow
    EXPECT_EQ(facts.script_calls, 0U);
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
  for (const pid_t pid : pids) EXPECT_FALSE(start_time_of(pid)) << pid;
}

TEST(PrivateStores, OnlyTheOwnUserMayEnterTheDatabase) {
  const PrivateStores stores(TopologyPlan{}, std::stop_token{}, silent);
  MysqlEndpoint root = stores.mysql();
  root.user = "root";
  root.password.clear();
  root.database.clear();
  EXPECT_THROW(SqlConnection(root, std::chrono::seconds{2}), StoreProblem);
  MysqlEndpoint wrong = stores.mysql();
  wrong.password = "guess";
  EXPECT_THROW(SqlConnection(wrong, std::chrono::seconds{2}), StoreProblem);
}

TEST(PrivateStores, BuildTheTemplateOnce) {
  const std::filesystem::path root = scratch();
  TopologyPlan plan;
  plan.cache_dir = root / "cache";
  int built = 0;
  const auto count = [&built](const std::string& line) {
    if (line.find("template built") != std::string::npos) ++built;
  };
  { const PrivateStores stores(plan, std::stop_token{}, count); }
  EXPECT_EQ(built, 1);
  { const PrivateStores stores(plan, std::stop_token{}, count); }
  EXPECT_EQ(built, 1) << "the second start should have used the cache";
  std::filesystem::remove_all(root);
}

TEST(PrivateStores, AMissingProgramIsNamedWithItsPackage) {
  const std::filesystem::path root = scratch();
  TopologyPlan plan;
  plan.work_root = root;
  plan.tool_dirs = {root};
  const std::string message =
      message_of([&plan] { PrivateStores(plan, std::stop_token{}, silent); });
  EXPECT_NE(message.find("mariadb: the program mariadbd is missing"), std::string::npos) << message;
  EXPECT_NE(message.find("mariadb-server"), std::string::npos) << message;
  EXPECT_NE(message.find("ci/setup"), std::string::npos) << message;
  EXPECT_TRUE(std::filesystem::is_empty(root)) << "nothing should have been made";
  std::filesystem::remove_all(root);
}

TEST(PrivateStores, AStopRequestDuringTheStartCleansUp) {
  const std::filesystem::path root = scratch();
  TopologyPlan plan;
  plan.work_root = root;
  std::stop_source stop;
  stop.request_stop();
  const std::string message = message_of([&] { PrivateStores(plan, stop.get_token(), silent); });
  EXPECT_NE(message.find("stopped"), std::string::npos) << message;
  EXPECT_TRUE(std::filesystem::is_empty(root));
  std::filesystem::remove_all(root);
}

TEST(PrivateStores, KeepTheLogsWhereAsked) {
  const std::filesystem::path root = scratch();
  TopologyPlan plan;
  plan.log_dir = root / "logs";
  { const PrivateStores stores(plan, std::stop_token{}, silent); }
  EXPECT_TRUE(std::filesystem::exists(plan.log_dir / "mariadb.log"));
  EXPECT_TRUE(std::filesystem::exists(plan.log_dir / "redis.log"));
  std::filesystem::remove_all(root);
}

TEST(Topology, AMissingBoxofficeIsSaid) {
  TopologyPlan plan;
  plan.boxoffice = "/nowhere/boxoffice";
  const std::string message =
      message_of([&plan] { (void)Topology::start(plan, std::stop_token{}, silent); });
  EXPECT_NE(message.find("boxoffice: the program is missing at '/nowhere/boxoffice'"),
            std::string::npos)
      << message;
}

TEST(Topology, ABoxofficeThatEndsAtOnceIsReportedWithItsLastWords) {
  const std::filesystem::path root = scratch();
  const std::filesystem::path fake = root / "fake-boxoffice";
  std::ofstream(fake) << "#!/bin/sh\necho 'schema is broken' >&2\nexit 3\n";
  std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
  TopologyPlan plan;
  plan.boxoffice = fake;
  plan.work_root = root / "work";
  std::filesystem::create_directory(plan.work_root);
  const std::string message =
      message_of([&plan] { (void)Topology::start(plan, std::stop_token{}, silent); });
  EXPECT_NE(message.find("boxoffice exited with status 3"), std::string::npos) << message;
  EXPECT_NE(message.find("schema is broken"), std::string::npos) << message;
  EXPECT_TRUE(std::filesystem::is_empty(plan.work_root));
  std::filesystem::remove_all(root);
}

TEST(Topology, SecretsAreNotOnTheCommandLine) {
  const std::filesystem::path root = scratch();
  const std::filesystem::path fake = root / "fake-boxoffice";
  std::ofstream(fake) << "#!/bin/sh\nenv | sort | cut -d= -f1\necho \"args: $*\"\nexit 1\n";
  std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
  TopologyPlan plan;
  plan.boxoffice = fake;
  plan.log_dir = root / "logs";
  (void)message_of([&plan] { (void)Topology::start(plan, std::stop_token{}, silent); });
  const std::string log = tail_of(plan.log_dir / "boxoffice.log", 50);
  for (const char* name :
       {"ADMIN_TOKEN", "JWT_SECRET", "PASS_SECRET", "WEBHOOK_SECRET", "MYSQL_PASSWORD"}) {
    EXPECT_NE(log.find(std::string("BOXOFFICE_") + name), std::string::npos) << log;
  }
  const std::string arguments = log.substr(std::min(log.find("args:"), log.size()));
  EXPECT_NE(arguments.find("--mysql-user=boxoffice"), std::string::npos) << log;
  EXPECT_EQ(arguments.find("password"), std::string::npos) << log;
  EXPECT_EQ(arguments.find("secret"), std::string::npos) << log;
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace stampede
