// Reads one HTTP/1.1 answer whose body never ends (or ends late): the head is checked once, the
// body is handed on as it comes, freed of its chunks. Holds no more than what is incomplete.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace stampede {

class StreamedAnswer {
 public:
  enum class Progress : std::uint8_t { head, body, complete, malformed };

  StreamedAnswer() { message_.emplace(*this); }
  StreamedAnswer(const StreamedAnswer&) = delete;
  StreamedAnswer& operator=(const StreamedAnswer&) = delete;

  // Appends what `received` holds of the body. `head`: the head is not complete yet; `body`: it is,
  // and more may come; `complete`: the server has ended the answer. Interim answers (100, 103, …)
  // are read over.
  Progress feed(std::string_view received, std::string& body);
  [[nodiscard]] unsigned status() const noexcept { return status_; }
  // As sent, with its parameters.
  [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
  // Why it is malformed.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  class Message : public boost::beast::http::basic_parser<false> {
   public:
    explicit Message(StreamedAnswer& answer);

   private:
    using Error = boost::beast::error_code;
    using Text = boost::beast::string_view;
    void on_request_impl(boost::beast::http::verb, Text, Text, int, Error&) override {}
    void on_response_impl(int code, Text, int, Error&) override;
    void on_field_impl(boost::beast::http::field name, Text, Text value, Error&) override;
    void on_header_impl(Error&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, Error&) override {}
    std::size_t on_body_impl(Text body, Error&) override;
    void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error&) override;
    void on_finish_impl(Error&) override {}

    StreamedAnswer& answer_;
  };

  bool parse(std::string_view& rest);

  std::optional<Message> message_;
  std::string carry_;  // received and not yet parsed
  std::string content_type_, problem_;
  std::string* body_ = nullptr;  // during feed()
  unsigned status_ = 0, interims_ = 0;
};

// "text/event-stream", with any parameters and in any case?
bool is_event_stream(std::string_view content_type) noexcept;

}  // namespace stampede
