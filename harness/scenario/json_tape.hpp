// The places of all values of a JSON text, found in one pass without building anything: what a
// pointer leads to is looked up in them. Strict (RFC 8259, with texts in valid UTF-8) and of
// bounded depth; it may refuse what a library accepts, but must never accept or find anything else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stampede {

// Deeper nesting is not read.
inline constexpr std::size_t json_depth_max = 64;

// A value where it stands.
struct JsonMember {
  enum class Kind : std::uint8_t { null, truth, falsehood, integer, real, text, array, object };
  Kind kind = Kind::null;
  bool escaped = false;  // of a text: it has a backslash
  std::string_view raw;  // as written; of a text: what is between its quotes
};

// Appends what an escaped text means.
void append_unescaped(std::string& out, std::string_view raw);

class JsonTape {
 public:
  // False: not JSON, nested too deeply, or odd (a byte order mark, a NUL, numbers near the limits
  // of a double, 4 GiB), so that somebody else has to decide. `text` must stay.
  [[nodiscard]] bool read(std::string_view text);
  // Where the JSON pointer leads (RFC 6901; its syntax is taken for granted). Of several members
  // with one name it is the last. nullopt: nowhere. After a read() that came out true.
  [[nodiscard]] std::optional<JsonMember> find(std::string_view pointer);
  [[nodiscard]] std::size_t memory() const noexcept { return tokens_.capacity() * sizeof(Token); }

 private:
  using Kind = JsonMember::Kind;
  struct Token {
    std::uint32_t begin, end;  // in the text; without quotes
    std::uint32_t next;        // the token behind this value
    Kind kind;
    bool escaped;
  };
  bool read_value();
  bool read_key();
  bool read_literal(std::string_view word, Kind kind);
  bool read_number();
  bool read_digits();
  bool read_text();
  bool read_escape();
  bool open(Kind kind);
  bool close_or_go_on(bool& closed);
  bool end_values();
  void skip_blanks() noexcept;
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void add(Kind kind, std::size_t begin, std::size_t end, bool escaped = false);
  [[nodiscard]] std::string_view raw(const Token& token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }
  [[nodiscard]] bool is_named(const Token& key, std::string_view reference);
  [[nodiscard]] std::optional<std::uint32_t> find_in(std::uint32_t container,
                                                     std::string_view reference);

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
  std::vector<std::uint32_t> open_;  // containers around at_
  std::string key_;                  // of an escaped one
};

}  // namespace stampede
