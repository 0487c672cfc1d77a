#include "harness/scenario/capture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "harness/scenario/json_document.hpp"

namespace stampede {

namespace {

constexpr std::int64_t cells_picked_max = 1000;

// 0…63, 64: not base64. Both alphabets are read.
constexpr std::array<std::uint8_t, 256> make_base64_table() {
  std::array<std::uint8_t, 256> table{};
  table.fill(64);
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t at = 0; at < digits.size(); ++at) {
    table[static_cast<unsigned char>(digits[at])] = static_cast<std::uint8_t>(at);
  }
  table[static_cast<unsigned char>('-')] = 62;
  table[static_cast<unsigned char>('_')] = 63;
  return table;
}
constexpr std::array<std::uint8_t, 256> base64_table = make_base64_table();

bool decode_base64(std::string_view text, std::vector<std::uint8_t>& bytes) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  bytes.clear();
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char c : text) {
    const std::uint32_t digit = base64_table[static_cast<unsigned char>(c)];
    if (digit == 64) return false;
    pending = (pending << 6U) | digit;
    pending_bits += 6;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(pending >> pending_bits));
  }
  return text.size() % 4 != 1;
}

unsigned cell_of(std::uint8_t byte, unsigned at, unsigned bits) {
  return (static_cast<unsigned>(byte) >> (8 - bits * (at + 1))) & ((1U << bits) - 1U);
}

// How many cells of a byte equal the value, for every byte.
std::array<std::uint8_t, 256> matches_by_byte(unsigned bits, unsigned value) {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    for (unsigned at = 0; at < 8 / bits; ++at) {
      if (cell_of(static_cast<std::uint8_t>(byte), at, bits) == value) ++table[byte];
    }
  }
  return table;
}

// `count` distinct numbers below `n`, ascending (Floyd's algorithm: one draw each, whatever n is).
void pick_ranks(std::size_t n, std::size_t count, Random& random, std::vector<std::size_t>& ranks) {
  ranks.clear();
  for (std::size_t last = n - count; last < n; ++last) {
    const std::size_t drawn = random.below(last + 1);
    const bool taken = std::find(ranks.begin(), ranks.end(), drawn) != ranks.end();
    ranks.push_back(taken ? last : drawn);
  }
  std::sort(ranks.begin(), ranks.end());
}

// Turns ranks among the matching cells into cell indices: skips whole bytes by their number of
// matches.
void indices_of(const std::vector<std::uint8_t>& bytes, unsigned bits, unsigned value,
                const std::array<std::uint8_t, 256>& matches, std::vector<std::size_t>& ranks) {
  const unsigned cells_per_byte = 8 / bits;
  std::size_t seen = 0;
  auto rank = ranks.begin();
  for (std::size_t byte = 0; byte < bytes.size() && rank != ranks.end(); ++byte) {
    const std::size_t here = matches[bytes[byte]];
    if (*rank >= seen + here) {
      seen += here;
      continue;
    }
    for (unsigned at = 0; at < cells_per_byte && rank != ranks.end(); ++at) {
      if (cell_of(bytes[byte], at, bits) != value) continue;
      if (seen++ == *rank) *rank++ = byte * cells_per_byte + at;
    }
  }
}

// One answer: parsed at most once, by the first capture that needs it.
class Answer {
 public:
  Answer(JsonDocument& document, const HeaderLookup& headers, Variables& variables,
         ExpressionEngine& engine, Random& random)
      : document_(document),
        headers_(headers),
        variables_(variables),
        engine_(engine),
        random_(random) {}

  std::optional<std::string> apply(const CompiledCapture& capture) {
    if (capture.from == CaptureSpec::From::header) return apply_header(capture);
    if (capture.from == CaptureSpec::From::regex) return apply_regex(capture);
    const auto found = document_.find(capture.pointer);
    if (!found) return absent(capture, document_.problem());
    if (capture.from == CaptureSpec::From::cells) return apply_cells(capture, *found);
    if (found->kind == JsonMember::Kind::text) return keep_text(capture, document_.text_of(*found));
    return keep(capture, value_of_json(*found));
  }

 private:
  std::optional<std::string> absent(const CompiledCapture& capture, std::string_view why) {
    Value otherwise;
    if (capture.otherwise) otherwise = capture.otherwise->evaluate(variables_, random_);
    variables_.set(capture.slot, std::move(otherwise));
    if (capture.optional || capture.otherwise) return std::nullopt;
    if (!why.empty()) return std::string(why);
    return "the answer has no " + capture.pointer;
  }

  std::optional<std::string> keep(const CompiledCapture& capture, Value value) {
    // Lists and objects as text.
    if (const auto* const text = std::get_if<std::string>(&value)) return keep_text(capture, *text);
    variables_.set(capture.slot, std::move(value));
    return std::nullopt;
  }

  // In the memory of the text that was captured before.
  std::optional<std::string> keep_text(const CompiledCapture& capture, std::string_view text) {
    if (text.size() > capture_bytes_max) {
      variables_.set(capture.slot, std::monostate{});
      return "what is captured is longer than " + std::to_string(capture_bytes_max) + " bytes";
    }
    variables_.set_text(capture.slot, text);
    return std::nullopt;
  }

  std::optional<std::string> apply_header(const CompiledCapture& capture) {
    const auto found = headers_(capture.pointer);
    if (!found) return absent(capture, {});
    return keep_text(capture, *found);
  }

