// High-dynamic-range histogram: integer nanoseconds, 3 significant digits, 0 … 1 h, as HdrHistogram
// lays buckets out (unit magnitude 0, sub-bucket count 2048). A quantile is nearest-rank over
// bucket counts and returns the highest equivalent value of its bucket, but never more than the
// largest value recorded; so it overstates by at most 0.1 %. Values outside are clamped and
// counted: loss is visible, never silent.
//
// Two forms, one content. Dense (what record() needs): rows of 1024 counts, a row exists once a
// value fell into it. Compact (what take() hands over): the used buckets only, sorted. A second of
// a series is a few hundred buckets of 33 thousand, so handing over and merging costs what was
// recorded in it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/time.hpp"

namespace stampede {

class Histogram {
 public:
  static constexpr Nanos highest{std::chrono::hours{1}};

  // Allocates only when the value lies in a row of buckets that was never used before.
  void record(Nanos value);
  void record(Nanos value, std::uint64_t count);
  // Associative and commutative, the empty histogram is the zero.
  Histogram& operator+=(const Histogram& other);
  void clear() noexcept;  // keeps the rows
  // The content in compact form; *this is empty afterwards and keeps its rows.
  [[nodiscard]] Histogram take();

  [[nodiscard]] bool empty() const noexcept { return total_ == 0; }
  [[nodiscard]] std::uint64_t count() const noexcept { return total_; }
  [[nodiscard]] std::uint64_t out_of_range() const noexcept { return out_of_range_; }
  // Of these values, as it was, the one that lies farthest outside.
  [[nodiscard]] std::optional<Nanos> outlier() const;
  [[nodiscard]] std::optional<Nanos> quantile(double q) const;  // 0…1; nullopt: no data
  // Highest value of the bucket that holds the rank-th value, from 1; nullopt: no such rank.
  [[nodiscard]] std::optional<Nanos> at_rank(std::uint64_t rank) const;
  // Lowest value of that bucket.
  [[nodiscard]] std::optional<Nanos> at_rank_low(std::uint64_t rank) const;
  [[nodiscard]] std::optional<Nanos> min() const;   // exact
  [[nodiscard]] std::optional<Nanos> max() const;   // exact
  [[nodiscard]] std::optional<Nanos> mean() const;  // exact
  // Values in buckets that lie wholly above `value`.
  [[nodiscard]] std::uint64_t count_above(Nanos value) const;
  // Rank that quantile `q` asks for among `count` values: ⌈q·count⌉, at least 1.
  [[nodiscard]] static std::uint64_t rank_of(double q, std::uint64_t count) noexcept;
  [[nodiscard]] std::size_t memory() const noexcept;  // bytes owned
  // Calls visit(index, count) for every bucket in use, lowest first. The index is HdrHistogram's.
  template <class Visit>
  void each_bucket(Visit visit) const {
    visit_buckets([](void* to, std::uint32_t index,
                     std::uint64_t count) { (*static_cast<Visit*>(to))(index, count); },
                  &visit);
  }
  bool operator==(const Histogram& other) const;

 private:
  struct Row {
    std::vector<std::uint64_t> counts;     // none or 1024
    std::array<std::uint64_t, 16> used{};  // a bit per count that is not zero
  };
  struct Cell {
    std::uint32_t index = 0;
    std::uint64_t count = 0;
    bool operator==(const Cell&) const = default;
  };

  template <class Visit>
  void each_cell(Visit visit) const;
  void visit_buckets(void (*visit)(void*, std::uint32_t, std::uint64_t), void* to) const;
  [[nodiscard]] std::optional<std::uint32_t> index_at(std::uint64_t rank) const;
  void add(std::uint32_t index, std::uint64_t count);
  void add_cells(const std::vector<Cell>& cells);
  void make_dense();

  std::vector<Row> rows_;    // dense form; grows to the highest row used
  std::vector<Cell> cells_;  // compact form; empty when rows_ is not
  std::uint64_t total_ = 0, out_of_range_ = 0;
  std::uint64_t sum_ = 0;  // saturates: 584 years of latency
  std::int64_t min_ = 0, max_ = 0;
  std::int64_t outlier_ = 0;  // 0: none, for it lies in the range
};

}  // namespace stampede
