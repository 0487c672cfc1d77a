#include "harness/protocol/content_decoder.hpp"

#include <zlib.h>

#include <array>

#include "harness/protocol/request_text.hpp"

namespace stampede {

namespace {

constexpr int gzip_window = 15 + 16;
constexpr int zlib_window = 15;
constexpr int raw_window = -15;

std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "deflate" is the zlib format, but some servers leave its two bytes of header out (RFC 9110
// §8.4.1.2). They give themselves away: method 8, and a multiple of 31 (RFC 1950 §2.2).
bool has_zlib_header(std::string_view bytes) noexcept {
  const auto first = static_cast<unsigned char>(bytes[0]);
  if ((first & 0x0FU) != 8) return false;
  if (bytes.size() < 2) return true;
  return (first * 256U + static_cast<unsigned char>(bytes[1])) % 31U == 0;
}

}  // namespace

std::optional<ContentCoding> content_coding_of(std::string_view value) noexcept {
  constexpr std::array<std::pair<std::string_view, ContentCoding>, 5> known{
      {{"", ContentCoding::identity},
       {"identity", ContentCoding::identity},
       {"gzip", ContentCoding::gzip},
       {"x-gzip", ContentCoding::gzip},
       {"deflate", ContentCoding::deflate}}};
  value = trim(value);
  for (const auto& [name, coding] : known) {
    if (same_header(name, value)) return coding;
  }
  return std::nullopt;
}

void ContentDecoder::Free::operator()(z_stream_s* stream) const noexcept {
  (void)inflateEnd(stream);
  delete stream;
}

ContentDecoder::ContentDecoder() = default;
ContentDecoder::~ContentDecoder() = default;
ContentDecoder::ContentDecoder(ContentDecoder&&) noexcept = default;
ContentDecoder& ContentDecoder::operator=(ContentDecoder&&) noexcept = default;

void ContentDecoder::begin(ContentCoding coding) {
  coding_ = coding;
  coded_ = decoded_ = 0;
  rest_ = {};
  begun_ = ended_ = more_ = false;
}

bool ContentDecoder::open(int window_bits) {
  if (stream_) return inflateReset2(stream_.get(), window_bits) == Z_OK;
  auto fresh = std::make_unique<z_stream>();
  if (inflateInit2(fresh.get(), window_bits) != Z_OK) return false;
  stream_.reset(fresh.release());
  return true;
}

bool ContentDecoder::start() {
  begun_ = true;
  ended_ = false;
  if (coding_ == ContentCoding::gzip) return open(gzip_window);
  return open(has_zlib_header(rest_) ? zlib_window : raw_window);
}

ContentDecoder::Piece ContentDecoder::next(std::span<char> room) {
  constexpr std::string_view broken = "the coded body is damaged";
  while (!rest_.empty() || more_) {
    // Several gzip members in a row are one body (RFC 1952 §2.2).
    if (ended_ && coding_ != ContentCoding::gzip) return {0, "bytes after the coded body's end"};
    if ((!begun_ || ended_) && !start()) return {0, broken};
    stream_->next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(rest_.data()));
    stream_->avail_in = static_cast<unsigned>(rest_.size());
    stream_->next_out = reinterpret_cast<unsigned char*>(room.data());
    stream_->avail_out = static_cast<unsigned>(room.size());
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    const std::size_t size = room.size() - stream_->avail_out;
    const std::size_t used = rest_.size() - stream_->avail_in;
    rest_.remove_prefix(used);
    coded_ += used;
    decoded_ += size;
    ended_ = result == Z_STREAM_END;
    // A full room may hide what is still to come out.
    more_ = stream_->avail_out == 0 && !ended_;
    const bool stuck = size == 0 && used == 0 && !ended_ && !rest_.empty();
    if (stuck || (!ended_ && result != Z_OK && result != Z_BUF_ERROR)) return {0, broken};
    if (decoded_ > ratio_free_bytes && decoded_ > coded_ * ratio_max) {
      return {0, "the coded body unpacks to more than 200 times its size"};
    }
    if (size > 0) return {size, {}};
  }
  return {};
}

}  // namespace stampede
