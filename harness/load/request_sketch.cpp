#include "harness/load/request_sketch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {

// RFC 9110 §9.2.2.
bool is_repeatable(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

bool tells_length(const HttpStep& http) {
  return http.body || http.body_file || http.method == "POST" || http.method == "PUT" ||
         http.method == "PATCH";
}

}  // namespace

RequestSketch::RequestSketch(const HttpStep& http, const ServerAddress& server)
    : http_(&http), repeatable_(is_repeatable(http.method)), head_(http.method == "HEAD") {
  add_path(server);
  add_headers();
  add_body(server);
}

void RequestSketch::open_gap(Kind kind, const Template* text, const std::string* name) {
  gaps_.push_back({kind, std::move(rest_), text, name});
  rest_.clear();
}

// Subtle: a constant text that has no place in its line stays a gap, whose filling says so.
void RequestSketch::add_path(const ServerAddress& server) {
  begin_request_line(rest_, http_->method, server);
  const std::string constant = http_->path.constant_text();
  if (http_->path.is_constant() && forbidden_in_path(constant).empty()) {
    rest_ += constant;
  } else {
    open_gap(Kind::path, &http_->path);
  }
  end_request_line(rest_, server);
}

void RequestSketch::add_headers() {
  for (const auto& [name, value] : http_->headers) {
    rest_.append(name).append(": ");
    const std::string constant = value.constant_text();
    if (value.is_constant() && forbidden_in_value(constant).empty()) {
      rest_ += constant;
    } else {
      open_gap(Kind::header, &value, &name);
    }
    rest_ += "\r\n";
  }
  if (http_->extras && http_->extras->send_cookies) open_gap(Kind::cookies, nullptr);
}

void RequestSketch::add_body(const ServerAddress& server) {
  const auto is_content_type = [](const Header& header) {
    return same_header(header.first, "content-type");
  };
  if (http_->body && std::ranges::none_of(http_->headers, is_content_type)) {
    rest_ += "Content-Type: application/json\r\n";
  }
  if (server.max_requests == 1) rest_ += "Connection: close\r\n";
  if (http_->body && !http_->body->is_constant()) {
    open_gap(Kind::body, &*http_->body);
  } else {
    append_body(http_->body ? http_->body->constant_text() : std::string(), rest_);
  }
}

void RequestSketch::append_body(std::string_view body, std::string& out) const {
  const std::string_view file = http_->body_file ? std::string_view(*http_->body_file) : "";
  if (tells_length(*http_)) append_content_length(out, body.size() + file.size());
  out.append("\r\n").append(body).append(file);
}

bool RequestSketch::fill(const Gap& gap, const Variables& variables, Random& random,
                         HttpSession* cookies, Exchange& exchange) const {
  std::string& out = exchange.request;
  if (gap.kind == Kind::cookies) {
    if (cookies != nullptr) cookies->append_cookies(out);
    return true;
  }
  if (gap.kind == Kind::body) {
    std::string& body = exchange.body;  // not yet needed for the answer
    gap.text->render(variables, random, body);
    append_body(body, out);
    body.clear();
    return true;
  }
  const std::size_t begin = out.size();
  gap.text->render(variables, random, out);
  const std::string_view value = std::string_view(out).substr(begin);
  const bool path = gap.kind == Kind::path;
  const std::string_view found = path ? forbidden_in_path(value) : forbidden_in_value(value);
  if (found.empty()) return true;
  exchange.problem =
      path ? fmt::format("not sent: {} in the path", found)
           : fmt::format("not sent: {} in the value of the header {}", found, *gap.name);
  return false;
}

bool RequestSketch::write(const Variables& variables, Random& random, HttpSession* cookies,
                          Exchange& exchange) const {
  for (const Gap& gap : gaps_) {
    exchange.request += gap.before;
    if (!fill(gap, variables, random, cookies, exchange)) return false;
  }
  exchange.request += rest_;
  exchange.keep_body = http_->keep_body;
  exchange.body_max = http_->body_max;
  exchange.head = head_;
  exchange.repeatable = repeatable_;
  exchange.wanted_headers = http_->wanted_headers;
  return true;
}

}  // namespace stampede
