#include "harness/protocol/event_stream_parser.hpp"

#include <charconv>

namespace stampede {

namespace {
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// Ten thousand streams that rest must not each keep the room of a large event.
constexpr std::size_t kept_bytes_max = 1024;

// Subtle: assigning an empty string would keep the capacity.
void keep_little(std::string& text) {
  if (text.empty() && text.capacity() > kept_bytes_max) std::string{}.swap(text);
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}
}  // namespace

// False: the line is not complete yet.
bool EventStreamParser::take_line(std::string_view& line) {
  if (after_cr_ && !input_.empty()) {
    if (input_.front() == '\n') input_.remove_prefix(1);
    after_cr_ = false;
  }
  const std::size_t end = input_.find_first_of("\r\n");
  if (end == std::string_view::npos) {
    partial_.append(input_);
    input_ = {};
    return false;
  }
  line = input_.substr(0, end);
  if (!partial_.empty()) {
    partial_.append(line);
    line_.swap(partial_);
    partial_.clear();
    line = line_;
  }
  after_cr_ = input_[end] == '\r';
  input_.remove_prefix(end + 1);
  if (first_line_ && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
  first_line_ = false;
  return true;
}

EventStreamParser::Step EventStreamParser::next() {
  std::string_view line;
  while (take_line(line)) {
    if (line.size() > event_size_max_) return Step::too_big;
    if (use_line(line)) return Step::event;
    if (name_.size() + data_.size() > event_size_max_ + 1) return Step::too_big;
  }
  // What may be a byte order mark, whole or not, is no part of the line.
  const std::string_view begin = std::string_view(partial_).substr(0, byte_order_mark.size());
  const std::size_t mark = first_line_ && byte_order_mark.starts_with(begin) ? begin.size() : 0;
  if (partial_.size() - mark > event_size_max_) return Step::too_big;
  rest();
  return Step::needs_more;
}

// The event that was handed out is over.
void EventStreamParser::rest() {
  done_data_.clear();
  line_.clear();
  for (std::string* text : {&done_data_, &line_, &data_, &partial_}) keep_little(*text);
}

bool EventStreamParser::use_line(std::string_view line) {
  if (line.empty()) return dispatch();
  const std::size_t colon = line.find(':');
  if (colon == 0) return false;  // a comment
  std::string_view value;
  if (colon != std::string_view::npos) {
    value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
  }
  use_field(line.substr(0, colon), value);
  return false;
}

void EventStreamParser::use_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_.append(value).push_back('\n');
  } else if (name == "event") {
    name_.assign(value);
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_.assign(value);
  } else if (name == "retry" && all_digits(value)) {
    std::int64_t millis = 0;
    const auto error = std::from_chars(value.data(), value.data() + value.size(), millis).ec;
    const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(retry_max).count();
    const bool fits = error == std::errc{} && millis < most;
    retry_ = fits ? Nanos{std::chrono::milliseconds{millis}} : retry_max;
  }
}

bool EventStreamParser::dispatch() {
  last_id_ = id_;
  if (data_.empty()) {
    name_.clear();
    return false;
  }
  data_.pop_back();
  done_data_.swap(data_);
  done_name_.swap(name_);
  data_.clear();
  name_.clear();
  event_.name = done_name_.empty() ? std::string_view("message") : std::string_view(done_name_);
  event_.data = done_data_;
  event_.id = last_id_;
  return true;
}

void EventStreamParser::restart() {
  input_ = {};
  partial_.clear();
  name_.clear();
  data_.clear();
  id_ = last_id_;
  first_line_ = true;
  after_cr_ = false;
}

}  // namespace stampede
