#include "harness/scenario/capture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace stampede {

namespace {

using Json = nlohmann::json;

constexpr std::size_t depth_max = 64;
constexpr std::int64_t cells_picked_max = 1000;

// Deepest nesting of brackets outside strings; a cheap look before the parser builds anything.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

// nullptr: there is no such member. The pointer's syntax was checked when the profile was read.
const Json* find(const Json& json, std::string_view pointer) {
  const Json* at = &json;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    std::string key(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(key.size());
    for (std::size_t tilde = key.find('~'); tilde != std::string::npos;
         tilde = key.find('~', tilde + 1)) {
      key.replace(tilde, 2, key.substr(tilde + 1, 1) == "1" ? "/" : "~");
    }
    if (at->is_object()) {
      const auto member = at->find(key);
      if (member == at->end()) return nullptr;
      at = &*member;
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      const bool number = error == std::errc{} && end == key.data() + key.size();
      if (!number || index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

Value value_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return std::monostate{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::string:
      return json.get_ref<const std::string&>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
        return json.dump();  // as text: a double would change its digits
      }
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    default:
      return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

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
  Answer(std::string_view body, const HeaderLookup& headers, Variables& variables,
         ExpressionEngine& engine, Random& random)
      : body_(body), headers_(headers), variables_(variables), engine_(engine), random_(random) {}

  std::optional<std::string> apply(const CompiledCapture& capture) {
    if (capture.from == CaptureSpec::From::header) return apply_header(capture);
    const Json* const found = document() ? find(json_, capture.pointer) : nullptr;
    if (found == nullptr) return absent(capture, bad_);
    if (capture.from == CaptureSpec::From::cells) return apply_cells(capture, *found);
    variables_.set(capture.slot, value_of(*found));
    return std::nullopt;
  }

 private:
  std::optional<std::string> absent(const CompiledCapture& capture, std::string_view why) {
    variables_.set(capture.slot, std::monostate{});
    if (capture.optional) return std::nullopt;
    if (!why.empty()) return std::string(why);
    return "the answer has no " + capture.pointer;
  }

  std::optional<std::string> apply_header(const CompiledCapture& capture) {
    const auto found = headers_(capture.pointer);
    if (!found) return absent(capture, {});
    variables_.set(capture.slot, std::string(*found));
    return std::nullopt;
  }

  std::optional<std::string> apply_cells(const CompiledCapture& capture, const Json& cells) {
    if (!cells.is_string()) return absent(capture, capture.pointer + " is not a text");
    const auto count = engine_.evaluate(capture.cell_count, variables_, random_);
    if (!count) return absent(capture, "count: " + count.error());
    const std::int64_t wanted = whole(*count);
    if (wanted < 0 || wanted > cells_picked_max) {
      return absent(capture, "count is not a number from 0 to " + std::to_string(cells_picked_max));
    }
    std::size_t total = std::numeric_limits<std::size_t>::max();
    if (!capture.cell_total.empty()) {
      const Json* const found = find(json_, capture.cell_total);
      if (found == nullptr || !found->is_number_unsigned()) {
        return absent(capture, "the answer has no number at " + capture.cell_total);
      }
      total = found->get<std::size_t>();
    }
    auto picked = pick_cells(cells.get_ref<const std::string&>(), capture.cell_bits,
                             capture.cell_value, total, static_cast<std::size_t>(wanted), random_);
    if (!picked) return absent(capture, capture.pointer + " is not base64");
    variables_.set(capture.slot, std::move(*picked));
    return std::nullopt;
  }

  // −1: not a whole number.
  static std::int64_t whole(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
    const auto* const number = std::get_if<double>(&value);
    const bool good = number != nullptr && *number >= 0 && *number <= double{cells_picked_max};
    return good ? static_cast<std::int64_t>(*number) : -1;
  }

  bool document() {
    if (parsed_) return bad_.empty();
    parsed_ = true;
    if (too_deep(body_)) {
      bad_ = "the answer is nested too deeply";
      return false;
    }
    json_ = Json::parse(body_, nullptr, false);
    if (json_.is_discarded()) bad_ = "the answer is not JSON";
    return bad_.empty();
  }

  std::string_view body_;
  const HeaderLookup& headers_;
  Variables& variables_;
  ExpressionEngine& engine_;
  Random& random_;
  bool parsed_ = false;
  std::string_view bad_;  // why the body is no document
  Json json_;
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
                                          std::string_view body, const HeaderLookup& headers,
                                          Variables& variables, ExpressionEngine& engine,
                                          Random& random) {
  std::optional<std::string> first;
  if (captures.empty()) return first;
  Answer answer(body, headers, variables, engine, random);
  for (const CompiledCapture& capture : captures) {
    std::optional<std::string> problem = answer.apply(capture);
    if (problem && !first) first = std::move(problem);
  }
  return first;
}

}  // namespace stampede
