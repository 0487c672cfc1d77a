// The rows L1–L18 of docs/MEASUREMENT.md §6: was the generator the bottleneck? Pure functions over
// what it measured about itself. Internal to harness/judge; judge_validity puts them together.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/judge/finding.hpp"
#include "harness/judge/validity.hpp"

namespace stampede {

[[nodiscard]] Nanos slo_of(const ValidityFacts& facts, const ValiditySpec& limits);

// Collects rows. A row beyond its limit is INVALID, unless the profile lifts its number.
class Rows {
 public:
  enum class Grade : std::uint8_t { fine, warned, allowed, invalid };  // allowed: by a looser limit
  struct Row {
    std::string check, rule, title;
    std::string measured;
    double figure = 0;
    std::string limit;
    std::string remedy;
    Row() = default;
    Row(std::string the_check, std::string the_rule, std::string the_title, std::string the_limit,
        std::string the_remedy)
        : check(std::move(the_check)),
          rule(std::move(the_rule)),
          title(std::move(the_title)),
          limit(std::move(the_limit)),
          remedy(std::move(the_remedy)) {}
    // The figure, and how people read it.
    Row& with(double the_figure, std::string the_measured) {
      figure = the_figure;
      measured = std::move(the_measured);
      return *this;
    }
  };
  Rows(const ValiditySpec& limits, std::vector<Finding>& out) : limits_(limits), out_(out) {}

  void add(Row row, Grade grade);
  // `figure` may be up to `invalid_above`; from `warn_above` on it is warned. `own`: the profile's
  // own limit in place of `invalid_above`.
  [[nodiscard]] static Grade grade(double figure, double warn_above, double invalid_above,
                                   std::optional<double> own = std::nullopt);
  void not_run(Row row, std::string why);
  void not_applicable(Row row, std::string why);

 private:
  void push(Row row, Verdict verdict, Finding::Standing standing,
            std::optional<std::string> sample);
  const ValiditySpec& limits_;
  std::vector<Finding>& out_;
};

void add_lateness(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows);  // L1 L2 L6
void add_arrivals(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows);  // L3–L5
void add_machine(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows);   // L7–L9
void add_calibration(const ValidityFacts& facts, const ValiditySpec& limits,
                     Rows& rows);                                                         // L10 L11
void add_statistics(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows);  // L12–L16
void add_fidelity(const ValidityFacts& facts, const ValiditySpec& limits, Rows& rows);    // L18

}  // namespace stampede
