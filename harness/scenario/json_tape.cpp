#include "harness/scenario/json_tape.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>

namespace stampede {

namespace {

// No double that is written shorter, without an exponent, is infinite.
constexpr std::size_t safe_number_bytes = 300;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// −1: none.
int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Of the four digits after \u; nullopt: they are none.
std::optional<std::uint32_t> code_unit(std::string_view digits) noexcept {
  if (digits.size() < 4) return std::nullopt;
  std::uint32_t unit = 0;
  for (const char c : digits.substr(0, 4)) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    unit = unit << 4U | static_cast<std::uint32_t>(digit);
  }
  return unit;
}
bool is_high(std::uint32_t unit) noexcept { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(std::uint32_t unit) noexcept { return unit >= 0xDC00 && unit < 0xE000; }

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | (point >> shift & 0x3FU));
  };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | point >> 6U);
    tail(0);
  } else if (point < 0x1'0000) {
    out += static_cast<char>(0xE0U | point >> 12U);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | point >> 18U);
    tail(12);
    tail(6);
    tail(0);
  }
}

// Bytes of the well-formed UTF-8 sequence (Unicode 15, table 3-7) at the beginning; 0: none. ASCII
// is not asked for.
std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto byte = [&text](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto in = [](unsigned value, unsigned low, unsigned high) {
    return value >= low && value <= high;
  };
  const auto tail = [&](std::size_t at) { return in(byte(at), 0x80, 0xBF); };
  const unsigned first = byte(0);
  if (in(first, 0xC2, 0xDF)) return tail(1) ? 2 : 0;
  if (in(first, 0xE0, 0xEF)) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return in(byte(1), low, high) && tail(2) ? 3 : 0;
  }
  if (!in(first, 0xF0, 0xF4)) return 0;
  const unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
  return in(byte(1), low, high) && tail(2) && tail(3) ? 4 : 0;
}

// How many bytes at the beginning are plain ASCII within a text: no quote, backslash or control.
std::size_t plain_bytes(const char* at, std::size_t size) noexcept {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101ULL, highs = ones << 7U;
  const auto zero_bytes = [](std::uint64_t word) { return (word - ones) & ~word & highs; };
  std::size_t done = 0;
  for (; size - done >= 8; done += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + done, sizeof word);
    // Exact up to the first hit, which is all that is asked of it.
    const std::uint64_t hits = (word & highs) | ((word - ones * 0x20) & ~word & highs) |
                               zero_bytes(word ^ (ones * '"')) | zero_bytes(word ^ (ones * '\\'));
    if (hits != 0) return done + static_cast<std::size_t>(std::countr_zero(hits)) / 8;
  }
  while (done < size) {
    const auto c = static_cast<unsigned char>(at[done]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
    ++done;
  }
  return done;
}

// Is the token of a pointer, in which ~1 is a slash and ~0 a tilde, this name?
bool is_reference_to(std::string_view reference, std::string_view name) noexcept {
  std::size_t at = 0;
  for (std::size_t i = 0; i < reference.size(); ++i, ++at) {
    char c = reference[i];
    if (c == '~') c = i + 1 < reference.size() && reference[++i] == '1' ? '/' : '~';
    if (at == name.size() || name[at] != c) return false;
  }
  return at == name.size();
}

}  // namespace

void append_unescaped(std::string& out, std::string_view raw) {
  constexpr std::string_view letters = "bfnrt";
  constexpr std::string_view meanings = "\b\f\n\r\t";
  while (!raw.empty()) {
    const std::size_t backslash = raw.find('\\');
    out.append(raw.substr(0, backslash));
    if (backslash == std::string_view::npos || backslash + 1 == raw.size()) return;
    const char letter = raw[backslash + 1];
    raw.remove_prefix(backslash + 2);
    if (letter == 'u') {
      std::uint32_t point = code_unit(raw).value_or('?');
      raw.remove_prefix(std::min<std::size_t>(4, raw.size()));
      if (is_high(point) && raw.size() >= 6) {
        point = 0x1'0000 + ((point - 0xD800) << 10U) +
                (code_unit(raw.substr(2)).value_or(0xDC00) - 0xDC00);
        raw.remove_prefix(6);
      }
      append_utf8(out, point);
    } else {
      const std::size_t known = letters.find(letter);
      out += known == std::string_view::npos ? letter : meanings[known];
    }
  }
}

bool JsonTape::read(std::string_view text) {
  text_ = text;
  at_ = 0;
  tokens_.clear();
  open_.clear();
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) return false;
  do {
    skip_blanks();
    if (!read_value()) return false;
  } while (!open_.empty());
  skip_blanks();
  return at_ == text_.size();
}

// One value that holds no others, or the beginning of one that does; and the ends of all that end
// with it.
bool JsonTape::read_value() {
  switch (peek()) {
    case '{':
      return open(Kind::object);
    case '[':
      return open(Kind::array);
    case '"':
      return read_text() && end_values();
    case 't':
      return read_literal("true", Kind::truth) && end_values();
    case 'f':
      return read_literal("false", Kind::falsehood) && end_values();
    case 'n':
      return read_literal("null", Kind::null) && end_values();
    default:
      return read_number() && end_values();
  }
}

bool JsonTape::open(Kind kind) {
  if (open_.size() == json_depth_max) return false;
  open_.push_back(static_cast<std::uint32_t>(tokens_.size()));
  add(kind, at_, at_);
  ++at_;
  skip_blanks();
  const bool empty = peek() == (kind == Kind::object ? '}' : ']');
  if (empty) return end_values();
  return kind == Kind::array || read_key();
}

