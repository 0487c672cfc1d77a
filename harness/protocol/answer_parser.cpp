#include "harness/protocol/answer_parser.hpp"

#include "harness/protocol/request_text.hpp"

namespace stampede {

AnswerParser::AnswerParser(Exchange& exchange) : exchange_(exchange) {
  eager(true);
  body_limit(body_size_max);
  if (exchange.head) skip(true);
}

AnswerParser::Progress AnswerParser::feed(std::string_view received) {
  const bool carried = !exchange_.carry.empty();
  if (carried) exchange_.carry.append(received);
  std::string_view rest = carried ? std::string_view(exchange_.carry) : received;
  while (!rest.empty() && !is_done()) {
    Error error;
    const std::size_t used = put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    rest.remove_prefix(used);
    if (error == boost::beast::http::error::need_more) break;
    if (error) {
      exchange_.problem = error.message();
      return Progress::malformed;
    }
  }
  if (is_done()) {
    left_over_ = rest;
    return Progress::complete;
  }
  if (carried) {
    exchange_.carry.erase(0, exchange_.carry.size() - rest.size());
  } else {
    exchange_.carry.assign(rest);
  }
  return Progress::needs_more;
}

AnswerParser::Progress AnswerParser::end() {
  Error error;
  if (got_some()) put_eof(error);
  if (!error && is_done()) return Progress::complete;
  exchange_.problem =
      got_some() ? "closed before the answer was complete" : "closed without an answer";
  return Progress::malformed;
}

void AnswerParser::on_response_impl(int code, Text, int, Error&) {
  exchange_.status = static_cast<unsigned>(code);
}

void AnswerParser::on_field_impl(boost::beast::http::field name, Text name_text, Text value,
                                 Error&) {
  if (name == boost::beast::http::field::sec_websocket_accept) accept_.assign(value);
  for (const std::string& wanted : exchange_.wanted_headers) {
    if (same_header(wanted, name_text)) exchange_.headers.emplace_back(wanted, value);
  }
}

std::size_t AnswerParser::on_body_impl(Text body, Error& error) {
  if (exchange_.body.size() + body.size() > body_size_max) {
    error = boost::beast::http::error::body_limit;
    return 0;
  }
  exchange_.body.append(body);
  return body.size();
}

std::size_t AnswerParser::on_chunk_body_impl(std::uint64_t, Text body, Error& error) {
  return on_body_impl(body, error);
}

}  // namespace stampede
