#include "harness/protocol/redirect.hpp"

#include <algorithm>
#include <array>

#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {

constexpr std::string_view digits16 = "0123456789ABCDEF";

bool belongs_in_url(char c) noexcept {
  constexpr std::string_view never = "\"<>\\^`{|}";
  return c > ' ' && c < '\x7F' && never.find(c) == std::string_view::npos;
}

void append_encoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (belongs_in_url(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits16[byte >> 4U];
      out += digits16[byte & 15U];
    }
  }
}

// RFC 3986 §5.2.4, for a path that starts with a slash.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    const bool last = end == path.size();
    path.remove_prefix(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.resize(std::min(out.rfind('/'), out.size()));
      if (last) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? "/" : out;
}

bool is_scheme_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '-' || c == '.';
}

// "http" of "http://…", empty when there is none.
std::string_view scheme_of(std::string_view reference) noexcept {
  const std::size_t colon = reference.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view scheme = reference.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(), is_scheme_char) ? scheme : std::string_view{};
}

bool same_endpoint(std::string_view authority, bool tls, const Origin& origin) {
  if (tls != origin.tls) return false;
  const std::string wanted = normal_authority(authority, tls);
  return wanted == normal_authority(origin.authority, tls) ||
         (!origin.connected.empty() && wanted == normal_authority(origin.connected, tls));
}

// "/a/b?q" and "c?r" → "/a/c?r", without the fragment.
std::string merge(std::string_view reference, std::string_view base_target) {
  const std::string_view base_path = base_target.substr(0, base_target.find('?'));
  if (reference.empty()) return std::string(base_target);
  const std::size_t question = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, question);
  const std::string_view query = reference.substr(question);
  std::string whole;
  if (path.empty()) {
    whole = base_path;
  } else if (path.starts_with('/')) {
    whole = without_dots(path);
  } else {
    const std::size_t folder = base_path.rfind('/');
    std::string joined(folder == std::string_view::npos ? "/" : base_path.substr(0, folder + 1));
    whole = without_dots(joined.append(path));
  }
  return whole.append(query);
}

}  // namespace

bool is_redirect(unsigned status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.rfind(':'));
}

std::string normal_authority(std::string_view authority, bool tls) {
  const std::size_t at = authority.rfind('@');
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  std::string out(authority);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  const std::size_t colon = out.rfind(':');
  const bool port = colon != std::string::npos && out.find(']', colon) == std::string::npos;
  if (port && colon + 1 < out.size()) return out;
  if (port) out.pop_back();
  return out.append(tls ? ":443" : ":80");
}

Resolved resolve_location(std::string_view location, std::string_view base_target,
                          const Origin& origin, bool any_host) {
  if (location.size() > location_bytes_max) return {{}, "redirected to an endless Location"};
  std::string_view reference = location.substr(0, location.find('#'));
  bool tls = origin.tls;
  const std::string_view scheme = scheme_of(reference);
  if (!scheme.empty()) {
    tls = same_header(scheme, "https");
    if (!tls && !same_header(scheme, "http")) {
      return {{}, "redirected to no HTTP address: " + std::string(location)};
    }
    reference.remove_prefix(scheme.size() + 1);
    if (!reference.starts_with("//")) {
      return {{}, "redirected to no HTTP address: " + std::string(location)};
    }
  }
  std::string encoded;
  if (!reference.starts_with("//")) {
    append_encoded(encoded, merge(reference, base_target));
    return {std::move(encoded), {}};
  }
  reference.remove_prefix(2);
  const std::size_t end = std::min(reference.find_first_of("/?"), reference.size());
  const std::string_view authority = reference.substr(0, end);
  if (!any_host && !same_endpoint(authority, tls, origin)) {
    return {{},
            "redirected to another host: " + std::string(location) + " (this run drives " +
                std::string(origin.authority) +
                "; `redirects: {any_host: true}` asks it all the same)"};
  }
  reference.remove_prefix(end);
  std::string path(reference.starts_with('/') ? "" : "/");
  append_encoded(encoded, merge(path.append(reference), "/"));
  return {std::move(encoded), {}};
}

RequestParts parts_of(std::string_view request) noexcept {
  RequestParts parts;
  const std::size_t line = std::min(request.find("\r\n"), request.size());
  const std::string_view first = request.substr(0, line);
  const std::size_t blank = std::min(first.find(' '), first.size());
  parts.method = first.substr(0, blank);
  parts.target = first.substr(std::min(blank + 1, first.size()));
  parts.target = parts.target.substr(0, parts.target.rfind(' '));
  std::string_view rest = request.substr(std::min(line + 2, request.size()));
  // Subtle: without headers the empty line follows at once.
  if (rest.starts_with("\r\n")) {
    parts.body = rest.substr(2);
    return parts;
  }
  const std::size_t end = std::min(rest.find("\r\n\r\n"), rest.size());
  parts.headers = rest.substr(0, std::min(end + 2, rest.size()));
  parts.body = rest.substr(std::min(end + 4, rest.size()));
  return parts;
}

NextRequest next_request(const RequestParts& last, unsigned status, std::string_view target,
                         bool drop_cookies) {
  constexpr std::array<std::string_view, 6> about_body{"content-type",     "content-length",
                                                       "content-encoding", "content-language",
                                                       "content-location", "transfer-encoding"};
  NextRequest next;
  const bool to_get = status != 307 && status != 308 && last.method != "HEAD";
  next.without_body = status != 307 && status != 308;
  next.head.append(to_get ? "GET" : last.method).append(" ").append(target);
  next.head.append(" HTTP/1.1\r\n");
  std::string_view rest = last.headers;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    const std::string_view name = line.substr(0, line.find(':'));
    if (drop_cookies && same_header(name, "cookie")) continue;
    const bool describes = std::any_of(about_body.begin(), about_body.end(),
                                       [name](auto known) { return same_header(known, name); });
    if (next.without_body && describes) continue;
    next.head.append(line).append("\r\n");
  }
  return next;
}

}  // namespace stampede
