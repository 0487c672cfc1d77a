#include "harness/judge/finding.hpp"

#include <algorithm>

namespace stampede {

std::string_view name_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::pass:
      return "PASS";
    case Verdict::inconclusive:
      return "INCONCLUSIVE";
    case Verdict::fail:
      return "FAIL";
    case Verdict::broken_invariant:
      return "BROKEN_INVARIANT";
    case Verdict::invalid:
      return "INVALID";
  }
  return "INVALID";
}

Verdict worst(Verdict a, Verdict b) noexcept { return std::max(a, b); }

Verdict worst(std::span<const Finding> findings) noexcept {
  if (findings.empty()) return Verdict::inconclusive;
  Verdict found = Verdict::pass;
  for (const Finding& finding : findings) found = worst(found, finding.verdict);
  return found;
}

}  // namespace stampede
