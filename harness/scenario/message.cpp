#include "harness/scenario/message.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "harness/scenario/json_document.hpp"

namespace stampede {

namespace {

using Kind = JsonMember::Kind;

bool meets(JsonDocument& message, const MessageMatch& wanted, const Variables& variables,
           Random& random) {
  thread_local std::string expected, actual;  // reused by all messages of a worker
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& member) {
    const auto found = message.find(member.first);
    if (!found) return false;
    expected.clear();
    member.second.render(variables, random, expected);
    if (found->kind == Kind::text) return message.text_of(*found) == expected;
    actual.clear();
    append_text(actual, value_of_json(*found));
    return actual == expected;
  });
}

bool says(const WsAwaitStep& step, std::string_view message, const Variables& variables,
          Random& random) {
  if (step.contains) {
    thread_local std::string wanted;  // reused by all messages of a worker
    wanted.clear();
    step.contains->render(variables, random, wanted);
    if (message.find(wanted) == std::string_view::npos) return false;
  }
  return step.matches == nullptr || step.matches->found_in(message);
}

std::optional<Nanos> times(std::int64_t value, Nanos unit) {
  if (value < 0 || value > std::numeric_limits<std::int64_t>::max() / unit.count()) {
    return std::nullopt;
  }
  return value * unit;
}

// 0…63; 64: no digit of base64.
std::uint32_t base64_digit(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a') + 26;
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0') + 52;
  return c == '+' ? 62 : c == '/' ? 63 : 64;
}

}  // namespace

MessageKind classify_message(const WsAwaitStep& step, std::string_view message,
                             const Variables& variables, Random& random) {
  const bool said = says(step, message, variables, random);
  if (said && step.where.empty()) return MessageKind::awaited;
  if ((!said || step.where.empty()) && step.unless.empty()) return MessageKind::other;
  JsonDocument document(message);
  const auto whole = document.find("");
  if (!whole || whole->kind != Kind::object) return MessageKind::other;
  if (said && meets(document, step.where, variables, random)) return MessageKind::awaited;
  const bool over = std::any_of(step.unless.begin(), step.unless.end(), [&](const auto& match) {
    return meets(document, match, variables, random);
  });
  return over ? MessageKind::over : MessageKind::other;
}

std::optional<Nanos> stamped_time(std::string_view message, std::string_view pointer, Nanos unit) {
  JsonDocument document(message);
  const auto found = document.find(pointer);
  if (!found) return std::nullopt;
  if (found->kind == Kind::real) {
    const Value number = value_of_json(*found);
    const double nanos = std::get<double>(number) * static_cast<double>(unit.count());
    if (!(nanos >= 0 && nanos < 9.2e18)) return std::nullopt;
    return Nanos{static_cast<std::int64_t>(nanos)};
  }
  if (found->kind != Kind::integer && found->kind != Kind::text) return std::nullopt;
  const std::string_view text = found->kind == Kind::text ? document.text_of(*found) : found->raw;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return times(value, unit);
}

std::optional<std::string> bytes_of_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const char c : text) {
    const std::uint32_t digit = base64_digit(c);
    if (digit == 64) return std::nullopt;
    pending = pending << 6U | digit;
    pending_bits += 6;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    bytes.push_back(static_cast<char>(pending >> pending_bits & 0xFFU));
  }
  return bytes;
}

}  // namespace stampede
