#include "harness/protocol/answer_parser.hpp"

#include <array>

#include "harness/protocol/answer_extras.hpp"
#include "harness/protocol/plain_answer.hpp"
#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {
// An answer that never comes to its point must not occupy the connection for ever.
constexpr unsigned interims_max = 16;

using Field = boost::beast::http::field;
using HttpError = boost::beast::http::error;

std::string too_long(std::uint64_t body_max) {
  return fmt::format("the answer's body is longer than {} bytes (`body_max`)", body_max);
}

// Counts it, and keeps what of it is wanted.
void keep_body(Exchange& exchange, std::string_view body) {
  exchange.body_bytes += body.size();
  if (exchange.keep_body) {
    exchange.body.append(body);
  } else if (exchange.status >= 400 && exchange.body.size() < body_excerpt_max) {
    exchange.body.append(body.substr(0, body_excerpt_max - exchange.body.size()));
  }
}

bool is_interim(unsigned status) noexcept { return status / 100 == 1 && status != 101; }
}  // namespace

AnswerParser::Message::Message(AnswerParser& parser)
    : exchange_(parser.exchange_), accept_(parser.accept_) {
  eager(true);
  header_limit(static_cast<std::uint32_t>(header_bytes_max));
  body_limit(exchange_.body_max);
  if (exchange_.head) skip(true);
}

AnswerParser::AnswerParser(Exchange& exchange) : exchange_(exchange) {}

bool AnswerParser::skip_interim() {
  if (++interims_ > interims_max) {
    exchange_.problem = "too many interim answers";
    return false;
  }
  exchange_.status = 0;
  exchange_.headers.clear();
  if (exchange_.wants != nullptr) exchange_.wants->forget_answer();
  accept_.clear();
  message_.emplace(*this);
  return true;
}

// False: it is not one, and nothing has happened.
bool AnswerParser::read_plain(std::string_view received) {
  if (exchange_.head || exchange_.wants != nullptr) return false;
  const auto answer = read_plain_answer(received, exchange_);
  if (!answer) return false;
  plain_ = true;
  plain_keep_alive_ = answer->keep_alive;
  left_over_ = answer->left_over;
  exchange_.status = answer->status;
  keep_body(exchange_, answer->body);
  return true;
}

AnswerParser::Progress AnswerParser::feed(std::string_view received) {
  if (!message_) {
    if (read_plain(received)) return Progress::complete;
    message_.emplace(*this);
  }
  const bool carried = !exchange_.carry.empty();
  if (carried) exchange_.carry.append(received);
  std::string_view rest = carried ? std::string_view(exchange_.carry) : received;
  while (!rest.empty() && !message_->is_done()) {
    boost::beast::error_code error;
    const std::size_t used =
        message_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    rest.remove_prefix(used);
    if (error == HttpError::need_more) break;
    if (error) {
      explain(error);
      return Progress::malformed;
    }
    const bool interim = message_->is_done() && is_interim(exchange_.status);
    if (interim && !skip_interim()) return Progress::malformed;
  }
  if (message_->is_done()) {
    left_over_ = rest;
    return Progress::complete;
  }
  // Subtle: the parser bounds a header, but neither the line before a chunk nor the trailers.
  if (rest.size() > header_bytes_max) {
    exchange_.problem = fmt::format("a chunk's header or the trailers are longer than {} KiB",
                                    header_bytes_max >> 10U);
    return Progress::malformed;
  }
  if (carried) {
    exchange_.carry.erase(0, exchange_.carry.size() - rest.size());
  } else {
    exchange_.carry.assign(rest);
  }
  return Progress::needs_more;
}

AnswerParser::Progress AnswerParser::end() {
  const bool some = message_ && message_->got_some();
  boost::beast::error_code error;
  if (some) message_->put_eof(error);
  if (!error && some && message_->is_done()) return Progress::complete;
  if (exchange_.problem.empty())
    exchange_.problem = some ? "closed before the answer was complete" : "closed without an answer";
  return Progress::malformed;
}

