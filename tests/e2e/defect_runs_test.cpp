// Goal: a whole run sees the defects of waiting rooms, of holds that end, of payments and of the
// outbox, where the specification says that it must (domain §2.15).
// Method: real boxoffice, Redis and MariaDB, started by the harness; four small profiles, each once
// clean, where it passes, and once with each of its defects, where one gate or invariant tells it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <thread>

#include "tests/e2e/profile_run.hpp"

namespace stampede::test {
namespace {

using namespace std::chrono_literals;

using Words = std::vector<std::string>;

std::string told(const ProfileRun& run) { return run.command.out + run.command.err; }

void expect_pass(const ProfileRun& run) {
  EXPECT_EQ(run.command.exit_code, 0) << told(run);
  EXPECT_EQ(broken(run.file), Words{}) << run.file["findings"].dump(1);
  EXPECT_EQ(run.file["tainted"], false);
}

// The run ends as a missed gate does, and this is one of those that were missed.
void expect_missed(const ProfileRun& run, const std::string& gate) {
  EXPECT_EQ(run.command.exit_code, 1) << told(run);
  const auto finding = finding_of(run.file, gate);
  ASSERT_FALSE(finding.is_null()) << run.file["findings"].dump(1);
  EXPECT_EQ(finding["result"], "missed") << finding.dump(1);
  EXPECT_EQ(run.file["tainted"], true);
}

// The run ends as a broken invariant does, and a witness of this one has the word in it.
void expect_broken(const ProfileRun& run, const std::string& rule, const std::string& word) {
  EXPECT_EQ(run.command.exit_code, 2) << told(run);
  EXPECT_TRUE(contains(broken(run.file), rule)) << run.file["findings"].dump(1);
  const auto finding = finding_of(run.file, rule);
  bool named = false;
  for (const auto& sample : finding["samples"]) {
    named = named || sample.get<std::string>().find(word) != std::string::npos;
  }
  EXPECT_TRUE(named) << finding.dump(1);
  EXPECT_EQ(run.file["tainted"], true);
}

double figure_of(const ProfileRun& run, const std::string& gate) {
  const auto finding = finding_of(run.file, gate);
  return finding.is_null() ? -1 : finding["figure"].get<double>();
}

ProfileRun run_with(const std::string& profile, const std::string& defect, Words more = {}) {
  more.insert(more.end(), {"--set", "target.defects=" + defect});
  return run_profile(profile, more);
}

// ---- waiting rooms

constexpr const char* rooms = "tests/e2e/profiles/waiting-rooms.yaml";

TEST(WaitingRoomDefect, WithoutOneEverybodyIsLetInInOrder) {
  const ProfileRun run = run_profile(rooms);
  expect_pass(run);
  // What the defects are told by was looked at, and is far from where they move it.
  EXPECT_GE(figure_of(run, "gauge inside max <= 25"), 10);
  for (const char* rule : {"L8", "R7"}) EXPECT_EQ(finding_of(run.file, rule)["result"], "held");
}

TEST(WaitingRoomDefect, PlacesByTheClocksSecondShowAsOvertaking) {
  expect_broken(run_with(rooms, "queue_timestamp_score"), "L8", "event 1: user ");
}

TEST(WaitingRoomDefect, PeopleWhoArePoppedTwiceAreMissed) {
  const ProfileRun run = run_with(rooms, "queue_nonatomic_pop");
  expect_broken(run, "R7", "event 1: 70 entered, but");
  EXPECT_GE(figure_of(run, "first.admission count timed_out == 0"), 5);
}

TEST(WaitingRoomDefect, SlotsThatDoNotLapseKeepOthersOut) {
  const ProfileRun run = run_with(rooms, "queue_set_ttl");
  expect_missed(run, "behind.admission count timed_out == 0");
  EXPECT_EQ(figure_of(run, "behind.admission count timed_out == 0"), 10);
}

TEST(WaitingRoomDefect, ARoomThatIsNotEnforcedIsOverItsCap) {
  const ProfileRun run = run_with(rooms, "queue_not_enforced");
  expect_missed(run, "gauge inside max <= 25");
  EXPECT_GE(figure_of(run, "gauge inside max <= 25"), 30);
}

// That the push lag grows with it needs more sockets than a small run has: admitted × connected are
// here some 2,000 messages. What a bystander hears does not depend on their number.
TEST(WaitingRoomDefect, AdmissionsThatAreToldToAllAreHeardByABystander) {
  const ProfileRun run = run_with(rooms, "broadcast_all");
  expect_missed(run, "heard_of_others_count == 0");
  EXPECT_GE(figure_of(run, "heard_of_others_count == 0"), 10);
  EXPECT_GE(run.file["streams"]["messages_in"].get<int>(), 1000);
}

// ---- holds that end

Words small_expiry() {
  Words words;
  for (const char* set :
       {"scenarios.long.persona=holder_2s", "data.events.1.hold_ttl=2s", "data.users=200",
        "scenarios.short.user_count=100", "scenarios.long.user_from=100",
        "scenarios.long.user_count=100", "scenarios.short.stages=0s:10, 3s:10",
        "scenarios.long.stages=0s:10, 3s:10", "drain=8s",
        "gates=[errors == 0, again count ok >= 5, again count conflict == 0, late_order count gone "
        ">= 5, late_order count ok == 0]",
        "validity={samples_min: 10, calibration: false, run_queue_max: 100%, lift: [L1, L3, L5, "
        "L6, L7, L8, L9, L13, L16]}"}) {
    words.insert(words.end(), {"--set", set});
  }
  return words;
}

TEST(ExpiryDefect, WithoutOneSeatsComeBack) {
  expect_pass(run_profile("profiles/expiry.yaml", small_expiry()));
}

TEST(ExpiryDefect, SeatsThatDoNotComeBackAreAConflict) {
  Words words = small_expiry();
  // The target never comes to rest, which an audit would wait for.
  words.insert(words.end(), {"--set", "invariants=none"});
  const ProfileRun run = run_with("profiles/expiry.yaml", "expire_never", words);
  expect_missed(run, "again count conflict == 0");
  EXPECT_EQ(finding_of(run.file, "late_order count ok == 0")["result"], "missed");
}

// ---- payments

constexpr const char* checkout = "tests/e2e/profiles/checkout.yaml";

TEST(PaymentDefect, WithoutOneAllPayAtOnce) { expect_pass(run_profile(checkout)); }

TEST(PaymentDefect, ConnectionsThatWaitForTheProviderAreTheCeiling) {
  const ProfileRun run = run_with(checkout, "pay_in_tx");
  expect_missed(run, "paid_rate >= 10/s");
  EXPECT_LE(figure_of(run, "paid_rate >= 10/s"), 3 / 0.5 + 0.5);  // pool / delay
  EXPECT_GT(figure_of(run, "paid_rate >= 10/s"), 1 / 0.5 + 0.5);  // more than one after the other
}

TEST(PaymentDefect, OnePaymentAfterTheOtherMakesOrdersOld) {
  const ProfileRun run = run_with(checkout, "saga_serial");
  expect_missed(run, "paid_rate >= 10/s");
  EXPECT_LE(figure_of(run, "paid_rate >= 10/s"), 1 / 0.5 + 0.5);
  EXPECT_EQ(finding_of(run.file, "authorise mean < 1500ms")["result"], "missed");
}

// ---- the outbox

// What a server on loopback answers to this before it closes the connection; "": nobody listens.
std::string said(std::uint16_t port, const std::string& text) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::string answer;
  if (connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(connection, text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size())) {
    std::array<char, 65536> part{};
    for (ssize_t got = 1; got > 0;) {
      got = recv(connection, part.data(), part.size(), 0);
      if (got > 0) answer.append(part.data(), static_cast<std::size_t>(got));
    }
  }
  close(connection);
  return answer;
}

std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// The port of a process that this stampede has started, behind `before` in its command line.
std::optional<std::uint16_t> port_of(int stampede, const std::string& program,
                                     const std::string& before) {
  for (const int process : processes_with(program)) {
    const std::string folder = "/proc/" + std::to_string(process);
    if (read_file(folder + "/stat").find(" " + std::to_string(stampede) + " ") == std::string::npos)
      continue;
    const std::string line = read_file(folder + "/cmdline");
    const auto at = line.find(before);
    if (at == std::string::npos) continue;
    return static_cast<std::uint16_t>(std::stoi(line.substr(at + before.size())));
  }
  return std::nullopt;
}

bool soon(const std::function<bool()>& fact) {
  for (const auto end = std::chrono::steady_clock::now() + 60s;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(20ms)) {
    if (fact()) return true;
  }
  return false;
}

// Once ten seats are ordered, Redis refuses every new value until ten payments were approved and
// the relay had the time to try. Full memory does that without a connection that breaks: what was
// sent to a Redis that is stopped would be done when it goes on.
class FullRedis {
 public:
  explicit FullRedis(int stampede) : thread_([this, stampede] { run(stampede); }) {}
  [[nodiscard]] bool was_full() {
    thread_.join();
    return was_full_;
  }

