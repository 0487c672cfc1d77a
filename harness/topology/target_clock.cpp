#include "harness/topology/target_clock.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/topology/http_exchange.hpp"

namespace stampede {
namespace {

constexpr int looks = 5;
constexpr std::chrono::seconds patience{2};
constexpr Nanos stamp_unit{std::chrono::milliseconds{1}};

Nanos wall_now() {
  return std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch());
}

// nullopt: it is no answer of boxoffice.
std::optional<std::int64_t> epoch_ms_of(const HttpAnswer& answer) {
  if (answer.status != 200) return std::nullopt;
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("epochMs");
  if (found == json.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

TargetClockReading none(std::string why, bool applies) {
  TargetClockReading reading;
  reading.absent = std::move(why);
  reading.applies = applies;
  return reading;
}

}  // namespace

TargetClockReading clock_reading(std::int64_t target_epoch_ms, Nanos asked, Nanos answered) {
  TargetClockReading reading;
  // Milliseconds are cut off, so the time was on average half of one later.
  const Nanos there = std::chrono::milliseconds{target_epoch_ms} + stamp_unit / 2;
  reading.offset = there - (asked + (answered - asked) / 2);
  reading.uncertainty = (answered - asked) / 2 + stamp_unit / 2;
  return reading;
}

TargetClockReading read_target_clock(const TopologyEndpoints& at) {
  if (at.tls || !at.socket_path.empty()) return none("it is asked over plain HTTP only", false);
  const HttpQuestion question{"GET", at.path_prefix + "/api/time", "", {}};
  TargetClockReading best = none("not asked", true);
  for (int look = 0; look < looks; ++look) {
    HttpAnswer answer;
    const Nanos asked = wall_now();
    try {
      answer = exchange(at.http, question, patience);
    } catch (const std::exception& problem) {
      return none(fmt::format("GET {}: {}", question.target, problem.what()), true);
    }
    const Nanos answered = wall_now();
    const auto told = epoch_ms_of(answer);
    if (!told) return none(fmt::format("the target has no {}", question.target), false);
    const TargetClockReading reading = clock_reading(*told, asked, answered);
    if (!best.offset || reading.uncertainty < best.uncertainty) best = reading;
  }
  return best;
}

}  // namespace stampede
