#include "target/http/request_parser.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

namespace boxoffice {

namespace http = boost::beast::http;

RequestParser::RequestParser(HttpRequest& request, std::string& chunked_body)
    : request_(request), chunked_body_(chunked_body) {
  eager(true);
  header_limit(header_bytes_max);
  body_limit(body_bytes_max);
  request_.headers.clear();
  request_.path_parameters.clear();
  request_.body = {};
  request_.caller.reset();
  chunked_body_.clear();
}

std::size_t RequestParser::feed(std::string_view bytes) {
  fed_ = bytes;
  Error error;
  const std::size_t used = put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (!error || error == http::error::need_more || bad_ != BadRequest::none) return used;
  if (error == http::error::header_limit) {
    // Subtle: the parser stops at the limit without a target when the request line alone is as
    // long.
    bad_ = bytes.find("\r\n") > uri_bytes_max ? BadRequest::uri_too_long
                                              : BadRequest::header_too_large;
  } else if (error == http::error::body_limit) {
    bad_ = BadRequest::body_too_large;
  } else if (error == http::error::bad_version) {
    bad_ = BadRequest::bad_version;
  } else {
    bad_ = BadRequest::malformed;
  }
  return used;
}

void RequestParser::refuse(BadRequest why, Error& error) {
  bad_ = why;
  error = http::error::bad_value;
}

void RequestParser::on_request_impl(http::verb, View method, View target, int version,
                                    Error& error) {
  version_ = version;
  request_.method = method;
  // "http://host/path", as a proxy is asked: the host is not looked at.
  if (target.starts_with("http://")) {
    const auto slash = target.find('/', 7);
    target = slash == View::npos ? View("/") : target.substr(slash);
  }
  if (target.size() > uri_bytes_max) return refuse(BadRequest::uri_too_long, error);
  if (!target.starts_with('/')) return refuse(BadRequest::malformed, error);
  const auto mark = target.find('?');
  request_.path = target.substr(0, mark);
  request_.query = mark == View::npos ? View{} : target.substr(mark + 1);
}

void RequestParser::on_field_impl(http::field field, View name, View value, Error& error) {
  if (is_header_done()) return;  // a trailer: nobody asked for it
  // A folded value lies in the parser's own memory, which is gone soon; folding is obsolete.
  const bool folded =
      !value.empty() && (value.data() < fed_.data() || value.data() >= fed_.data() + fed_.size());
  if (folded) return refuse(BadRequest::malformed, error);
  if (request_.headers.size() >= headers_max) return refuse(BadRequest::header_too_large, error);
  request_.headers.emplace_back(name, value);
  switch (field) {
    case http::field::host:
      // Two hosts are how one request is smuggled past a proxy as another.
      if (has_host_) return refuse(BadRequest::malformed, error);
      has_host_ = true;
      break;
    case http::field::transfer_encoding:
      // The parser takes "gzip, x" as no body at all, so that the body would be the next request.
      if (!boost::beast::iequals(value, "chunked")) {
        return refuse(BadRequest::unknown_coding, error);
      }
      break;
    case http::field::expect:
      expects_continue_ = boost::beast::iequals(value, "100-continue");
      break;
    default:
      break;
  }
}

void RequestParser::on_header_impl(Error& error) {
  if (version_ >= 11 && !has_host_) refuse(BadRequest::malformed, error);
}

// Subtle: the pieces of a body with a length lie one after the other in the caller's buffer, so the
// first one's begin and the last one's end are the body.
std::size_t RequestParser::on_body_impl(View body, Error&) {
  request_.body = request_.body.empty()
                      ? std::string_view(body)
                      : std::string_view(request_.body.data(), request_.body.size() + body.size());
  return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, View body, Error&) {
  chunked_body_.append(body);
  return body.size();
}

void RequestParser::on_finish_impl(Error&) {
  if (chunked()) request_.body = chunked_body_;
}

}  // namespace boxoffice
