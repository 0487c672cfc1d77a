// What the users of one worker drew: branches of `choose`, think times by sixteenths of their
// distribution, and rows of random feeders by sixteenths of the file (of popular ones by ranks that
// double). L18 compares them with the
// plan.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/measure/self_measure.hpp"
#include "harness/profile/profile.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/time.hpp"

namespace stampede {

// Where `value` lies in the distribution, 0…1; nullopt for a constant, and for the lump that
// cutting a normal distribution at 0 makes.
[[nodiscard]] std::optional<double> place_in(const RandomDuration& duration, Nanos value) noexcept;

class DrawCounts {
 public:
  static constexpr std::size_t bins = 16;

  // Allocates the first time that a step is met, never again.
  void branch(const ChooseStep& step, std::size_t chosen);
  void think(const ThinkStep& step, Nanos drawn);
  void row(const CompiledFeeder& feeder, std::uint64_t drawn);

  // The plan is read from the steps of the run, not from what was drawn with; steps in the order of
  // the profile. Of all workers.
  [[nodiscard]] static std::vector<Draws> joined(const CompiledRun& run,
                                                 const std::vector<const DrawCounts*>& workers);

 private:
  [[nodiscard]] static std::optional<Draws> popular_rows_drawn(
      const CompiledFeeder& feeder, const std::vector<const DrawCounts*>& workers);
  [[nodiscard]] static std::optional<Draws> rows_drawn(
      const CompiledFeeder& feeder, const std::vector<const DrawCounts*>& workers);

  std::unordered_map<const void*, std::vector<std::uint64_t>> counts_;
};

}  // namespace stampede