 private:
  void run(int stampede) {
    std::optional<std::uint16_t> redis, boxoffice;
    const bool found = soon([&] {
      redis = port_of(stampede, "redis-server", "127.0.0.1:");
      boxoffice = port_of(stampede, "boxoffice", "--port=");
      return redis && boxoffice;
    });
    if (!found) return;
    const auto ordered = [&] {
      return count_of(said(*redis, "HVALS {e1.1}:st\r\nQUIT\r\n"), "P:") == 10;
    };
    if (!soon(ordered)) return;
    said(*redis, "CONFIG SET maxmemory 1\r\nQUIT\r\n");
    was_full_ = soon([&] {
      return said(*boxoffice, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                 .find("payment_total{result=\"DONE\"} 10") != std::string::npos;
    });
    std::this_thread::sleep_for(1500ms);
    said(*redis, "CONFIG SET maxmemory 0\r\nQUIT\r\n");
  }

  bool was_full_ = false;
  std::jthread thread_;  // last: it begins when the others are there
};

ProfileRun run_with_full_redis(const Words& more) {
  std::optional<FullRedis> redis;
  const ProfileRun run = run_profile("tests/e2e/profiles/redis-refuses.yaml", more,
                                     [&redis](int stampede) { redis.emplace(stampede); });
  EXPECT_TRUE(redis->was_full()) << told(run);
  return run;
}

TEST(OutboxDefect, WithoutOneWhatRedisRefusedIsToldLater) { expect_pass(run_with_full_redis({})); }

TEST(OutboxDefect, WhatIsForgottenLeavesSeatsPending) {
  const ProfileRun run = run_with_full_redis({"--set", "target.defects=outbox_send_then_forget"});
  expect_broken(run, "R1", "event 1 seat ");
  EXPECT_EQ(finding_of(run.file, "A9")["result"], "held") << "the outbox calls it sent";
}

}  // namespace
}  // namespace stampede::test
