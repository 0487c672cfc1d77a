// Undoes the content coding of a body (RFC 9110 §8.4.1): gzip, and deflate in both of its readings.
// Works piece by piece and is bounded: what a few bytes blow up to is watched here, the length of
// the result by the caller.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

struct z_stream_s;

namespace stampede {

enum class ContentCoding : std::uint8_t { identity, gzip, deflate };

// The value of Content-Encoding; nullopt: a coding that is not known, or several.
std::optional<ContentCoding> content_coding_of(std::string_view value) noexcept;

class ContentDecoder {
 public:
  // More than this many bytes out of one is a bomb, once so many have come out: what deflate
  // reaches on plain repetition is about 1,030.
  static constexpr std::uint64_t ratio_max = 200;
  static constexpr std::uint64_t ratio_free_bytes = std::uint64_t{4} << 20U;

  ContentDecoder();
  ~ContentDecoder();
  ContentDecoder(ContentDecoder&&) noexcept;
  ContentDecoder& operator=(ContentDecoder&&) noexcept;

  // A new body. The memory of the last one is used again.
  void begin(ContentCoding coding);
  // Hands over coded bytes; then call next() until it yields nothing, and only then let go of them.
  void feed(std::string_view coded) noexcept { rest_ = coded; }
  struct Piece {
    std::size_t size = 0;      // written into the room; 0: all bytes are used
    std::string_view problem;  // why this is no such body; then it is over
  };
  Piece next(std::span<char> room);
  // Is what was fed so far whole? Nothing at all is.
  [[nodiscard]] bool whole() const noexcept { return !begun_ || ended_; }

 private:
  struct Free {
    void operator()(z_stream_s* stream) const noexcept;
  };
  bool open(int window_bits);
  bool start();

  std::unique_ptr<z_stream_s, Free> stream_;
  std::string_view rest_;
  std::uint64_t coded_ = 0, decoded_ = 0;
  ContentCoding coding_ = ContentCoding::identity;
  bool begun_ = false, ended_ = false, more_ = false;
};

}  // namespace stampede