void AnswerParser::Message::on_response_impl(int code, Text, int, Error&) {
  exchange_.status = static_cast<unsigned>(code);
}

void AnswerParser::explain(const boost::beast::error_code& error) {
  if (!exchange_.problem.empty()) return;
  if (error == HttpError::body_limit) {
    exchange_.problem = too_long(exchange_.body_max);
  } else if (error == HttpError::header_limit) {
    exchange_.problem =
        fmt::format("the answer's header is longer than {} KiB", header_bytes_max >> 10U);
  } else {
    exchange_.problem = error.message();
  }
}

void AnswerParser::Message::refuse(std::string problem, Error& error) {
  exchange_.problem = std::move(problem);
  error = HttpError::bad_value;
}

void AnswerParser::Message::on_field_impl(Field name, Text name_text, Text value, Error& error) {
  if (++headers_ > header_count_max) {
    refuse(fmt::format("the answer has more than {} header lines", header_count_max), error);
    return;
  }
  if (is_header_done()) return;  // a trailer
  if (name == Field::sec_websocket_accept) accept_.assign(value);
  if (exchange_.wants != nullptr) want(name, value);
  for (const std::string& wanted : exchange_.wanted_headers) {
    if (same_header(wanted, name_text)) exchange_.headers.add(wanted, value);
  }
}

void AnswerParser::Message::want(Field name, Text value) {
  AnswerExtras& extras = *exchange_.wants;
  if (name == Field::location) {
    if (extras.location.empty()) extras.location.assign(value);
  } else if (name == Field::set_cookie) {
    if (extras.cookies) extras.set_cookies.emplace_back(value);
  } else if (name == Field::content_encoding && extras.decode) {
    const auto coding = content_coding_of(value);
    // Several lines are several codings, one upon the other.
    extras.unknown_coding |= !coding || extras.coding != ContentCoding::identity;
    if (coding) extras.coding = *coding;
  }
}

void AnswerParser::Message::on_header_impl(Error&) {
  AnswerExtras* const extras = exchange_.wants;
  if (extras == nullptr || extras->coding == ContentCoding::identity) return;
  decodes_ = true;
  extras->decoder.begin(extras->coding);
  body_limit(boost::none);  // what counts is the decoded length
}

std::size_t AnswerParser::Message::on_body_impl(Text body, Error& error) {
  if (exchange_.wants != nullptr && exchange_.wants->unknown_coding) {
    refuse("the body has a Content-Encoding that was not asked for", error);
    return 0;
  }
  const bool taken = decodes_ ? decode(body, error) : take(body, error);
  return taken ? body.size() : 0;
}

bool AnswerParser::Message::take(std::string_view body, Error& error) {
  if (exchange_.body_bytes + body.size() > exchange_.body_max) {
    exchange_.body_bytes += body.size();
    error = HttpError::body_limit;
    return false;
  }
  keep_body(exchange_, body);
  return true;
}

bool AnswerParser::Message::decode(std::string_view body, Error& error) {
  std::array<char, std::size_t{16} << 10U> room;
  ContentDecoder& decoder = exchange_.wants->decoder;
  decoder.feed(body);
  while (true) {
    const ContentDecoder::Piece piece = decoder.next(room);
    if (!piece.problem.empty()) {
      refuse(std::string(piece.problem), error);
      return false;
    }
    if (piece.size == 0) return true;
    if (!take(std::string_view(room.data(), piece.size), error)) return false;
  }
}

void AnswerParser::Message::on_finish_impl(Error& error) {
  if (!decodes_ || exchange_.wants->decoder.whole()) return;
  refuse("the coded body ends in the middle", error);
}

std::size_t AnswerParser::Message::on_chunk_body_impl(std::uint64_t, Text body, Error& error) {
  return on_body_impl(body, error);
}

}  // namespace stampede
