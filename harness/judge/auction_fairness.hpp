// Does quickness win an auction? It must not: what counts is the amount, and the earlier bid only
// among equal ones.
#pragma once

#include <optional>

#include "harness/history/final_state.hpp"
#include "harness/history/ledger.hpp"
#include "harness/judge/finding.hpp"

namespace stampede {

inline constexpr std::size_t fairness_bidders_min = 30;
inline constexpr double fairness_correlation_max = 0.1;

// Pearson's correlation, over the bidders, of winning (0 or 1, by the stored bids) with the mean
// response time of their acknowledged bids; a remark of the diagnosis. nullopt: no auction was
// held. Warned when it is beyond the limit in either direction.
std::optional<Finding> auction_fairness(const Ledger& ledger, const FinalState& state);

}  // namespace stampede