  std::optional<std::string> apply_regex(const CompiledCapture& capture) {
    std::optional<std::string_view> text = document_.text();
    if (!capture.pointer.empty()) text = headers_(capture.pointer);
    if (!text) return absent(capture, {});
    const RegexPattern& pattern = *capture.pattern;
    if (capture.which == CaptureSpec::Which::count) {
      variables_.set(capture.slot, std::int64_t{pattern.count(*text)});
      return std::nullopt;
    }
    std::optional<std::string_view> found;
    if (capture.which == CaptureSpec::Which::nth) {
      found = pattern.nth(*text, capture.group, capture.nth);
    } else if (capture.which == CaptureSpec::Which::last) {
      found = pattern.last(*text, capture.group);
    } else {
      found = pattern.any(*text, capture.group, random_);
    }
    if (!found) return absent(capture, "the answer has no match of " + pattern.text());
    return keep_text(capture, *found);
  }

  std::optional<std::string> apply_cells(const CompiledCapture& capture, const JsonMember& cells) {
    if (cells.kind != JsonMember::Kind::text)
      return absent(capture, capture.pointer + " is not a text");
    const auto count = engine_.evaluate(capture.cell_count, variables_, random_);
    if (!count) return absent(capture, "count: " + count.error());
    const std::int64_t wanted = whole(*count);
    if (wanted < 0 || wanted > cells_picked_max) {
      return absent(capture, "count is not a number from 0 to " + std::to_string(cells_picked_max));
    }
    std::size_t total = std::numeric_limits<std::size_t>::max();
    if (!capture.cell_total.empty()) {
      const auto found = document_.find(capture.cell_total);
      const auto number = found ? whole_number(*found) : std::nullopt;
      if (!number) return absent(capture, "the answer has no number at " + capture.cell_total);
      total = *number;
    }
    auto picked = pick_cells(document_.text_of(cells), capture.cell_bits, capture.cell_value, total,
                             static_cast<std::size_t>(wanted), random_);
    if (!picked) return absent(capture, capture.pointer + " is not base64");
    variables_.set(capture.slot, std::move(*picked));
    return std::nullopt;
  }

  // nullopt: not a whole number, or below 0.
  static std::optional<std::size_t> whole_number(const JsonMember& member) noexcept {
    if (member.kind != JsonMember::Kind::integer) return std::nullopt;
    std::size_t number = 0;
    const char* const end = member.raw.data() + member.raw.size();
    const bool fine = std::from_chars(member.raw.data(), end, number).ec == std::errc{};
    return fine ? std::optional(number) : std::nullopt;
  }

  // −1: not a whole number.
  static std::int64_t whole(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
    const auto* const number = std::get_if<double>(&value);
    const bool good = number != nullptr && *number >= 0 && *number <= double{cells_picked_max};
    return good ? static_cast<std::int64_t>(*number) : -1;
  }

  JsonDocument& document_;
  const HeaderLookup& headers_;
  Variables& variables_;
  ExpressionEngine& engine_;
  Random& random_;
};

}  // namespace

std::optional<std::string> pick_cells(std::string_view base64, unsigned bits, unsigned value,
                                      std::size_t cells_max, std::size_t count, Random& random) {
  // Reused by all answers of a worker; their size is bounded by the largest body.
  thread_local std::vector<std::uint8_t> bytes;
  thread_local std::vector<std::size_t> ranks;
  if (!decode_base64(base64, bytes)) return std::nullopt;
  const std::array<std::uint8_t, 256> by_byte = matches_by_byte(bits, value);
  const std::size_t cells_per_byte = 8 / bits;
  const std::size_t cells = std::min(cells_max, bytes.size() * cells_per_byte);
  bytes.resize((cells + cells_per_byte - 1) / cells_per_byte);
  std::size_t found = 0;
  for (const std::uint8_t byte : bytes) found += by_byte[byte];
  // Padding in the last byte stands behind every real cell, so its ranks are simply the highest
  // ones.
  for (std::size_t at = cells % cells_per_byte; at != 0 && at < cells_per_byte; ++at) {
    if (cell_of(bytes.back(), static_cast<unsigned>(at), bits) == value) --found;
  }
  pick_ranks(found, std::min(count, found), random, ranks);
  indices_of(bytes, bits, value, by_byte, ranks);
  std::string text = "[";
  for (const std::size_t index : ranks) {
    if (text.size() > 1) text += ',';
    text += std::to_string(index);
  }
  return text + "]";
}

std::optional<std::string> apply_captures(const std::vector<CompiledCapture>& captures,
                                          JsonDocument& document, const HeaderLookup& headers,
                                          Variables& variables, ExpressionEngine& engine,
                                          Random& random) {
  std::optional<std::string> first;
  if (captures.empty()) return first;
  Answer answer(document, headers, variables, engine, random);
  for (const CompiledCapture& capture : captures) {
    std::optional<std::string> problem = answer.apply(capture);
    if (problem && !first) first = std::move(problem);
  }
  return first;
}

std::optional<std::string> apply_captures(const std::vector<CompiledCapture>& captures,
                                          std::string_view body, const HeaderLookup& headers,
                                          Variables& variables, ExpressionEngine& engine,
                                          Random& random) {
  JsonDocument document(body);
  return apply_captures(captures, document, headers, variables, engine, random);
}

}  // namespace stampede