// After a value: the end of what holds it, if it has come to that, or the way to the next value.
bool JsonTape::end_values() {
  while (!open_.empty()) {
    bool closed = false;
    if (!close_or_go_on(closed)) return false;
    if (!closed) return true;
  }
  return true;
}

bool JsonTape::close_or_go_on(bool& closed) {
  skip_blanks();
  Token& holder = tokens_[open_.back()];
  const char c = peek();
  closed = c == (holder.kind == Kind::object ? '}' : ']');
  if (!closed && c != ',') return false;
  ++at_;
  if (!closed) {
    skip_blanks();
    return holder.kind == Kind::array || read_key();
  }
  holder.end = static_cast<std::uint32_t>(at_);
  holder.next = static_cast<std::uint32_t>(tokens_.size());
  open_.pop_back();
  return true;
}

bool JsonTape::read_key() {
  if (peek() != '"' || !read_text()) return false;
  skip_blanks();
  if (peek() != ':') return false;
  ++at_;
  return true;
}

bool JsonTape::read_literal(std::string_view word, Kind kind) {
  if (!text_.substr(at_).starts_with(word)) return false;
  add(kind, at_, at_ + word.size());
  at_ += word.size();
  return true;
}

bool JsonTape::read_digits() {
  const std::size_t begin = at_;
  while (is_digit(peek())) ++at_;
  return at_ != begin;
}

bool JsonTape::read_number() {
  const std::size_t begin = at_;
  if (peek() == '-') ++at_;
  const bool zero = peek() == '0';
  if (!read_digits()) return false;
  if (zero && at_ - begin > (text_[begin] == '-' ? 2U : 1U)) return false;  // 01
  bool real = false, exponent = false;
  if (peek() == '.') {
    real = true;
    ++at_;
    if (!read_digits()) return false;
  }
  if (peek() == 'e' || peek() == 'E') {
    real = exponent = true;
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!read_digits()) return false;
  }
  if (exponent || at_ - begin > safe_number_bytes) {
    double value = 0;
    const char* const end = text_.data() + at_;
    if (std::from_chars(text_.data() + begin, end, value).ec != std::errc{}) return false;
  }
  add(real ? Kind::real : Kind::integer, begin, at_);
  return true;
}

bool JsonTape::read_text() {
  const std::size_t begin = ++at_;
  bool escaped = false;
  while (true) {
    at_ += plain_bytes(text_.data() + at_, text_.size() - at_);
    if (at_ == text_.size()) return false;
    const char c = text_[at_];
    if (c == '"') break;
    if (c == '\\') {
      escaped = true;
      if (!read_escape()) return false;
    } else {
      const std::size_t sequence = utf8_sequence(text_.substr(at_));
      if (sequence == 0) return false;
      at_ += sequence;
    }
  }
  add(Kind::text, begin, at_, escaped);
  ++at_;
  return true;
}

bool JsonTape::read_escape() {
  constexpr std::string_view letters = "\"\\/bfnrt";
  ++at_;
  const char letter = peek();
  if (letter == '\0') return false;
  ++at_;
  if (letter != 'u') return letters.find(letter) != std::string_view::npos;
  const auto unit = code_unit(text_.substr(at_));
  if (!unit || is_low(*unit)) return false;
  at_ += 4;
  if (!is_high(*unit)) return true;
  if (!text_.substr(at_).starts_with("\\u")) return false;
  const auto low = code_unit(text_.substr(at_ + 2));
  at_ += 6;
  return low && is_low(*low);
}

void JsonTape::skip_blanks() noexcept {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++at_;
  }
}

void JsonTape::add(Kind kind, std::size_t begin, std::size_t end, bool escaped) {
  tokens_.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end),
                     static_cast<std::uint32_t>(tokens_.size() + 1), kind, escaped});
}

bool JsonTape::is_named(const Token& key, std::string_view reference) {
  if (!key.escaped) return is_reference_to(reference, raw(key));
  key_.clear();
  append_unescaped(key_, raw(key));
  return is_reference_to(reference, key_);
}

std::optional<std::uint32_t> JsonTape::find_in(std::uint32_t container,
                                               std::string_view reference) {
  const Token& holder = tokens_[container];
  std::uint32_t at = container + 1;
  std::optional<std::uint32_t> found;
  if (holder.kind == Kind::object) {
    for (; at < holder.next; at = tokens_[at + 1].next) {
      if (is_named(tokens_[at], reference)) found = at + 1;
    }
    return found;
  }
  if (holder.kind != Kind::array) return std::nullopt;
  std::size_t index = 0;
  const char* const end = reference.data() + reference.size();
  const auto [stop, error] = std::from_chars(reference.data(), end, index);
  if (error != std::errc{} || stop != end) return std::nullopt;
  for (; at < holder.next; at = tokens_[at].next) {
    if (index-- == 0) return at;
  }
  return std::nullopt;
}

std::optional<JsonMember> JsonTape::find(std::string_view pointer) {
  std::uint32_t at = 0;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::string_view reference = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(reference.size());
    const auto next = find_in(at, reference);
    if (!next) return std::nullopt;
    at = *next;
  }
  const Token& token = tokens_[at];
  return JsonMember{token.kind, token.escaped, raw(token)};
}

}  // namespace stampede
