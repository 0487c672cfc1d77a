#include "harness/measure/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace stampede {

namespace {

// Bucket b holds values of 2048·2^b; its lower half repeats bucket b−1, so only 1024 counts are
// kept per bucket, and 2048 for the first:
//
//   row    0          1            2              3
//   value  0 … 1023   1024 … 2047  2048 … 4095    4096 … 8191
//   step   1          1            2              4
constexpr unsigned row_bits = 10;
constexpr std::uint32_t row_size = 1U << row_bits;
constexpr std::uint64_t linear_mask = 2 * row_size - 1;
// A compact histogram of more buckets than this becomes dense when something is added.
constexpr std::size_t cells_max = row_size;

constexpr unsigned bucket_of(std::uint64_t value) {
  return static_cast<unsigned>(std::bit_width(value | linear_mask)) - (row_bits + 1);
}
constexpr std::uint32_t index_of(std::uint64_t value) {
  const unsigned bucket = bucket_of(value);
  const auto sub_bucket = static_cast<std::uint32_t>(value >> bucket);
  return (bucket << row_bits) + sub_bucket;
}
constexpr unsigned bucket_of_index(std::uint32_t index) {
  const unsigned row = index >> row_bits;
  return row == 0 ? 0 : row - 1;
}
constexpr std::int64_t lowest_in(std::uint32_t index) {
  const unsigned bucket = bucket_of_index(index);
  return static_cast<std::int64_t>(std::uint64_t{index - (bucket << row_bits)} << bucket);
}
constexpr std::int64_t highest_in(std::uint32_t index) {
  return lowest_in(index) + (std::int64_t{1} << bucket_of_index(index)) - 1;
}
static_assert(index_of(0) == 0 && index_of(2047) == 2047 && index_of(2048) == 2048);
static_assert(lowest_in(index_of(4096)) == 4096 && highest_in(index_of(4096)) == 4099);

constexpr std::uint64_t range = static_cast<std::uint64_t>(Histogram::highest.count());

// How far outside of the range a value lies.
constexpr std::uint64_t distance_outside(std::int64_t value) {
  if (value < 0) return 0 - static_cast<std::uint64_t>(value);
  const auto magnitude = static_cast<std::uint64_t>(value);
  return magnitude > range ? magnitude - range : 0;
}
// Of two the farther one; of equally far ones the lower, so that their order does not matter.
constexpr std::int64_t farther(std::int64_t a, std::int64_t b) {
  const std::uint64_t of_a = distance_outside(a), of_b = distance_outside(b);
  if (of_a == of_b) return a < b ? a : b;
  return of_a > of_b ? a : b;
}

constexpr std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}
constexpr std::uint64_t saturating_multiply(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b
             ? std::numeric_limits<std::uint64_t>::max()
             : a * b;
}

}  // namespace

// Calls visit(index, count) for every bucket in use, lowest first, until it answers false.
template <class Visit>
void Histogram::each_cell(Visit visit) const {
  for (const Cell& cell : cells_) {
    if (!visit(cell.index, cell.count)) return;
  }
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    for (std::size_t word = 0; word < rows_[row].used.size(); ++word) {
      for (std::uint64_t bits = rows_[row].used[word]; bits != 0; bits &= bits - 1) {
        const std::size_t column = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        const auto index = static_cast<std::uint32_t>((row << row_bits) + column);
        if (!visit(index, rows_[row].counts[column])) return;
      }
    }
  }
}

void Histogram::visit_buckets(void (*visit)(void*, std::uint32_t, std::uint64_t), void* to) const {
  each_cell([visit, to](std::uint32_t index, std::uint64_t count) {
    visit(to, index, count);
    return true;
  });
}

void Histogram::add(std::uint32_t index, std::uint64_t count) {
  const std::size_t row = index >> row_bits;
  const std::size_t column = index & (row_size - 1);
  if (row >= rows_.size()) rows_.resize(row + 1);
  if (rows_[row].counts.empty()) rows_[row].counts.resize(row_size);
  rows_[row].counts[column] += count;
  rows_[row].used[column / 64] |= std::uint64_t{1} << (column % 64);
}

