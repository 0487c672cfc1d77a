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

// Is it `lower`, but for the case of letters? Both have the same length, at least 4. Eight bytes at
// a time: setting the bit of small letters confuses '-' with a carriage return only, and neither a
// name nor a value has one.
bool is_like(std::string_view text, std::string_view lower) noexcept {
  constexpr std::uint64_t small = 0x2020'2020'2020'2020ULL;
  const auto differs = [&](auto word, std::size_t at) {
    auto wanted = word;
    std::memcpy(&word, text.data() + at, sizeof word);
    std::memcpy(&wanted, lower.data() + at, sizeof wanted);
    return (word | static_cast<decltype(word)>(small)) != wanted;
  };
  const std::size_t size = lower.size();
  if (size < 8) {
    return !differs(std::uint32_t{}, 0) && !differs(std::uint32_t{}, size - 4);
  }
  for (std::size_t at = 0; at + 8 < size; at += 8) {
    if (differs(std::uint64_t{}, at)) return false;
  }
  return !differs(std::uint64_t{}, size - 8);
}

std::string_view trimmed(const char* from, const char* to) noexcept {
  while (from != to && *from == ' ') ++from;
  while (from != to && to[-1] == ' ') --to;
  return {from, static_cast<std::size_t>(to - from)};
}

// Reads a header of the kind that decides what the answer is.
class Reader {
 public:
  explicit Reader(PlainHead& head) noexcept : head_(head) {}

  // False: not plain.
  bool take(std::string_view name, std::string_view value) noexcept {
    switch (name.size()) {
      case 7:
        return !is_like(name, "upgrade");
      case 10:
        return !is_like(name, "connection") || take_connection(value);
      case 14:
        return !is_like(name, "content-length") || take_length(value);
      case 16:
        return !is_like(name, "proxy-connection");
      case 17:
        return !is_like(name, "transfer-encoding");
      case 20:
        return !is_like(name, "sec-websocket-accept");
      default:
        return true;
    }
  }
  [[nodiscard]] bool has_length() const noexcept { return has_length_; }

 private:
  bool take_connection(std::string_view value) noexcept {
    if (value.size() == 5 && is_like(value, "close")) {
      head_.keep_alive = false;
      return true;
    }
    return value.size() == 10 && is_like(value, "keep-alive");
  }
  bool take_length(std::string_view value) noexcept {
    if (has_length_ || value.empty() || value.size() > length_digits_max) return false;
    std::uint64_t length = 0;
    for (const char c : value) {
      if (c < '0' || c > '9') return false;
      length = length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    head_.length = length;
    has_length_ = true;
    return true;
  }

  PlainHead& head_;
  bool has_length_ = false;
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

// False: not plain, or not whole.
bool read_head(std::string_view received, Exchange& exchange, PlainHead& head) {
  Reader reader(head);
  const char* at = read_status_line(received, head.status);
  if (at == nullptr) return false;
  const char* const end = received.data() + received.size();
  const char* const limit = received.data() + plain_header_bytes_max;
  for (std::size_t count = 0;; ++count) {
    if (end - at < 2 || at > limit || count > plain_header_count_max) return false;
    if (at[0] == '\r' && at[1] == '\n') break;
    const char* const name = at;
    while (at != end && token_chars[static_cast<unsigned char>(*at)]) ++at;
    if (at == name || at == end || *at != ':') return false;
    const std::string_view name_text(name, static_cast<std::size_t>(at - name));
    const char* const value = at + 1;
    at = skip_text(value, end);
    if (end - at < 3 || at[0] != '\r' || at[1] != '\n') return false;
    const std::string_view value_text = trimmed(value, at);
    at += 2;
    if (*at == ' ' || *at == '\t') return false;  // a folded line
    if (!reader.take(name_text, value_text)) return false;
    for (const std::string& wanted : exchange.wanted_headers) {
      if (same_header(wanted, name_text)) exchange.headers.add(wanted, value_text);
    }
  }
  head.size = static_cast<std::size_t>(at + 2 - received.data());
  return reader.has_length();
}

// Of an answer with this header; nullopt: the rest of it has not come, or nobody wants so much.
std::optional<PlainAnswer> with_body(std::string_view received, const PlainHead& head,
                                     std::uint64_t body_max) noexcept {
  const std::string_view rest = received.substr(head.size);
  if (head.length > rest.size() || head.length > body_max) return std::nullopt;
  const auto length = static_cast<std::size_t>(head.length);
  return PlainAnswer{head.status, head.keep_alive, rest.substr(0, length), rest.substr(length)};
}

}  // namespace

const PlainHead* PlainAnswerMemory::recall(std::string_view received) const noexcept {
  const bool same = head_.size != 0 && received.size() >= head_.size &&
                    std::memcmp(received.data(), text_.data(), head_.size) == 0;
  return same ? &head_ : nullptr;
}

void PlainAnswerMemory::keep(std::string_view received, const PlainHead& head) noexcept {
  head_.size = 0;
  if (head.size > header_bytes_max) return;
  head_ = head;
  std::memcpy(text_.data(), received.data(), head.size);
}

std::optional<PlainAnswer> read_plain_answer(std::string_view received, Exchange& exchange) {
  // Wanted headers are not remembered.
  PlainAnswerMemory* const memory = exchange.wanted_headers.empty() ? exchange.memory : nullptr;
  if (memory != nullptr) {
    if (const PlainHead* const known = memory->recall(received)) {
      return with_body(received, *known, exchange.body_max);
    }
  }
  PlainHead head;
  std::optional<PlainAnswer> answer;
  if (read_head(received, exchange, head)) {
    answer = with_body(received, head, exchange.body_max);
    if (answer && memory != nullptr) memory->keep(received, head);
  }
  if (!answer) exchange.headers.clear();
  return answer;
}

}  // namespace stampede
