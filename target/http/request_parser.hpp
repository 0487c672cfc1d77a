// HTTP/1.x request bytes to an HttpRequest whose views point into the caller's buffer. No
// allocation but for chunked bodies and headers beyond those seen before. Limits are this file's
// business.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <string>
#include <string_view>

#include "target/http/api.hpp"

namespace boxoffice {

inline constexpr std::uint32_t header_bytes_max = 8 * 1024;
inline constexpr std::size_t body_bytes_max = 16 * 1024;
inline constexpr std::size_t uri_bytes_max = 2 * 1024;
inline constexpr std::size_t headers_max = 64;

// Why a request was not understood; each has one answer.
enum class BadRequest : std::uint8_t {
  none,
  malformed,
  uri_too_long,
  header_too_large,
  body_too_large,
  unknown_coding,
  bad_version
};

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  RequestParser(HttpRequest& request, std::string& chunked_body);

  // Gives `bytes` on; how many were consumed. After `header_done()` of a chunked body the caller
  // may move what is left to another place, before that nothing may move.
  std::size_t feed(std::string_view bytes);

  [[nodiscard]] BadRequest bad() const noexcept { return bad_; }
  [[nodiscard]] bool header_done() { return is_header_done(); }
  [[nodiscard]] bool done() { return bad_ == BadRequest::none && is_done(); }
  [[nodiscard]] bool is_chunked() { return chunked(); }
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] bool keeps_alive() { return keep_alive(); }
  [[nodiscard]] bool old_version() const noexcept { return version_ < 11; }

 private:
  using Error = boost::beast::error_code;
  using View = boost::beast::string_view;
  void on_request_impl(boost::beast::http::verb, View method, View target, int version,
                       Error& error) override;
  void on_response_impl(int, View, int, Error&) override {}
  void on_field_impl(boost::beast::http::field field, View name, View value, Error& error) override;
  void on_header_impl(Error& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(View body, Error&) override;
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View body, Error&) override;
  void on_finish_impl(Error&) override;
  void refuse(BadRequest why, Error& error);

  HttpRequest& request_;
  std::string& chunked_body_;
  std::string_view fed_;
  BadRequest bad_ = BadRequest::none;
  int version_ = 11;
  bool expects_continue_ = false;
  bool has_host_ = false;
};

}  // namespace boxoffice
