// The text of a request, appended piece by piece to a reused string.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "harness/protocol/wire.hpp"

namespace stampede {

// "GET " + prefix: the path follows, then end_request_line().
inline void begin_request_line(std::string& out, std::string_view method,
                               const ServerAddress& server) {
  out.append(method).append(" ").append(server.path_prefix);
}
inline void end_request_line(std::string& out, const ServerAddress& server) {
  out.append(" HTTP/1.1\r\nHost: ").append(server.host_header).append("\r\n");
}
// Names of headers are compared without case.
inline bool same_header(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&lower](char x, char y) { return lower(x) == lower(y); });
}
// What a rendered path or header value must not contain, by name, or nothing. A value that comes
// from an answer could otherwise end the line it stands in and go on as a request of its own.
inline std::string_view forbidden_in_value(std::string_view value) noexcept {
  for (const char c : value) {
    if (c == '\r' || c == '\n') return "a line break";
    if (c == '\0') return "a NUL";
    if ((static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F')
      return "a control character";
  }
  return {};
}
inline std::string_view forbidden_in_path(std::string_view path) noexcept {
  const std::string_view found = forbidden_in_value(path);
  if (!found.empty()) return found;
  return path.find_first_of(" \t") == std::string_view::npos ? std::string_view{} : "a blank";
}
inline void append_content_length(std::string& out, std::size_t length) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, length).ptr;
  out.append("Content-Length: ").append(digits, end).append("\r\n");
}

}  // namespace stampede
