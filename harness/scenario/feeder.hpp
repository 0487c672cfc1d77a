// Which session gets which row of a data file. The rows are shared; each worker walks through its
// own share of them, so that no two workers need to agree.
//
// With W workers, worker w takes the ticks w, w + W, w + 2W, … of one walk: `queue` and `circular`
// take the row with the tick's number (circular: modulo the rows), `unique` the row that a seeded
// permutation puts in its place. Every tick belongs to one worker, so every row is used by one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/profile/profile.hpp"
#include "harness/scenario/feeder_table.hpp"
#include "harness/scenario/random.hpp"
#include "harness/scenario/zipf.hpp"

namespace stampede {

struct CompiledFeeder {
  std::string name;
  FeederRows rows;
  FeederSpec::Mode mode = FeederSpec::Mode::queue;
  bool by_worker = true;
  std::vector<std::pair<std::uint32_t, std::size_t>> columns;  // slot ← column
  Place place;
  double zipf = 0;  // of random rows; 0: all alike

  // Does every row serve one session only?
  [[nodiscard]] bool ends() const noexcept {
    return mode == FeederSpec::Mode::queue || mode == FeederSpec::Mode::unique;
  }
};

// Reads the file of a feeder; its path is relative to that of the profile.
Checked<FeederRows> read_feeder(const FeederSpec& spec, const std::string& profile_file);

// Where `index` < `size` comes to stand in an order drawn from `seed`: a permutation of 0…size − 1
// that needs no memory (a Feistel network over the next power of four, walked until it lands
// inside; Black and Rogaway 2002).
std::uint64_t permuted(std::uint64_t index, std::uint64_t size, std::uint64_t seed) noexcept;

// One worker's way through a feeder.
class FeederCursor {
 public:
  FeederCursor(const CompiledFeeder& feeder, std::uint32_t worker, std::uint32_t workers,
               std::uint64_t seed);
  // nullopt: no row is left. `random` is the session's, for random rows.
  std::optional<std::uint64_t> next(Random& random);
  // For people, when there is no row left: which feeder, how many rows it had.
  [[nodiscard]] std::string exhausted() const;

 private:
  const CompiledFeeder* feeder_;
  std::uint32_t worker_, workers_;
  std::uint64_t seed_;
  std::uint64_t taken_ = 0;
  std::optional<Zipf> popularity_;
};

}  // namespace stampede
