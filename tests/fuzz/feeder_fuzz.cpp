// A data file of any bytes becomes rows that can all be read, or problems that each have a place;
// and rows that were read survive being written down again.
#include "harness/scenario/feeder_table.hpp"
#include "tests/fuzz/fuzz_input.hpp"

int fuzz_feeder_csv(const std::uint8_t* data, std::size_t size);
int fuzz_feeder_json_lines(const std::uint8_t* data, std::size_t size);

namespace stampede::fuzz {
namespace {

// False: there are only problems.
bool is_sound(const Checked<FeederRows>& rows, std::string_view text) {
  if (rows) {
    const FeederTable& table = **rows;
    require(!table.columns().empty() && table.rows() > 0);
    for (std::uint64_t row = 0; row < table.rows(); ++row) {
      for (std::size_t column = 0; column < table.columns().size(); ++column) {
        (void)table.value(row, column);
      }
    }
    return true;
  }
  require(!rows.error().empty() && rows.error().size() <= feeder_problems_max);
  for (const Diagnostic& one : rows.error()) {
    require(one.place.line >= 1 && one.place.column >= 1);
    (void)render(one, text);
  }
  return false;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

// Every text in quotes, numbers without.
std::string csv_of(const FeederTable& table, char delimiter) {
  std::string out;
  const auto end_field = [&](std::size_t column) {
    out += column + 1 < table.columns().size() ? delimiter : '\n';
  };
  for (std::size_t column = 0; column < table.columns().size(); ++column) {
    out += quoted(table.columns()[column]);
    end_field(column);
  }
  for (std::uint64_t row = 0; row < table.rows(); ++row) {
    for (std::size_t column = 0; column < table.columns().size(); ++column) {
      const Value value = table.value(row, column);
      const auto* const text = std::get_if<std::string>(&value);
      if (text != nullptr) {
        out += quoted(*text);
      } else {
        append_text(out, value);
      }
      end_field(column);
    }
  }
  return out;
}

void require_same(const FeederTable& one, const FeederTable& other) {
  require(one.columns() == other.columns() && one.rows() == other.rows());
  for (std::uint64_t row = 0; row < one.rows(); ++row) {
    for (std::size_t column = 0; column < one.columns().size(); ++column) {
      require(one.value(row, column) == other.value(row, column));
    }
  }
}

}  // namespace
}  // namespace stampede::fuzz

int fuzz_feeder_csv(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  constexpr std::string_view delimiters = ",;|\t";
  fuzz::Input input(data, size);
  const char delimiter = delimiters[input.byte() % delimiters.size()];
  const auto rows = read_csv(input.rest(), "rows.csv", delimiter);
  if (!fuzz::is_sound(rows, input.rest())) return 0;
  const auto again = read_csv(fuzz::csv_of(**rows, delimiter), "rows.csv", delimiter);
  fuzz::require(again.has_value());
  fuzz::require_same(**rows, **again);
  return 0;
}

int fuzz_feeder_json_lines(const std::uint8_t* data, std::size_t size) {
  using namespace stampede;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fuzz::is_sound(read_json_lines(text, "rows.jsonl"), text);
  return 0;
}
