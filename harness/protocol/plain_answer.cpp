#include "harness/protocol/plain_answer.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t plain_header_bytes_max = std::size_t{16} << 10U;
constexpr std::size_t plain_header_count_max = 100;
constexpr std::size_t length_digits_max = 15;

// RFC 9110 §5.6.2.
constexpr std::array<bool, 256> token_chars = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  for (unsigned char c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  return table;
}();

// How far the text goes without a control character; 8 bytes at a time, without a branch for each.
// `end` is behind at least the line's end, so a whole word may be looked at.
const char* skip_text(const char* at, const char* end) noexcept {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101ULL, highs = ones << 7U;
  while (end - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    // Exact up to the first hit, which is all that is asked of it.
    const std::uint64_t below_space = (word - ones * 0x20) & ~word & highs;
    const std::uint64_t del = word ^ (ones * 0x7F);
    const std::uint64_t hits = below_space | ((del - ones) & ~del & highs);
    if (hits != 0) return at + std::countr_zero(hits) / 8;
    at += 8;
  }
  while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != 0x7F) ++at;
  return at;
}

std::string_view trimmed(const char* from, const char* to) noexcept {
  while (from != to && *from == ' ') ++from;
  while (from != to && to[-1] == ' ') --to;
  return {from, static_cast<std::size_t>(to - from)};
}

// Reads a header of the kind that decides what the answer is.
class Reader {
 public:
  explicit Reader(PlainAnswer& answer) noexcept : answer_(answer) {}

  // False: not plain.
  bool take(std::string_view name, std::string_view value) noexcept {
    switch (name.size()) {
      case 7:
        return !same_header(name, "upgrade");
      case 10:
        return !same_header(name, "connection") || take_connection(value);
      case 14:
        return !same_header(name, "content-length") || take_length(value);
      case 16:
        return !same_header(name, "proxy-connection");
      case 17:
        return !same_header(name, "transfer-encoding");
      case 20:
        return !same_header(name, "sec-websocket-accept");
      default:
        return true;
    }
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept { return length_; }

 private:
  bool take_connection(std::string_view value) noexcept {
    if (same_header(value, "close")) {
      answer_.keep_alive = false;
      return true;
    }
    return same_header(value, "keep-alive");
  }
  bool take_length(std::string_view value) noexcept {
    if (length_ || value.empty() || value.size() > length_digits_max) return false;
    std::uint64_t length = 0;
    for (const char c : value) {
      if (c < '0' || c > '9') return false;
      length = length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    length_ = length;
    return true;
  }

  PlainAnswer& answer_;
  std::optional<std::uint64_t> length_;
};

// "HTTP/1.1 200 OK\r\n" → where the headers begin; nullptr: not plain.
const char* read_status_line(std::string_view text, unsigned& status) noexcept {
  constexpr std::string_view version = "HTTP/1.1 ";
  constexpr std::size_t before_reason = version.size() + 4;
  if (text.size() < before_reason + 2 || !text.starts_with(version)) return nullptr;
  for (std::size_t i = version.size(); i < version.size() + 3; ++i) {
    if (text[i] < '0' || text[i] > '9') return nullptr;
    status = status * 10 + static_cast<unsigned>(text[i] - '0');
  }
  // Without a body whatever their headers say, or not the last of their request.
  const bool special = status < 200 || status == 204 || status == 304;
  if (special || text[version.size() + 3] != ' ') return nullptr;
  const char* const end = text.data() + text.size();
  const char* const at = skip_text(text.data() + before_reason, end);
  return end - at >= 2 && at[0] == '\r' && at[1] == '\n' ? at + 2 : nullptr;
}

}  // namespace

std::optional<PlainAnswer> read_plain_answer(std::string_view received, Exchange& exchange) {
  PlainAnswer answer;
  Reader reader(answer);
  const char* at = read_status_line(received, answer.status);
  if (at == nullptr) return std::nullopt;
  const char* const end = received.data() + received.size();
  const char* const limit = received.data() + plain_header_bytes_max;
  const auto not_plain = [&exchange] {
    exchange.headers.clear();
    return std::nullopt;
  };
  for (std::size_t count = 0;; ++count) {
    if (end - at < 2 || at > limit || count > plain_header_count_max) return not_plain();
    if (at[0] == '\r' && at[1] == '\n') break;
    const char* const name = at;
    while (at != end && token_chars[static_cast<unsigned char>(*at)]) ++at;
    if (at == name || at == end || *at != ':') return not_plain();
    const std::string_view name_text(name, static_cast<std::size_t>(at - name));
    const char* const value = at + 1;
    at = skip_text(value, end);
    if (end - at < 3 || at[0] != '\r' || at[1] != '\n') return not_plain();
    const std::string_view value_text = trimmed(value, at);
    at += 2;
    if (*at == ' ' || *at == '\t') return not_plain();  // a folded line
    if (!reader.take(name_text, value_text)) return not_plain();
    for (const std::string& wanted : exchange.wanted_headers) {
      if (same_header(wanted, name_text)) exchange.headers.emplace_back(wanted, value_text);
    }
  }
  at += 2;
  const auto rest = static_cast<std::uint64_t>(end - at);
  if (!reader.length() || *reader.length() > rest || *reader.length() > exchange.body_max) {
    return not_plain();
  }
  answer.body = {at, static_cast<std::size_t>(*reader.length())};
  answer.left_over = received.substr(static_cast<std::size_t>(answer.body.end() - received.data()));
  return answer;
}

}  // namespace stampede
