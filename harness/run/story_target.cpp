// What is asked of the target itself before and after the load: is it as it should be, and does its
// clock agree with ours?
#include <fmt/format.h>

#include <algorithm>

#include "harness/run/story.hpp"
#include "harness/topology/target_clock.hpp"

namespace stampede {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Into `into`, unless there is none.
void take(const TargetClockReading& reading, std::optional<ClockOffset>& into, TargetClock& clock) {
  if (reading.offset) into = ClockOffset{*reading.offset, reading.uncertainty};
  if (!reading.absent.empty()) clock.absent = reading.absent;
}

}  // namespace

// Planted defects, whatever the profile needs of the target otherwise.
bool Story::ask_for_defects() {
  const TopologyEndpoints& at = topology_->endpoints();
  if (!at.admin) {
    taint_unknown_ =
        "the target was not asked: no admin port (--admin); one that is no boxoffice has none";
    return true;
  }
  try {
    note_defects(BoxofficeAdmin(*at.admin, at.admin_token).config());
  } catch (const TopologyError& problem) {
    end("failed", problem.what());
    return false;
  }
  return true;
}

void Story::note_defects(const TargetConfig& config) {
  std::vector<std::string> fresh;
  for (const std::string& defect : config.defects) {
    const bool known = std::ranges::find(result_.defects, defect) != result_.defects.end();
    if (!known) fresh.push_back(defect);
  }
  const bool news = config.tainted && (!result_.tainted || !fresh.empty());
  result_.tainted = result_.tainted || config.tainted;
  result_.defects.insert(result_.defects.end(), fresh.begin(), fresh.end());
  if (news) note(fmt::format("TAINTED: defects are on ({})", listed(fresh)));
}

// Switches can be turned while the load runs, and stay as they were turned.
void Story::ask_for_defects_again() {
  const TopologyEndpoints& at = topology_->endpoints();
  if (!at.admin) return;
  try {
    note_defects(BoxofficeAdmin(*at.admin, at.admin_token).config());
  } catch (const TopologyError& problem) {
    taint_unknown_ = fmt::format("clean before the load; not known after it: {}", problem.what());
  }
}

// Only a boxoffice is asked: whatever else is driven gets nothing but the profile's requests.
void Story::compare_clocks() {
  if (!topology_->endpoints().admin) {
    target_clock_.absent = "only a boxoffice is asked, which is known by its admin port (--admin)";
    return;
  }
  const TargetClockReading reading = read_target_clock(topology_->endpoints());
  target_clock_.applies = reading.applies;
  take(reading, target_clock_.before, target_clock_);
}

void Story::compare_clocks_again() {
  if (!target_clock_.applies) return;
  take(read_target_clock(topology_->endpoints()), target_clock_.after, target_clock_);
}

}  // namespace stampede
