// Parses one HTTP/1.1 answer into an Exchange, keeping only what somebody wants: the status, the
// body (bounded, decoded if asked) and the named headers. Trailers are read over.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "harness/protocol/wire.hpp"

namespace stampede {

class AnswerParser {
 public:
  explicit AnswerParser(Exchange& exchange);

  enum class Progress : std::uint8_t { needs_more, complete, malformed };
  // Feeds what was received. Unparsed bytes are kept in exchange.carry until more comes;
  // `left_over` is what follows a complete answer and is valid as long as `received` and the
  // exchange are. Interim answers (100, 102, 103, …) are read over; 101 is final.
  Progress feed(std::string_view received);
  // The peer has closed. An answer that ends with the connection is complete then.
  Progress end();
  [[nodiscard]] bool keep_alive() const {
    return plain_ ? plain_keep_alive_ : message_->keep_alive();
  }
  [[nodiscard]] std::string_view left_over() const noexcept { return left_over_; }
  // Sec-WebSocket-Accept, or empty.
  [[nodiscard]] const std::string& websocket_accept() const noexcept { return accept_; }

 private:
  // One message of the answer, interim or final.
  class Message : public boost::beast::http::basic_parser<false> {
   public:
    explicit Message(AnswerParser& parser);

   private:
    using Error = boost::beast::error_code;
    using Text = boost::beast::string_view;
    void on_request_impl(boost::beast::http::verb, Text, Text, int, Error&) override {}
    void on_response_impl(int code, Text, int, Error&) override;
    void on_field_impl(boost::beast::http::field name, Text name_text, Text value, Error&) override;
    void on_header_impl(Error&) override;
    void on_body_init_impl(boost::optional<std::uint64_t> const&, Error&) override {}
    std::size_t on_body_impl(Text body, Error&) override;
    void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error&) override;
    void on_finish_impl(Error&) override;

    void want(boost::beast::http::field name, Text value);
    bool take(std::string_view body, Error& error);
    bool decode(std::string_view body, Error& error);
    // Ends the parsing with a problem of our own words.
    void refuse(std::string problem, Error& error);

    Exchange& exchange_;
    std::string& accept_;
    std::size_t headers_ = 0;
    bool decodes_ = false;
  };

  bool read_plain(std::string_view received);
  bool skip_interim();  // false: too many of them
  void explain(const boost::beast::error_code& error);

  Exchange& exchange_;
  std::optional<Message> message_;  // once something came that is not a plain answer
  std::string_view left_over_;
  std::string accept_;
  unsigned interims_ = 0;
  bool plain_ = false, plain_keep_alive_ = false;  // read without a message_
};

}  // namespace stampede
