#include "harness/protocol/streamed_answer.hpp"

#include <algorithm>

namespace stampede {

namespace {
// An answer that never comes to its point must not occupy the connection for ever.
constexpr unsigned interims_max = 16;
// An incomplete line of a chunk's head, with its extensions.
constexpr std::size_t carry_max = 64 << 10;
}  // namespace

StreamedAnswer::Message::Message(StreamedAnswer& answer) : answer_(answer) {
  eager(true);
  body_limit(boost::none);
}

StreamedAnswer::Progress StreamedAnswer::feed(std::string_view received, std::string& body) {
  body_ = &body;
  const bool carried = !carry_.empty();
  if (carried) carry_.append(received);
  std::string_view rest = carried ? std::string_view(carry_) : received;
  const bool fine = parse(rest);
  body_ = nullptr;
  if (!fine) return Progress::malformed;
  if (carried) {
    carry_.erase(0, carry_.size() - rest.size());
  } else {
    carry_.assign(rest);
  }
  if (carry_.empty()) std::string().swap(carry_);
  if (carry_.size() > carry_max) {
    problem_ = "the head of a chunk is over the limit";
    return Progress::malformed;
  }
  if (message_->is_done()) return Progress::complete;
  return message_->is_header_done() ? Progress::body : Progress::head;
}

// False: malformed. `rest` is what could not be used yet.
bool StreamedAnswer::parse(std::string_view& rest) {
  while (!rest.empty() && !message_->is_done()) {
    boost::beast::error_code error;
    const std::size_t used =
        message_->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    rest.remove_prefix(used);
    if (error == boost::beast::http::error::need_more) break;
    if (error) {
      problem_ = error.message();
      return false;
    }
    const bool interim = message_->is_done() && status_ / 100 == 1;
    if (!interim) continue;
    if (++interims_ > interims_max || status_ == 101) {
      problem_ = "too many interim answers, or one that nobody asked for";
      return false;
    }
    status_ = 0;
    content_type_.clear();
    message_.emplace(*this);
  }
  return true;
}

void StreamedAnswer::Message::on_response_impl(int code, Text, int, Error&) {
  answer_.status_ = static_cast<unsigned>(code);
}

void StreamedAnswer::Message::on_field_impl(boost::beast::http::field name, Text, Text value,
                                            Error&) {
  if (name == boost::beast::http::field::content_type) answer_.content_type_.assign(value);
}

std::size_t StreamedAnswer::Message::on_body_impl(Text body, Error&) {
  // A long error page is of no interest: what is kept of it suits an example.
  answer_.body_->append(body);
  return body.size();
}

std::size_t StreamedAnswer::Message::on_chunk_body_impl(std::uint64_t, Text body, Error& error) {
  return on_body_impl(body, error);
}

bool is_event_stream(std::string_view content_type) noexcept {
  constexpr std::string_view wanted = "text/event-stream";
  if (content_type.size() < wanted.size()) return false;
  const auto same = [](char lower, char c) {
    return (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) == lower;
  };
  if (!std::equal(wanted.begin(), wanted.end(), content_type.begin(), same)) return false;
  const std::string_view rest = content_type.substr(wanted.size());
  return rest.empty() || rest.front() == ';' || rest.front() == ' ' || rest.front() == '\t';
}

}  // namespace stampede
