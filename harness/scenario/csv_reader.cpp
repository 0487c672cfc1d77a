// CSV as RFC 4180 has it. Strict: what other readers would guess at is a problem with its place.
#include <algorithm>
#include <optional>

#include "harness/scenario/feeder_table.hpp"

namespace stampede {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& file, char delimiter)
      : text_(text), file_(file), delimiter_(delimiter) {
    if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
  }

  Checked<FeederRows> read() {
    std::optional<FeederTable> table = read_header();
    while (table && at_ < text_.size() && problems_.size() < feeder_problems_max) {
      if (skip_empty_line()) continue;
      if (table->rows() == feeder_rows_max) {
        report(here(), "more than " + std::to_string(feeder_rows_max) + " rows", "");
        break;
      }
      read_row(*table);
    }
    if (table && problems_.empty() && table->rows() == 0) {
      report({1, 1}, "a header and no rows", "the first line names the columns");
    }
    if (!problems_.empty()) return std::move(problems_);
    return FeederRows(std::make_shared<const FeederTable>(std::move(*table)));
  }

 private:
  [[nodiscard]] Place here() const { return {line_, static_cast<int>(at_ - line_begin_) + 1}; }

  void report(Place place, std::string message, std::string hint) {
    if (problems_.size() == feeder_problems_max) return;
    problems_.push_back({file_, place, std::move(message), std::move(hint)});
  }

  void next_line() {
    ++line_;
    line_begin_ = at_;
  }

  // At a line's end; takes it.
  bool take_line_end() {
    const std::string_view rest = text_.substr(at_);
    if (rest.empty()) return true;
    const std::size_t size = rest.starts_with("\r\n") ? 2 : rest.front() == '\n' ? 1 : 0;
    if (size == 0) return false;
    at_ += size;
    next_line();
    return true;
  }

  bool skip_empty_line() {
    const std::string_view rest = text_.substr(at_);
    return (rest.starts_with('\n') || rest.starts_with("\r\n")) && take_line_end();
  }

  void skip_line() {
    at_ = std::min(text_.find('\n', at_), text_.size());
    take_line_end();
  }

  // The fields of a row into fields_; false after a report, at the beginning of the next row.
  bool read_fields() {
    fields_.clear();
    const std::size_t begin = at_;
    while (true) {
      if (!read_field()) return false;
      if (at_ - begin > feeder_row_bytes_max) return broken("a row longer than 1 MiB", "");
      if (fields_.size() > feeder_columns_max) {
        return broken("more than " + std::to_string(feeder_columns_max) + " columns", "");
      }
      if (at_ < text_.size() && text_[at_] == delimiter_) {
        ++at_;
        continue;
      }
      if (take_line_end()) return true;
      return broken("text behind a closing quote", "a quote within a field is written twice: \"\"");
    }
  }

  bool broken(std::string message, std::string hint) {
    report(here(), std::move(message), std::move(hint));
    skip_line();
    return false;
  }

  bool read_field() {
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    std::string field;
    if (quoted && !read_quoted(field)) return false;
    if (!quoted && !read_plain(field)) return false;
    if (field.size() > feeder_field_bytes_max) return broken("a field longer than 64 KiB", "");
    fields_.emplace_back(std::move(field), quoted);
    return true;
  }

  bool read_quoted(std::string& field) {
    const Place opened = here();
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') return true;
      }
      field += c;
      if (field.size() > feeder_field_bytes_max) break;
      if (c == '\n') {
        ++line_;
        line_begin_ = at_ + 1;
      }
    }
    report(opened, "a quote that is not closed", "a quote within a field is written twice: \"\"");
    at_ = text_.size();  // where the next row begins cannot be known
    return false;
  }

  bool read_plain(std::string& field) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '\n') {
      const char c = text_[at_];
      if (c == '\r' && text_.substr(at_).starts_with("\r\n")) break;
      if (c == '"') {
        return broken("a quote within a field that does not begin with one",
                      "quote the whole field, and write the quote twice: \"a \"\"b\"\"\"");
      }
      if (c == '\0') return broken("a NUL", "is this a text file?");
      ++at_;
    }
    field = std::string(text_.substr(begin, at_ - begin));
    return true;
  }

  std::optional<FeederTable> read_header() {
    while (at_ < text_.size() && skip_empty_line()) {
    }
    const Place place = here();
    if (at_ == text_.size()) {
      report({1, 1}, "the file is empty", "the first line names the columns");
      return std::nullopt;
    }
    if (!read_fields()) return std::nullopt;
    std::vector<std::string> columns;
    for (const auto& [name, quoted] : fields_) {
      if (!is_column_name(name)) {
        report(place, "\"" + name + "\" cannot name a column",
               "the first line names the columns, as in: name,password");
      } else if (std::find(columns.begin(), columns.end(), name) != columns.end()) {
        report(place, "two columns named \"" + name + "\"", "");
      }
      columns.push_back(name);
    }
    if (!problems_.empty()) return std::nullopt;
    return FeederTable(std::move(columns));
  }

  void read_row(FeederTable& table) {
    const Place place = here();
    if (!read_fields()) return;
    const std::size_t wanted = table.columns().size();
    if (fields_.size() != wanted) {
      report(place,
             std::to_string(fields_.size()) + (fields_.size() == 1 ? " field" : " fields") +
                 ", and the header names " + std::to_string(wanted),
             fields_.size() > wanted ? "quote a field that contains the delimiter" : "");
      return;
    }
    for (const auto& [field, quoted] : fields_) {
      const Value value = value_of_text(field);
      const bool number =
          std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
      // A quoted field is a text, whatever it looks like.
      table.add(field, number && !quoted ? FeederTable::Kind::number : FeederTable::Kind::text);
    }
  }

  std::string_view text_;
  const std::string& file_;
  char delimiter_;
  std::size_t at_ = 0, line_begin_ = 0;
  int line_ = 1;
  std::vector<std::pair<std::string, bool>> fields_;  // of a row: text, was it quoted
  Diagnostics problems_;
};

}  // namespace

Checked<FeederRows> read_csv(std::string_view text, const std::string& file, char delimiter) {
  return CsvReader(text, file, delimiter).read();
}

}  // namespace stampede
