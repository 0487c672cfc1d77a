// HdrHistogram's public wire form, version 2: what the tools of HdrHistogram, wrk2, jHiccup and
// others read and write. Bytes in, bytes out; files are hdr_log's.
//
//   compressed  = cookie 0x1c849314, length of the rest, zlib stream of `plain`
//   plain       = cookie 0x1c849313, length of the counts in bytes, normalizing index offset,
//                 significant digits (all 32 bit), lowest discernible value, highest trackable
//                 value (64 bit), value ratio (double), counts; numbers are big-endian
//   counts      = a number per bucket up to the last one in use, each ZigZag LEB128 in at most 9
//                 bytes; a negative number −n (n ≥ 2) stands for n empty buckets
//
// Origin: HdrHistogram/HdrHistogram, AbstractHistogram.java (encodeIntoByteBuffer) and
// ZigZagEncoding.java; BSD-2 or CC0.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/histogram.hpp"

namespace stampede {

inline constexpr std::size_t hdr_counts_bytes_max = std::size_t{8} << 20;      // of one histogram
inline constexpr std::size_t hdr_compressed_bytes_max = std::size_t{8} << 20;  // likewise

// What is wrong with the input, as a sentence for people.
struct HdrProblem {
  std::string text;
};
template <class T>
using HdrRead = boost::system::result<T, HdrProblem>;

// Where a value goes. The default is that of our own Histogram.
struct HdrLayout {
  int significant_digits = 3;                                   // 0 … 5
  std::int64_t lowest_discernible = 1;                          // ≥ 1
  std::int64_t highest_trackable = Histogram::highest.count();  // ≥ 2 × lowest_discernible
  // Carried along, of no meaning here.
  std::int32_t normalizing_index_offset = 0;
  double value_ratio = 1.0;

  // "" or why no histogram can be laid out so. All that follows needs a layout that is fine.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] std::uint32_t index_of(std::int64_t value) const noexcept;  // 0 ≤ value
  [[nodiscard]] std::int64_t lowest_in(std::uint32_t index) const noexcept;
  [[nodiscard]] std::int64_t highest_in(std::uint32_t index) const noexcept;
  [[nodiscard]] std::uint32_t bucket_count() const noexcept;  // indices are below it
  bool operator==(const HdrLayout&) const = default;
};

// A histogram in any layout, only the buckets in use: what foreign files hold. Figures are bucket
// edges, as HdrHistogram gives them.
class HdrHistogram {
 public:
  struct Bucket {
    std::uint32_t index = 0;
    std::uint64_t count = 0;  // > 0
    bool operator==(const Bucket&) const = default;
  };

  HdrHistogram() = default;
  explicit HdrHistogram(const Histogram& histogram);
  // `buckets` in ascending order of index, below layout.bucket_count().
  HdrHistogram(HdrLayout layout, std::vector<Bucket> buckets);

  // False, and nothing added, when the layouts differ.
  [[nodiscard]] bool add(const HdrHistogram& other);
  [[nodiscard]] std::uint64_t count() const noexcept { return total_; }
  // Highest value of the bucket that holds the percentile (0 … 100); nullopt: empty.
  [[nodiscard]] std::optional<std::int64_t> percentile(double percent) const;
  [[nodiscard]] std::optional<std::int64_t> max() const;  // highest value of the last bucket
  [[nodiscard]] const HdrLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] const std::vector<Bucket>& buckets() const noexcept { return buckets_; }
  // In our own form. From our own layout the same counts in the same buckets; from another each
  // bucket at its lowest value, as HdrHistogram adds histograms of different layouts (then its
  // figures are those of the public tools). Values are taken as nanoseconds.
  [[nodiscard]] Histogram own() const;
  bool operator==(const HdrHistogram&) const = default;

 private:
  HdrLayout layout_;
  std::vector<Bucket> buckets_;
  std::uint64_t total_ = 0;
};

std::string encode_hdr(const HdrHistogram& histogram);
HdrRead<HdrHistogram> decode_hdr(std::string_view bytes);
// With zlib's best compression, as the Java log writer: the bytes are then the same, too.
std::string encode_hdr_compressed(const HdrHistogram& histogram);
HdrRead<HdrHistogram> decode_hdr_compressed(std::string_view bytes);

// RFC 4648, with padding and without line breaks. Strict: nullopt for anything else.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace stampede
