#include "target/http/content_coding.hpp"

#include <algorithm>

namespace boxoffice {

namespace {

constexpr int weight_max = 1000;

std::string_view trimmed(std::string_view text) noexcept {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, &lower, &lower);
}

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths; -1: malformed.
int thousandths(std::string_view text) noexcept {
  constexpr std::size_t text_max = 5;  // 0.123
  if (text.empty() || text.size() > text_max || (text[0] != '0' && text[0] != '1')) return -1;
  if (text.size() > 1 && text[1] != '.') return -1;
  int weight = text[0] == '1' ? weight_max : 0;
  int place = weight_max / 10;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9') return -1;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= weight_max ? weight : -1;
}

// "gzip;q=0.5": the weight of one member of the list; 1000 without one.
int weight_in(std::string_view parameters) noexcept {
  const std::string_view one = trimmed(parameters);
  if (one.empty()) return weight_max;
  if (one.size() < 2 || lower(one[0]) != 'q' || one[1] != '=') return -1;
  return thousandths(one.substr(2));
}

}  // namespace

int coding_weight(std::string_view accept_encoding, std::string_view coding) noexcept {
  int any = -1;
  while (!accept_encoding.empty()) {
    const std::string_view member = accept_encoding.substr(0, accept_encoding.find(','));
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), member.size() + 1));
    const auto semicolon = member.find(';');
    const std::string_view name = trimmed(member.substr(0, semicolon));
    const bool asked = same(name, coding) || (coding == "gzip" && same(name, "x-gzip"));
    if (!asked && name != "*") continue;
    const int weight =
        semicolon == std::string_view::npos ? weight_max : weight_in(member.substr(semicolon + 1));
    if (asked && weight >= 0) return weight;
    if (!asked) any = weight;
  }
  return any;
}

std::size_t choose_coding(std::string_view accept_encoding,
                          std::span<const std::string_view> offered) noexcept {
  const std::size_t identity = offered.size() - 1;
  std::size_t best = identity;
  // Not spoken of, identity is taken, but after all that is asked for.
  int best_weight = std::max(0, coding_weight(accept_encoding, "identity"));
  for (std::size_t i = identity; i-- > 0;) {
    const int weight = coding_weight(accept_encoding, offered[i]);
    if (weight <= 0 || weight < best_weight) continue;
    best = i;
    best_weight = weight;
  }
  return best;
}

}  // namespace boxoffice
