#include "target/http/response_head.hpp"

#include <array>
#include <utility>

#include "target/http/jwt.hpp"
#include "target/log.hpp"

namespace boxoffice {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::array<std::pair<int, std::string_view>, 27> reasons{{
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

bool is_lower_hex(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  for (const auto& [number, reason] : reasons) {
    if (number == status) return reason;
  }
  return "Status";
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) {
    if (static_cast<unsigned char>(c) >= ' ' && c != 0x7F) out += c;
  }
  out += "\r\n";
}

void append_response(std::string& out, const HttpResponse& response, const ResponseHead& head) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(reason_phrase(response.status)).append("\r\nDate: ").append(head.date);
  out.append("\r\nTrace-Id: ").append(head.trace_id).append("\r\n");
  const bool bodiless =
      response.status == 204 || response.status == 304 || response.stream != nullptr;
  if (response.stream != nullptr) append_field(out, "Content-Type", response.content_type);
  if (!bodiless) {
    if (!response.body.empty()) append_field(out, "Content-Type", response.content_type);
    out.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  }
  for (const auto& [name, value] : response.headers) append_field(out, name, value);
  if (!head.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (head.old_version) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
  if (!bodiless && !head.without_body) out.append(response.body);
}

std::string farewell(const HttpResponse& response, const HttpRequest& request,
                     std::string_view date) {
  ResponseHead head;
  head.trace_id = request.trace_id;
  head.date = date;
  head.keep_alive = false;
  std::string text;
  append_response(text, response, head);
  return text;
}

HttpResponse bare_problem(int status, std::string_view code, std::string_view title,
                          const HttpRequest& request) {
  std::string slug(code);
  for (char& c : slug) c = c == '_' ? '-' : lower(c);
  const std::string text = json_string(title);
  HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.code = code;
  response.body = R"({"type":"/problems/)" + slug + R"(","title":)" + text + R"(,"status":)" +
                  std::to_string(status) + R"(,"detail":)" + text + R"(,"instance":)" +
                  json_string(request.path) + R"(,"code":")" + std::string(code) +
                  R"(","message":)" + text + R"(,"traceId":")" + request.trace_id +
                  R"(","conflicts":[],"retryAfterMs":null})";
  return response;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
    item = item.substr(0, item.find_last_not_of(" \t") + 1);
    if (equal_ignoring_case(item, token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "Bearer ";
  if (!equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  if (authorization.empty()) return std::nullopt;
  return authorization;
}

// "00-" 32 hex "-" 16 hex "-" 2 hex; all zeros mean none. Later versions may go on after that.
std::string trace_id_of(std::string_view traceparent) {
  constexpr std::size_t size = 55;
  if (traceparent.size() < size || !is_lower_hex(traceparent.substr(0, 2))) return {};
  if (traceparent.starts_with("ff")) return {};
  if (traceparent.starts_with("00") && traceparent.size() != size) return {};
  if (traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  const std::string_view id = traceparent.substr(3, 32), parent = traceparent.substr(36, 16);
  if (!is_lower_hex(id) || !is_lower_hex(parent)) return {};
  if (id.find_first_not_of('0') == std::string_view::npos) return {};
  return std::string(id);
}

std::string traceparent_of(std::string_view trace_id) {
  constexpr std::size_t trace_bytes = 16, span_bytes = 8;
  const bool known = trace_id.size() == 2 * trace_bytes && is_lower_hex(trace_id);
  const std::string trace = known ? std::string(trace_id) : random_hex(trace_bytes);
  return "00-" + trace + "-" + random_hex(span_bytes) + "-01";
}

}  // namespace boxoffice
