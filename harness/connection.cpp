#include "harness/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace stampede {

namespace {

constexpr const char* url_hint =
    "http://host:port[/prefix], https://host[:port][/prefix] or unix:/path/of/socket[:/prefix]; an "
    "IPv6 address stands in brackets";
constexpr const char* range_hint = "127.0.0.2, 127.0.0.2-127.0.0.20 or 10.1.0.0/24";

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};
};

std::optional<Address> parse_address(std::string_view text) {
  const std::string whole(text);
  Address address;
  if (inet_pton(AF_INET, whole.c_str(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, whole.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The last eight bytes as a number; what stands before them must be equal in a range.
std::uint64_t low_part(const Address& address) {
  const std::size_t size = address.v6 ? 16 : 4, from = address.v6 ? 8 : 0;
  std::uint64_t value = 0;
  for (std::size_t i = from; i < size; ++i) value = value << 8 | address.bytes[i];
  return value;
}
void set_low_part(Address& address, std::uint64_t value) {
  const std::size_t size = address.v6 ? 16 : 4, from = address.v6 ? 8 : 0;
  for (std::size_t i = size; i > from; --i, value >>= 8) {
    address.bytes[i - 1] = static_cast<std::uint8_t>(value & 0xFF);
  }
}

TextError no_address(std::string_view text) {
  return {fmt::format("\"{}\" is no IP address", text), range_hint};
}
TextError too_many() {
  return {fmt::format("more than {} addresses", source_addresses_max), range_hint};
}

ParsedText<AddressRange> parse_network(std::string_view text, std::size_t slash) {
  auto address = parse_address(text.substr(0, slash));
  if (!address) return no_address(text.substr(0, slash));
  const unsigned bits = address->v6 ? 128 : 32;
  const auto prefix = parse_number<unsigned>(text.substr(slash + 1));
  if (!prefix || *prefix > bits) {
    return TextError{fmt::format("\"{}\" is no length of a prefix", text.substr(slash + 1)),
                     fmt::format("0 to {}", bits)};
  }
  const unsigned free = bits - *prefix;
  if (free > 16) return too_many();
  const std::uint64_t size = std::uint64_t{1} << free;
  std::uint64_t first = low_part(*address) & ~(size - 1), count = size;
  if (!address->v6 && free >= 2) {
    ++first;
    count -= 2;
  }
  set_low_part(*address, first);
  return AddressRange{address->v6, address->bytes, static_cast<std::uint32_t>(count)};
}

TextError bad_url(std::string message) { return {std::move(message), url_hint}; }

void take_prefix(std::string_view text, TargetUrl& url) {
  url.path_prefix = text;
  while (url.path_prefix.ends_with('/')) url.path_prefix.pop_back();
}

ParsedText<TargetUrl> parse_unix_url(std::string_view rest) {
  TargetUrl url;
  const std::size_t colon = rest.find(':');
  url.socket_path = rest.substr(0, colon);
  if (!url.socket_path.starts_with('/')) {
    return bad_url("the path of a Unix-domain socket must start with a slash");
  }
  if (url.socket_path.size() > socket_path_max) {
    return bad_url(fmt::format("the path of a Unix-domain socket has {} bytes, at most {}",
                               url.socket_path.size(), socket_path_max));
  }
  if (colon != std::string_view::npos) {
    const std::string_view prefix = rest.substr(colon + 1);
    if (!prefix.starts_with('/')) return bad_url("a prefix must start with a slash");
    take_prefix(prefix, url);
  }
  return url;
}

// Host and port of "host", "host:port", "[v6]", "[v6]:port". nullopt: fine.
std::optional<std::string> take_authority(std::string_view text, TargetUrl& url) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return "there is no ] after the IPv6 address";
    const auto address = parse_address(text.substr(1, end - 1));
    if (!address || !address->v6) {
      return fmt::format("\"{}\" is no IPv6 address", text.substr(1, end - 1));
    }
    url.host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return "only a port may follow the ]";
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.rfind(':')) return "an IPv6 address must stand in brackets";
    url.host = text.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
  }
  if (url.host.empty()) return "there is no host";
  const auto odd = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7F || c == '<' || c == '>' || c == '"' ||
           c == '\\';
  };
  if (std::ranges::any_of(url.host, odd)) return "the host has a character that no name has";
  if (!has_port) return std::nullopt;
  const auto number = parse_number<unsigned>(port);
  if (!number || *number == 0 || *number > 65535) return fmt::format("\"{}\" is no port", port);
  url.port = static_cast<std::uint16_t>(*number);
  return std::nullopt;
}

}  // namespace

ParsedText<AddressRange> parse_address_range(std::string_view text) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    return parse_network(text, slash);
  }
  const std::size_t dash = text.find('-');
  const auto first = parse_address(text.substr(0, dash));
  if (!first) return no_address(text.substr(0, dash));
  AddressRange range{first->v6, first->bytes, 1};
  if (dash == std::string_view::npos) return range;
  const auto last = parse_address(text.substr(dash + 1));
  if (!last) return no_address(text.substr(dash + 1));
  if (last->v6 != first->v6) return TextError{"a range of two kinds of address", range_hint};
  const bool same =
      !first->v6 || std::equal(first->bytes.begin(), first->bytes.begin() + 8, last->bytes.begin());
  const std::uint64_t from = low_part(*first), to = low_part(*last);
  if (same && to < from) return TextError{"the range ends before it begins", range_hint};
  if (!same || to - from >= source_addresses_max) return too_many();
  range.count = static_cast<std::uint32_t>(to - from + 1);
  return range;
}

ParsedText<TargetUrl> parse_target_url(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix_url(text.substr(5));
  TargetUrl url;
  std::string_view rest;
  if (text.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    rest = text.substr(8);
  } else if (text.starts_with("http://")) {
    rest = text.substr(7);
  } else {
    const std::size_t end = text.find("://");
    if (end == std::string_view::npos) return bad_url("there is no scheme");
    return bad_url(fmt::format("the scheme \"{}\" is not spoken here", text.substr(0, end)));
  }
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    return bad_url("a user or password does not belong into the URL, which reports repeat");
  }
  if (const auto problem = take_authority(authority, url)) return bad_url(*problem);
  const std::string_view path = rest.substr(authority.size());
  if (path.find_first_of("?#") != std::string_view::npos) {
    return bad_url("a query or fragment does not belong here: the steps' paths are appended");
  }
  const auto odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; };
  if (std::ranges::any_of(path, odd))
    return bad_url("the prefix has a blank or a control character");
  take_prefix(path, url);
  return url;
}

std::string authority_of(const TargetUrl& url) {
  if (!url.socket_path.empty()) return "localhost";
  const bool bracket = url.host.find(':') != std::string::npos;
  std::string text = bracket ? "[" + url.host + "]" : url.host;
  if (url.port != (url.tls ? 443 : 80)) text += fmt::format(":{}", url.port);
  return text;
}

std::string to_text(const TargetUrl& url) {
  if (!url.socket_path.empty()) {
    return "unix:" + url.socket_path + (url.path_prefix.empty() ? "" : ":" + url.path_prefix);
  }
  return fmt::format("http{}://{}{}", url.tls ? "s" : "", authority_of(url), url.path_prefix);
}

}  // namespace stampede
