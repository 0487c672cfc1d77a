// The rows of a data file: read whole, checked, and then shared, read-only, by all workers. Fields
// lie one behind the other in one text; a row costs its bytes and 8 more per field.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/diagnostic.hpp"
#include "harness/scenario/template.hpp"

namespace stampede {

inline constexpr std::size_t feeder_bytes_max = std::size_t{256} << 20U;
inline constexpr std::size_t feeder_rows_max = 10'000'000;
inline constexpr std::size_t feeder_columns_max = 256;
inline constexpr std::size_t feeder_row_bytes_max = std::size_t{1} << 20U;
inline constexpr std::size_t feeder_field_bytes_max = std::size_t{64} << 10U;
inline constexpr std::size_t feeder_problems_max = 20;  // told of one file

class FeederTable {
 public:
  // text: as it is · number: a whole number or a decimal one · other: true, false or nothing.
  enum class Kind : std::uint8_t { text, number, other };

  explicit FeederTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  // Fields come in the order of the columns, row after row; the reader has checked the limits.
  void add(std::string_view field, Kind kind);

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }
  [[nodiscard]] std::uint64_t rows() const noexcept { return fields_.size() / columns_.size(); }
  // Numbers and booleans keep their type, an empty `other` is unset.
  [[nodiscard]] Value value(std::uint64_t row, std::size_t column) const;

 private:
  struct Field {
    std::uint32_t begin;
    std::uint32_t size : 24;
    std::uint32_t kind : 8;
  };
  std::vector<std::string> columns_;
  std::vector<Field> fields_;
  std::string text_;
};

using FeederRows = std::shared_ptr<const FeederTable>;

// May this name a column? Everything a template can name: no control characters and none of { } |.
bool is_column_name(std::string_view name) noexcept;

// Comma-separated values (RFC 4180): a header row, quotes, CR LF or LF, an optional byte order
// mark. Empty lines are skipped. What is written exactly as a number is one (5, 2.5; not 007).
Checked<FeederRows> read_csv(std::string_view text, const std::string& file, char delimiter);
// One JSON object in each line; the first one names the columns, and a later one may lack some of
// them. Lists and objects become JSON text.
Checked<FeederRows> read_json_lines(std::string_view text, const std::string& file);

}  // namespace stampede
