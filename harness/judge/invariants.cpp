#include "harness/judge/invariants.hpp"

#include "harness/judge/booking_checks.hpp"

namespace stampede {
namespace {

const Finding& find(const std::vector<Finding>& findings, std::string_view rule) {
  return *std::find_if(findings.begin(), findings.end(),
                       [rule](const Finding& finding) { return finding.rule == rule; });
}

// The largest of several figures; not known as long as one of them is not, unless one is broken.
Finding largest(const std::vector<Finding>& findings, std::initializer_list<const char*> rules) {
  const Finding* worst_one = nullptr;
  for (const char* rule : rules) {
    const Finding& one = find(findings, rule);
    if (!worst_one || one.verdict > worst_one->verdict ||
        (one.verdict == worst_one->verdict && one.figure > worst_one->figure)) {
      worst_one = &one;
    }
  }
  Finding result = *worst_one;
  if (result.verdict != Verdict::inconclusive) {
    result.measured = fmt::format("{:.0f}", result.figure);
  }
  return result;
}

Finding named(Finding finding, const char* rule, const char* title) {
  finding.rule = rule;
  finding.title = title;
  return finding;
}

}  // namespace

Nanos wall_minus_steady() {
  const TimePoint before = now();
  const Nanos wall =
      std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch());
  const TimePoint after = now();
  return wall - (before + (after - before) / 2).time_since_epoch();
}

std::vector<Finding> booking_invariants(const Ledger& ledger, const FinalState& state,
                                        const InvariantOptions& options) {
  std::vector<Finding> findings;
  const auto add = [&findings](const std::vector<InvariantCheck>& checks) {
    for (const InvariantCheck& check : checks) findings.push_back(to_finding(check));
  };
  // A run of practice rooms alone has no event: there is nothing that could be sold twice.
  const bool rooms_only = state.have_games && !state.ranks.empty() && state.redis.empty() &&
                          state.orders.empty() && state.bids.empty();
  if (rooms_only) {
    add(game_checks(ledger, state));
    return findings;
  }
  add(stored_row_checks(state));
  add(redis_checks(state));
  add(ledger_checks(ledger, state, options));
  add(game_checks(ledger, state));
  add(provider_checks(state));
  const Finding oversell = largest(findings, {"A1", "A2", "A3", "L1"});
  const Finding lost_sale = find(findings, "L2");
  findings.push_back(named(oversell, "OVERSELL", "no seat is sold twice (most of A1, A2, A3, L1)"));
  findings.push_back(to_finding(undersell_check(state)));
  findings.push_back(named(lost_sale, "LOST_SALE", "no confirmed sale is lost (L2)"));
  return findings;
}

}  // namespace stampede
