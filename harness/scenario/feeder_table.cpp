#include "harness/scenario/feeder_table.hpp"

#include <charconv>

namespace stampede {

static_assert(feeder_field_bytes_max < (1U << 24U), "a field's size has 24 bits");
static_assert(feeder_bytes_max <= ~std::uint32_t{0}, "a field's offset has 32 bits");

void FeederTable::add(std::string_view field, Kind kind) {
  fields_.push_back({static_cast<std::uint32_t>(text_.size()),
                     static_cast<std::uint32_t>(field.size()) & 0xFFFFFFU,
                     static_cast<std::uint32_t>(kind) & 0xFFU});
  text_ += field;
}

Value FeederTable::value(std::uint64_t row, std::size_t column) const {
  const Field& field = fields_[row * columns_.size() + column];
  const std::string_view text = std::string_view(text_).substr(field.begin, field.size);
  switch (static_cast<Kind>(field.kind)) {
    case Kind::text:
      return std::string(text);
    case Kind::other:
      return text.empty() ? Value{} : Value{text == "true"};
    case Kind::number:
      break;
  }
  const char* const end = text.data() + text.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole);
      error == std::errc{} && stop == end) {
    return whole;
  }
  double number = 0;
  std::from_chars(text.data(), end, number);
  return number;
}

bool is_column_name(std::string_view name) noexcept {
  constexpr std::size_t bytes_max = 128;
  if (name.empty() || name.size() > bytes_max) return false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '{' || c == '}' || c == '|') return false;
  }
  return name.front() != ' ' && name.back() != ' ';
}

}  // namespace stampede
