#include "target/http/api.hpp"

#include <algorithm>
#include <charconv>

#include "target/http/response_head.hpp"
#include "target/log.hpp"

namespace boxoffice {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 16;
}

// "%41" → "A", "+" → " "; a percent sign that begins no byte stays as it is.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) < 16 &&
                        hex_digit(text[i + 2]) < 16;
    if (escape) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

bool HttpRequest::has_header(std::string_view name) const noexcept {
  return std::ranges::any_of(
      headers, [name](const auto& field) { return equal_ignoring_case(field.first, name); });
}

std::optional<std::string> HttpRequest::query_value(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const auto equals = pair.find('=');
    if (percent_decoded(pair.substr(0, equals)) == name) {
      if (equals == std::string_view::npos) return std::string{};
      return percent_decoded(pair.substr(equals + 1));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> HttpRequest::path_id(std::size_t index) const noexcept {
  if (index >= path_parameters.size()) return std::nullopt;
  const std::string_view text = path_parameters[index];
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

HttpResponse json_response(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

HttpResponse event_stream(std::shared_ptr<EventStreamHandler> handler) {
  HttpResponse response;
  response.content_type = "text/event-stream";
  // Proxies must hand on every event at once and keep none.
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("X-Accel-Buffering", "no");
  response.stream = std::move(handler);
  return response;
}

HttpResponse no_content() {
  HttpResponse response;
  response.status = 204;
  return response;
}

// A 503 always says when to come back; who knows it better says so.
constexpr std::int64_t unavailable_retry_ms = 1000;

HttpResponse problem(const No& no, const HttpRequest& request) {
  const RefusalRow& row = row_of(no.refusal);
  const bool unsaid = no.retry_after_ms <= 0 && row.status == 503;
  const std::int64_t retry_after_ms = unsaid ? unavailable_retry_ms : no.retry_after_ms;
  HttpResponse response;
  response.status = row.status;
  response.content_type = "application/problem+json";
  response.code = row.code;
  const std::string title = json_string(row.title);
  std::string& body = response.body;
  body.reserve(512);
  body.append(R"({"type":"/problems/)").append(row.slug);
  body.append(R"(","title":)").append(title);
  body.append(R"(,"status":)").append(std::to_string(row.status));
  body.append(R"(,"detail":)").append(no.detail.empty() ? title : json_string(no.detail));
  body.append(R"(,"instance":)").append(json_string(request.path));
  body.append(R"(,"code":")").append(row.code);
  body.append(R"(","message":)").append(title);
  body.append(R"(,"traceId":")").append(request.trace_id);
  body.append(R"(","conflicts":[)");
  if (no.seat >= 0) {
    body.append(R"({"seatId":)").append(std::to_string(no.seat));
    body.append(R"(,"state":)").append(json_string(no.seat_state)).append("}");
  }
  body.append(R"(],"retryAfterMs":)");
  body.append(retry_after_ms > 0 ? std::to_string(retry_after_ms) : "null");
  if (!no.opens_at.empty()) body.append(R"(,"opensAt":)").append(json_string(no.opens_at));
  if (no.floor > 0) body.append(R"(,"floor":)").append(std::to_string(no.floor));
  body += '}';
  if (retry_after_ms > 0) {
    const std::int64_t seconds = (retry_after_ms + 999) / 1000;
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return response;
}

}  // namespace boxoffice
