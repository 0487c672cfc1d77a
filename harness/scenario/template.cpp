#include "harness/scenario/template.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <system_error>

namespace stampede {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::array<std::pair<std::string_view, Filter>, 3> filters{
    {{"url", Filter::url}, {"json", Filter::json}, {"base64", Filter::base64}}};
// Doubles from here on have no exact neighbour and are written with an exponent.
constexpr double exact_integer_max = 9007199254740992.0;

bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !letter(text.front())) return false;
  for (const char c : text) {
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

// A name, or two with a dot between them: a column of a feeder, a secret.
bool is_reference(std::string_view text) {
  const std::size_t dot = text.find('.');
  return is_name(text.substr(0, dot)) &&
         (dot == std::string_view::npos || is_name(text.substr(dot + 1)));
}

void append_double(std::string& out, double value) {
  std::array<char, 32> buffer{};
  char* const end = buffer.data() + buffer.size();
  const bool whole = std::abs(value) < exact_integer_max && std::trunc(value) == value;
  const auto written = whole ? std::to_chars(buffer.data(), end, static_cast<std::int64_t>(value))
                             : std::to_chars(buffer.data(), end, value);
  out.append(buffer.data(), written.ptr);
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), written.ptr);
}

std::int64_t epoch_milliseconds() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void append_encoded(std::string& out, std::string_view plain, Template::Encoding encoding) {
  if (encoding == Template::Encoding::base64) {
    append_base64(out, plain);
  } else {
    append_percent_encoded(out, plain, encoding == Template::Encoding::form);
  }
}

Diagnostics problem(std::size_t offset, std::string message, std::string hint) {
  return {
      Diagnostic{"", Place{1, static_cast<int>(offset) + 1}, std::move(message), std::move(hint)}};
}

void append_json(std::string& out, std::string_view text) {
  constexpr std::string_view escaped = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t at = escaped.find(c); at != std::string_view::npos) {
      out += {'\\', letters[at]};
    } else if (byte < 0x20) {
      out.append("\\u00").append({hex_digits[byte >> 4U], hex_digits[byte & 15U]});
    } else {
      out += c;
    }
  }
}

void append_id(std::string& out, const std::array<char, 32>& digits) {
  out.append(digits.data(), digits.size());
}

void append_slot(std::string& out, const Value& value, Filter filter) {
  if (filter == Filter::none) return append_text(out, value);
  if (const auto* const text = std::get_if<std::string>(&value)) {
    return append_filtered(out, *text, filter);
  }
  std::string text;  // a number or a boolean: short enough to need no memory
  append_text(text, value);
  append_filtered(out, text, filter);
}

}  // namespace

void append_percent_encoded(std::string& out, std::string_view text, bool form) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view also = "-._~";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       also.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else if (form && c == ' ') {
      out += '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto byte = i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U;
      group = (group << 8U) | byte;
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= count ? digits[(group >> (18 - 6 * i)) & 63U] : '=';
    }
  }
}

void append_filtered(std::string& out, std::string_view text, Filter filter) {
  switch (filter) {
    case Filter::none:
      out += text;
      break;
    case Filter::url:
      append_percent_encoded(out, text, false);
      break;
    case Filter::json:
      append_json(out, text);
      break;
    case Filter::base64:
      append_base64(out, text);
      break;
  }
}

void append_text(std::string& out, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    out += *text;
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    append_integer(out, *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_double(out, *number);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  }
}

Value value_of_text(std::string text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const char* const end = text.data() + text.size();
  const auto same = [&text](const Value& value) {
    std::string written;
    append_text(written, value);
    return written == text;
  };
  std::int64_t integer = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, integer);
      error == std::errc{} && stop == end && same(integer)) {
    return integer;
  }
  double number = 0;
  if (const auto [stop, error] = std::from_chars(text.data(), end, number);
      error == std::errc{} && stop == end && std::isfinite(number) && same(number)) {
    return number;
  }
  return text;
}

Checked<Template> Template::parse(std::string_view text, const std::vector<std::string>& slots) {
  Template result;
  std::string literal;
  const auto flush = [&result, &literal] {
    if (!literal.empty()) result.pieces_.push_back({Piece::Kind::text, 0, std::move(literal)});
    literal.clear();
  };
  Diagnostics problems;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("$${")) {
      literal += "${";
      at += 3;
      continue;
    }
    if (!text.substr(at).starts_with("${")) {
      literal += text[at++];
      continue;
    }
    const std::size_t close = text.find('}', at);
    if (close == std::string_view::npos) {
      return problem(at, "\"${\" without its \"}\"", "write $${ for a literal ${");
    }
    flush();
    result.add_reference(text.substr(at + 2, close - at - 2), at + 2, slots, problems);
    at = close + 1;
  }
  flush();
  if (!problems.empty()) return problems;
  return result;
}

