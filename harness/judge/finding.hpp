// A verdict and the evidence for it. Ordered: the worst finding decides, and silence is not
// success.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stampede {

enum class Verdict : std::uint8_t {
  pass,
  inconclusive,
  fail,
  broken_invariant,
  invalid
};  // worst last
std::string_view name_of(
    Verdict verdict) noexcept;  // PASS INCONCLUSIVE FAIL BROKEN_INVARIANT INVALID
Verdict worst(Verdict a, Verdict b) noexcept;

// What a figure estimates lies in here with this confidence. In the figure's unit.
struct FigureInterval {
  double confidence = 0;            // 0…1
  std::optional<double> low, high;  // nullopt: the samples do not reach so far
  std::uint64_t samples = 0;
  // So many independent samples tell as much (n_eff); nullopt: nobody knows, and they were taken as
  // independent.
  std::optional<double> samples_effective;
};

struct Finding {
  enum class Kind : std::uint8_t { gate, invariant, validity, diagnosis };
  // How a self-check that does not make the run INVALID stands: only `judged` ones are said to
  // hold.
  enum class Standing : std::uint8_t {
    judged,          // `verdict` says it
    warned,          // beyond the warning, within the limit
    lifted,          // beyond the limit of the table, which the profile has lifted
    not_run,         // switched off, or could not be measured here
    not_applicable,  // says nothing about this load
  };
  Kind kind = Kind::gate;
  std::string rule;   // as the profile states it, or the invariant's id: "A1", "L2"
  std::string check;  // of a self-check its number in docs/MEASUREMENT.md §6: "L1"; else ""
  std::string title;  // what it means, for people
  Verdict verdict = Verdict::inconclusive;
  Standing standing = Standing::judged;  // all others have the verdict pass
  std::string measured;                  // the figure, with unit, for people: "143 ms", "0"
  double figure = 0;                     // the same as a number: seconds, share, 1/s, count
  std::string limit;                     // "< 200 ms"
  std::optional<FigureInterval> interval = std::nullopt;  // of a quantile's gate
  std::vector<std::string> samples;  // witnesses, at most 10: "event 1 seat 17: orders 71…, 72…"
};

// Empty → inconclusive.
Verdict worst(std::span<const Finding> findings) noexcept;

}  // namespace stampede