void Histogram::make_dense() {
  const std::vector<Cell> cells = std::exchange(cells_, {});
  for (const Cell& cell : cells) add(cell.index, cell.count);
}

void Histogram::record(Nanos value) {
  // A value below 0 is beyond every limit here.
  const auto magnitude = static_cast<std::uint64_t>(value.count());
  const std::uint32_t index = magnitude <= range ? index_of(magnitude) : 0;
  const std::size_t row = index >> row_bits;
  const bool usual =
      magnitude <= range && row < rows_.size() && !rows_[row].counts.empty() && total_ != 0;
  if (!usual) return record(value, 1);
  const std::size_t column = index & (row_size - 1);
  Row& into = rows_[row];
  if (into.counts[column]++ == 0) into.used[column / 64] |= std::uint64_t{1} << (column % 64);
  min_ = std::min(min_, value.count());
  max_ = std::max(max_, value.count());
  ++total_;
  sum_ = saturating_add(sum_, magnitude);
}

void Histogram::record(Nanos value, std::uint64_t count) {
  if (count == 0) return;
  const std::int64_t clamped = std::clamp<std::int64_t>(value.count(), 0, highest.count());
  if (clamped != value.count()) {
    out_of_range_ += count;
    outlier_ = farther(outlier_, value.count());
  }
  if (!cells_.empty()) make_dense();
  const auto magnitude = static_cast<std::uint64_t>(clamped);
  add(index_of(magnitude), count);
  min_ = total_ == 0 ? clamped : std::min(min_, clamped);
  max_ = total_ == 0 ? clamped : std::max(max_, clamped);
  total_ += count;
  sum_ = saturating_add(sum_, saturating_multiply(magnitude, count));
}

void Histogram::add_cells(const std::vector<Cell>& cells) {
  if (!rows_.empty() || cells_.size() + cells.size() > cells_max) {
    if (!cells_.empty()) make_dense();
    for (const Cell& cell : cells) add(cell.index, cell.count);
    return;
  }
  std::vector<Cell> merged;
  merged.reserve(cells_.size() + cells.size());
  auto mine = cells_.cbegin();
  auto theirs = cells.cbegin();
  while (mine != cells_.cend() && theirs != cells.cend()) {
    if (mine->index == theirs->index) {
      merged.push_back({mine->index, (mine++)->count + (theirs++)->count});
    } else {
      merged.push_back(mine->index < theirs->index ? *mine++ : *theirs++);
    }
  }
  merged.insert(merged.end(), mine, cells_.cend());
  merged.insert(merged.end(), theirs, cells.cend());
  cells_ = std::move(merged);
}

Histogram& Histogram::operator+=(const Histogram& other) {
  if (other.total_ == 0) return *this;
  if (&other == this) return *this += Histogram(other);
  if (!other.cells_.empty()) {
    add_cells(other.cells_);
  } else {
    if (!cells_.empty()) make_dense();
    other.each_cell([this](std::uint32_t index, std::uint64_t count) {
      add(index, count);
      return true;
    });
  }
  min_ = total_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = total_ == 0 ? other.max_ : std::max(max_, other.max_);
  total_ += other.total_;
  out_of_range_ += other.out_of_range_;
  outlier_ = farther(outlier_, other.outlier_);
  sum_ = saturating_add(sum_, other.sum_);
  return *this;
}

void Histogram::clear() noexcept {
  for (Row& row : rows_) {
    for (std::size_t word = 0; word < row.used.size(); ++word) {
      for (std::uint64_t bits = row.used[word]; bits != 0; bits &= bits - 1) {
        row.counts[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))] = 0;
      }
      row.used[word] = 0;
    }
  }
  cells_.clear();
  total_ = out_of_range_ = sum_ = 0;
  min_ = max_ = outlier_ = 0;
}

