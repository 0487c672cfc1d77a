// A17: the payments as the target stored them against the books of the provider, which the target
// cannot write. The tables agree with each other also when a forged approval was believed, or a
// refund was noted and never sent; the provider knows better.
#include <unordered_map>

#include "harness/judge/booking_checks.hpp"

namespace stampede {
namespace {

// A payment that nobody was told of, or that was given up, may be unknown to the provider or be
// undecided there: no money moved.
bool moved_no_money(std::string_view status) {
  return status == "ABORTED" || status == "IN_PROGRESS" || status == "READY";
}

void payments_are_charges(const FinalState& state, InvariantCheck& check) {
  std::unordered_map<std::string_view, const StoredCharge*> books;
  for (const StoredCharge& charge : state.charges) books.emplace(charge.key, &charge);
  std::unordered_map<std::string_view, const StoredPayment*> stored;
  for (const StoredPayment& payment : state.payments) {
    ++check.examined;
    stored.emplace(payment.key, &payment);
    const auto found = books.find(payment.key);
    const StoredCharge* const charge = found == books.end() ? nullptr : found->second;
    if (charge == nullptr) {
      if (moved_no_money(payment.status)) continue;
      check.fail(fmt::format("order {}: payment {} is {} here, the provider does not know it",
                             payment.order, payment.key, payment.status));
    } else if (charge->amount != payment.amount || charge->order != payment.order) {
      check.fail(fmt::format("order {}: payment {} is of {} here; the provider has {} for order {}",
                             payment.order, payment.key, payment.amount, charge->amount,
                             charge->order));
    } else if (payment.status != "IN_PROGRESS" && payment.status != charge->status) {
      check.fail(fmt::format("order {}: payment {} is {} here and {} at the provider",
                             payment.order, payment.key, payment.status, charge->status));
    }
  }
  for (const StoredCharge& charge : state.charges) {
    if (charge.status != "DONE" || stored.contains(charge.key)) continue;
    check.fail(fmt::format("order {}: the provider took {} for {}, of which nothing is stored",
                           charge.order, charge.amount, charge.key));
  }
}

}  // namespace

std::vector<InvariantCheck> provider_checks(const FinalState& state) {
  if (!state.have_provider && state.provider_problem.empty()) return {};
  InvariantCheck check{
      "A17", "payments stand here as in the provider's books", "payments", 0, 0, {}, ""};
  if (!state.have_sql) check.not_run = state.sql_problem;
  if (!state.have_provider) check.not_run = state.provider_problem;
  if (check.not_run.empty()) payments_are_charges(state, check);
  return {std::move(check)};
}

}  // namespace stampede
