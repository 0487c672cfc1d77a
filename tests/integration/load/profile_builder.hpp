// Small profiles as values, and a load driven with them.
#pragma once

#include <string>
#include <vector>

#include "harness/load/load.hpp"
#include "harness/profile/profile.hpp"

namespace stampede::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

StepSpec get(std::string name, std::string path, Nanos timeout = seconds{5});
StepSpec post(std::string name, std::string path, std::string body);
StepSpec think(double seconds_long);
StepSpec ws_connect(std::string path);
StepSpec ws_await(std::string pointer, std::string value, Nanos timeout = seconds{5});
StepSpec ws_send(std::string text);

OpenLoad regular(double rate, Nanos length);

struct Driven {
  LoadOutcome outcome;
  std::vector<LoadSecond> seconds;
  CompiledRun run;

  [[nodiscard]] const Snapshot& total() const { return outcome.measured; }
  [[nodiscard]] std::uint64_t count(Outcome outcome_kind) const;  // of all steps
  [[nodiscard]] const SeriesSnapshot& series(const std::string& step) const;
  [[nodiscard]] std::uint64_t failures(Failure kind) const {
    return outcome.measured.failures.count[static_cast<std::size_t>(kind)];
  }
  // "refused 4: …", one line each.
  [[nodiscard]] std::string all_failures() const;
  [[nodiscard]] std::string example(Failure kind) const {
    return outcome.measured.failures.example[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] std::string example(Outcome kind) const {
    return outcome.measured.example[static_cast<std::size_t>(kind)];
  }
  // Sessions and requests all ended in exactly one way, and the seconds add up to the total.
  void expect_closed_balance() const;
};

// One scenario against one target.
struct Drive {
  std::string model = "open";
  LoadShape load;
  std::vector<StepSpec> steps, prepare;
  std::uint32_t users_max = 0;
  Nanos start_at{0};
  std::uint32_t workers = 1;
  Nanos warm_up{0}, length{seconds{1}}, drain{seconds{5}};
  GeneratorMutation mutation;
  std::size_t ledger_entries_max = 1'000;
  std::vector<UserIdentity> users;
  HttpDefaults http;
  std::vector<std::pair<std::string, Source>> variables;
  std::vector<FeederSpec> feeders;
  std::vector<std::pair<std::string, Place>> feed;
  HttpTarget target{"127.0.0.1", 0, "", "test", false, {}, {}, {}};  // but for its port

  [[nodiscard]] Driven against(std::uint16_t port, std::stop_token stop = {}) const;
};

// A profile as a person writes it, read, compiled and driven. Throws what the reader says of it.
Driven drive_profile(const std::string& yaml, HttpTarget target);

}  // namespace stampede::test
