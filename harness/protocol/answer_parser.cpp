#include "harness/protocol/answer_parser.hpp"

#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {
// An answer that never comes to its point must not occupy the connection for ever.
constexpr unsigned interims_max = 16;

bool is_interim(unsigned status) noexcept { return status / 100 == 1 && status != 101; }
}  // namespace

AnswerParser::Message::Message(AnswerParser& parser)
    : exchange_(parser.exchange_), accept_(parser.accept_) {
  eager(true);
  body_limit(body_size_max);
  if (exchange_.head) skip(true);
}

AnswerParser::AnswerParser(Exchange& exchange) : exchange_(exchange) { message_.emplace(*this); }

bool AnswerParser::skip_interim() {
  if (++interims_ > interims_max) {
    exchange_.problem = "too many interim answers";
    return false;
  }
  exchange_.status = 0;
  exchange_.headers.clear();
  accept_.clear();
  message_.emplace(*this);
  return true;
}

AnswerParser::Progress AnswerParser::feed(std::string_view received) {
  const bool carried = !exchange_.carry.empty();
  if (carried) exchange_.carry.append(received);
  std::string_view rest = carried ? std::string_view(exchange_.carry) : received;
  while (!rest.empty() && !message_->is_done()) {
    boost::beast::error_code error;
    const std::size_t used =
        message_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    rest.remove_prefix(used);
    if (error == boost::beast::http::error::need_more) break;
    if (error) {
      exchange_.problem = error.message();
      return Progress::malformed;
    }
    const bool interim = message_->is_done() && is_interim(exchange_.status);
    if (interim && !skip_interim()) return Progress::malformed;
  }
  if (message_->is_done()) {
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
  const bool some = message_->got_some();
  boost::beast::error_code error;
  if (some) message_->put_eof(error);
  if (!error && message_->is_done()) return Progress::complete;
  exchange_.problem = some ? "closed before the answer was complete" : "closed without an answer";
  return Progress::malformed;
}

void AnswerParser::Message::on_response_impl(int code, Text, int, Error&) {
  exchange_.status = static_cast<unsigned>(code);
}

void AnswerParser::Message::on_field_impl(boost::beast::http::field name, Text name_text,
                                          Text value, Error&) {
  if (name == boost::beast::http::field::sec_websocket_accept) accept_.assign(value);
  for (const std::string& wanted : exchange_.wanted_headers) {
    if (same_header(wanted, name_text)) exchange_.headers.emplace_back(wanted, value);
  }
}

std::size_t AnswerParser::Message::on_body_impl(Text body, Error& error) {
  if (exchange_.body.size() + body.size() > body_size_max) {
    error = boost::beast::http::error::body_limit;
    return 0;
  }
  exchange_.body.append(body);
  return body.size();
}

std::size_t AnswerParser::Message::on_chunk_body_impl(std::uint64_t, Text body, Error& error) {
  return on_body_impl(body, error);
}

}  // namespace stampede
