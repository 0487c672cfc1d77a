// JSON lines: one object in each line.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/scenario/feeder_table.hpp"
#include "harness/scenario/json_document.hpp"

namespace stampede {

namespace {

using Json = nlohmann::ordered_json;

class JsonLinesReader {
 public:
  JsonLinesReader(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  Checked<FeederRows> read() {
    for (line_ = 1; !text_.empty() && problems_.size() < feeder_problems_max; ++line_) {
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      const std::string_view line = text_.substr(0, end);
      text_.remove_prefix(std::min(end + 1, text_.size()));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      if (table_ && table_->rows() == feeder_rows_max) {
        report(1, "more than " + std::to_string(feeder_rows_max) + " rows", "");
        break;
      }
      read_line(line);
    }
    if (!table_ && problems_.empty()) {
      line_ = 1;
      report(1, "the file is empty", "{\"name\": \"ada\", \"password\": \"x\"}");
    }
    if (!problems_.empty()) return std::move(problems_);
    return FeederRows(std::make_shared<const FeederTable>(std::move(*table_)));
  }

 private:
  void report(std::size_t column, std::string message, std::string hint) {
    problems_.push_back(
        {file_, {line_, static_cast<int>(column)}, std::move(message), std::move(hint)});
  }

  void read_line(std::string_view line) {
    if (line.size() > feeder_row_bytes_max) return report(1, "a row longer than 1 MiB", "");
    if (is_too_deep(line)) return report(1, "nested deeper than 64 levels", "");
    Json row;
    try {
      row = Json::parse(line);
    } catch (const Json::parse_error& error) {
      return report(std::max<std::size_t>(error.byte, 1), "not JSON",
                    "one whole object in each line");
    } catch (const Json::out_of_range&) {
      return report(1, "a number that is out of range", "write it as a text");
    }
    if (!row.is_object() || row.empty()) {
      return report(1, "not an object with members", "{\"name\": \"ada\"}");
    }
    if (!table_ && !name_columns(row)) return;
    for (const auto& [name, value] : row.items()) {
      const auto& columns = table_->columns();
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
        return report(1, "the first line has no \"" + name + "\"",
                      "the first line names the columns");
      }
    }
    add(row);
  }

  bool name_columns(const Json& row) {
    std::vector<std::string> columns;
    for (const auto& [name, value] : row.items()) {
      if (!is_column_name(name)) {
        report(1, "\"" + name + "\" cannot name a column", "");
        return false;
      }
      columns.push_back(name);
    }
    if (columns.size() > feeder_columns_max) {
      report(1, "more than " + std::to_string(feeder_columns_max) + " columns", "");
      return false;
    }
    table_.emplace(std::move(columns));
    return true;
  }

  void add(const Json& row) {
    using Kind = FeederTable::Kind;
    std::vector<std::pair<std::string, Kind>> fields;
    for (const std::string& column : table_->columns()) {
      const auto found = row.find(column);
      if (found == row.end() || found->is_null()) {
        fields.emplace_back("", Kind::other);
      } else if (found->is_string()) {
        fields.emplace_back(found->get<std::string>(), Kind::text);
      } else {
        // A whole number beyond 63 bits stays a text: a double would change its digits.
        const bool huge =
            found->is_number_unsigned() && found->get<std::uint64_t>() > std::uint64_t{INT64_MAX};
        const bool number = found->is_number() && !huge;
        const Kind kind = found->is_boolean() ? Kind::other : number ? Kind::number : Kind::text;
        fields.emplace_back(found->dump(), kind);
      }
      if (fields.back().first.size() > feeder_field_bytes_max) {
        return report(1, "\"" + column + "\" is longer than 64 KiB", "");
      }
    }
    for (const auto& [text, kind] : fields) table_->add(text, kind);
  }

  std::string_view text_;
  const std::string& file_;
  int line_ = 1;
  std::optional<FeederTable> table_;
  Diagnostics problems_;
};

}  // namespace

Checked<FeederRows> read_json_lines(std::string_view text, const std::string& file) {
  return JsonLinesReader(text, file).read();
}

}  // namespace stampede