Histogram Histogram::take() {
  Histogram out;
  if (total_ == 0) return out;
  if (cells_.empty()) {
    std::size_t used = 0;
    for (const Row& row : rows_) {
      for (const std::uint64_t word : row.used)
        used += static_cast<std::size_t>(std::popcount(word));
    }
    out.cells_.reserve(used);
    each_cell([&out](std::uint32_t index, std::uint64_t count) {
      out.cells_.push_back({index, count});
      return true;
    });
  } else {
    out.cells_ = std::move(cells_);
  }
  out.total_ = total_;
  out.out_of_range_ = out_of_range_;
  out.sum_ = sum_;
  out.min_ = min_;
  out.max_ = max_;
  out.outlier_ = outlier_;
  clear();
  return out;
}

std::uint64_t Histogram::rank_of(double q, std::uint64_t count) noexcept {
  // One step down first: 0.07 · 100 is 7.000000000000001 in binary, and means rank 7.
  const double asked = std::clamp(std::nextafter(q, -1.0), 0.0, 1.0);
  const auto rank = static_cast<std::uint64_t>(std::ceil(asked * static_cast<double>(count)));
  return std::clamp<std::uint64_t>(rank, 1, std::max<std::uint64_t>(count, 1));
}

std::optional<std::uint32_t> Histogram::index_at(std::uint64_t rank) const {
  if (rank == 0 || rank > total_) return std::nullopt;
  std::optional<std::uint32_t> found;
  std::uint64_t seen = 0;
  each_cell([&](std::uint32_t index, std::uint64_t count) {
    seen += count;
    if (seen < rank) return true;
    found = index;
    return false;
  });
  return found;
}

std::optional<Nanos> Histogram::at_rank(std::uint64_t rank) const {
  const auto index = index_at(rank);
  if (!index) return std::nullopt;
  return Nanos{highest_in(*index)};
}

std::optional<Nanos> Histogram::at_rank_low(std::uint64_t rank) const {
  const auto index = index_at(rank);
  if (!index) return std::nullopt;
  return Nanos{lowest_in(*index)};
}

std::optional<Nanos> Histogram::quantile(double q) const {
  if (total_ == 0) return std::nullopt;
  return std::min(*at_rank(rank_of(q, total_)), Nanos{max_});
}

std::optional<Nanos> Histogram::min() const {
  if (total_ == 0) return std::nullopt;
  return Nanos{min_};
}

std::optional<Nanos> Histogram::max() const {
  if (total_ == 0) return std::nullopt;
  return Nanos{max_};
}

std::optional<Nanos> Histogram::mean() const {
  if (total_ == 0) return std::nullopt;
  return Nanos{static_cast<std::int64_t>(sum_ / total_)};
}

std::uint64_t Histogram::count_above(Nanos value) const {
  std::uint64_t above = 0;
  each_cell([&](std::uint32_t index, std::uint64_t count) {
    if (lowest_in(index) > value.count()) above += count;
    return true;
  });
  return above;
}

std::optional<Nanos> Histogram::outlier() const {
  return outlier_ == 0 ? std::nullopt : std::optional<Nanos>(outlier_);
}

std::size_t Histogram::memory() const noexcept {
  std::size_t bytes = cells_.capacity() * sizeof(Cell) + rows_.capacity() * sizeof(Row);
  for (const Row& row : rows_) bytes += row.counts.capacity() * sizeof(std::uint64_t);
  return bytes;
}

bool Histogram::operator==(const Histogram& other) const {
  if (total_ != other.total_ || out_of_range_ != other.out_of_range_ || sum_ != other.sum_ ||
      min_ != other.min_ || max_ != other.max_ || outlier_ != other.outlier_) {
    return false;
  }
  std::vector<Cell> mine, theirs;
  each_cell([&](std::uint32_t index, std::uint64_t count) {
    mine.push_back({index, count});
    return true;
  });
  other.each_cell([&](std::uint32_t index, std::uint64_t count) {
    theirs.push_back({index, count});
    return true;
  });
  return mine == theirs;
}

}  // namespace stampede