// "name" or "name|filter"; `offset` is its place in the template.
void Template::add_reference(std::string_view reference, std::size_t offset,
                             const std::vector<std::string>& slots, Diagnostics& problems) {
  const std::size_t bar = reference.find('|');
  const std::string_view name = reference.substr(0, bar);
  Filter filter = Filter::none;
  if (bar != std::string_view::npos) {
    const std::string_view wanted = reference.substr(bar + 1);
    const auto found = std::find_if(filters.begin(), filters.end(),
                                    [wanted](const auto& one) { return one.first == wanted; });
    if (found == filters.end()) {
      problems.push_back({"", Place{1, static_cast<int>(offset + bar + 1) + 1},
                          "unknown filter \"" + std::string(wanted) + "\"", "url, json or base64"});
      return;
    }
    filter = found->second;
  }
  const auto slot = std::find(slots.begin(), slots.end(), name);
  if (name == "uuid") {
    pieces_.push_back({Piece::Kind::uuid, 0, {}});
  } else if (name == "now_ms") {
    pieces_.push_back({Piece::Kind::now_ms, 0, {}});
  } else if (slot != slots.end()) {
    pieces_.push_back(
        {Piece::Kind::slot, static_cast<std::uint32_t>(slot - slots.begin()), {}, {}, filter});
  } else {
    problems.push_back(unknown_name(name, offset, slots));
  }
}

Diagnostic Template::unknown_name(std::string_view name, std::size_t offset,
                                  const std::vector<std::string>& slots) {
  const Place place{1, static_cast<int>(offset) + 1};
  if (!is_reference(name)) {
    return {"", place, "\"${" + std::string(name) + "}\" is not a variable",
            "only a variable's name may stand there; compute it in a `set` step"};
  }
  std::vector<std::string> candidates = slots;
  candidates.insert(candidates.end(), {"uuid", "now_ms"});
  const std::string_view near = nearest(name, candidates);
  return {"", place, "unknown variable \"" + std::string(name) + "\"",
          near.empty() ? "set it in `variables`, a capture or a `set` step"
                       : "did you mean \"" + std::string(near) + "\"?",
          std::string(name)};
}

void Template::render(const Variables& variables, Random& random, std::string& out) const {
  for (const Piece& piece : pieces_) {
    switch (piece.kind) {
      case Piece::Kind::text:
        out += piece.text;
        break;
      case Piece::Kind::slot:
        append_slot(out, variables.get(piece.slot), piece.filter);
        break;
      case Piece::Kind::uuid:
        append_id(out, draw_id(random, variables.id_salt()));
        break;
      case Piece::Kind::now_ms:
        append_integer(out, epoch_milliseconds());
        break;
      case Piece::Kind::encoded:
        render_encoded(piece, variables, random, out);
        break;
    }
  }
}

void Template::render_encoded(const Piece& piece, const Variables& variables, Random& random,
                              std::string& out) {
  // The plain text is written behind what there is, its code behind that, and then it goes: no
  // memory of its own is taken for it. No code is longer than three bytes for one, or four for
  // none.
  const std::size_t begin = out.size();
  piece.inner->render(variables, random, out);
  const std::size_t plain = out.size() - begin;
  const std::size_t needed = out.size() + 3 * plain + 4;
  if (out.capacity() < needed) out.reserve(std::max(needed, 2 * out.capacity()));
  append_encoded(out, std::string_view(out).substr(begin, plain),
                 static_cast<Encoding>(piece.slot));
  out.erase(begin, plain);
}

Template Template::literal(std::string_view text) {
  Template result;
  if (!text.empty()) result.pieces_.push_back({Piece::Kind::text, 0, std::string(text)});
  return result;
}

Template Template::encoded(Encoding encoding, Template inner) {
  if (inner.is_constant()) {
    std::string out;
    append_encoded(out, inner.constant_text(), encoding);
    return literal(out);
  }
  Template result;
  result.pieces_.push_back({Piece::Kind::encoded,
                            static_cast<std::uint32_t>(encoding),
                            {},
                            std::make_shared<const Template>(std::move(inner))});
  return result;
}

Template& Template::operator+=(Template next) {
  for (Piece& piece : next.pieces_) {
    const bool joins = piece.kind == Piece::Kind::text && !pieces_.empty() &&
                       pieces_.back().kind == Piece::Kind::text;
    if (joins) {
      pieces_.back().text += piece.text;
    } else {
      pieces_.push_back(std::move(piece));
    }
  }
  return *this;
}

Value Template::evaluate(const Variables& variables, Random& random) const {
  if (pieces_.size() == 1 && pieces_.front().kind == Piece::Kind::slot &&
      pieces_.front().filter == Filter::none) {
    return variables.get(pieces_.front().slot);
  }
  std::string text;
  render(variables, random, text);
  return is_constant() ? value_of_text(std::move(text)) : Value{std::move(text)};
}

std::string Template::constant_text() const {
  std::string text;
  if (!is_constant()) return text;
  for (const Piece& piece : pieces_) text += piece.text;
  return text;
}

bool Template::is_constant() const noexcept {
  return std::all_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.kind == Piece::Kind::text; });
}

}  // namespace stampede
