// Responses as bytes, and the small readings of request headers that the connection needs. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "target/http/api.hpp"

namespace boxoffice {

struct ResponseHead {
  std::string_view trace_id, date;
  bool keep_alive = true;
  bool old_version = false;   // HTTP/1.0: keeping alive must be said
  bool without_body = false;  // HEAD
};
void append_response(std::string& out, const HttpResponse& response, const ResponseHead& head);
// The last words of a connection of which no request was read.
std::string farewell(const HttpResponse& response, const HttpRequest& request,
                     std::string_view date);
// "Name: value\r\n"; control characters of the value are dropped, so that no value makes a header.
void append_field(std::string& out, std::string_view name, std::string_view value);
std::string_view reason_phrase(int status) noexcept;

// A problem of the transport, which no handler makes and the table of refusals does not know.
HttpResponse bare_problem(int status, std::string_view code, std::string_view title,
                          const HttpRequest& request);

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
bool has_token(std::string_view list, std::string_view token) noexcept;  // "keep-alive, Upgrade"
std::optional<std::string_view> bearer_token(std::string_view authorization) noexcept;
// The trace id of a W3C traceparent; "" if it is none.
std::string trace_id_of(std::string_view traceparent);
// The traceparent of a request that we send: the same trace, a span of its own. What is no trace id
// begins a trace.
std::string traceparent_of(std::string_view trace_id);

}  // namespace boxoffice
