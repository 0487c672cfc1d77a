#include "harness/measure/hdr_encoding.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <new>

namespace stampede {

namespace {

constexpr std::uint32_t cookie_plain = 0x1c849313;
constexpr std::uint32_t cookie_compressed = 0x1c849314;
constexpr std::size_t plain_header_bytes = 40;
constexpr std::size_t compressed_header_bytes = 8;
constexpr int leb_bytes_max = 9;  // the ninth byte has 8 bits of the number, so all 64 fit
constexpr int digits_max = 5;

// --- layout -------------------------------------------------------------------------------------

int bits_of(std::uint64_t number) { return static_cast<int>(std::bit_width(number)); }

int unit_magnitude(const HdrLayout& layout) {
  return bits_of(static_cast<std::uint64_t>(layout.lowest_discernible)) - 1;
}
// log2 of half the sub-buckets: what is needed to tell 2·10^digits steps apart.
int half_magnitude(const HdrLayout& layout) {
  std::uint64_t steps = 2;
  for (int i = 0; i < layout.significant_digits; ++i) steps *= 10;
  return std::max(bits_of(steps - 1), 1) - 1;
}

// --- numbers ------------------------------------------------------------------------------------

template <class T>
void put_big_endian(std::string& out, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(number >> shift)));
  }
}
std::uint64_t get_big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

void put_leb(std::string& out, std::int64_t number) {
  auto left = static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
  for (int i = 1; i < leb_bytes_max && left > 0x7f; ++i) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(left | 0x80)));
    left >>= 7;
  }
  out.push_back(static_cast<char>(static_cast<unsigned char>(left)));
}

// nullopt: the bytes end within the number.
std::optional<std::int64_t> get_leb(std::string_view bytes, std::size_t& at) {
  std::uint64_t number = 0;
  for (int i = 0; i < leb_bytes_max; ++i) {
    if (at >= bytes.size()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    const bool last = i + 1 == leb_bytes_max || byte < 0x80;
    number |= std::uint64_t{i + 1 == leb_bytes_max ? byte : byte & 0x7fU} << (7 * i);
    if (last) break;
  }
  return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
}

std::string cookie_problem(std::uint32_t cookie) {
  const std::uint32_t base = cookie & ~0xf0U;
  if (base == 0x1c849301 || base == 0x1c849302 || base == 0x1c849308 || base == 0x1c849309) {
    return "it is in version 0 or 1 of the encoding: only version 2 is read";
  }
  return "it is no HdrHistogram in version 2 of the encoding (another cookie)";
}

HdrRead<std::vector<HdrHistogram::Bucket>> read_counts(std::string_view counts,
                                                       const HdrLayout& layout) {
  std::vector<HdrHistogram::Bucket> buckets;
  const std::uint64_t index_max = layout.bucket_count();
  std::uint64_t index = 0;
  std::uint64_t total = 0;
  for (std::size_t at = 0; at < counts.size();) {
    const auto number = get_leb(counts, at);
    if (!number) return HdrProblem{"its last count is cut off"};
    const std::uint64_t skipped =
        *number < 0 ? 0 - static_cast<std::uint64_t>(*number) : std::uint64_t{1};
    if (skipped > index_max - index)
      return HdrProblem{"it has more counts than its range has buckets"};
    if (*number > 0) {
      const auto count = static_cast<std::uint64_t>(*number);
      if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) - total) {
        return HdrProblem{"its counts add up to more than 64 bits hold"};
      }
      total += count;
      buckets.push_back({static_cast<std::uint32_t>(index), count});
    }
    index += skipped;
  }
  return buckets;
}

struct Plain {
  std::string bytes;
};

HdrRead<Plain> inflate_all(std::string_view bytes, std::size_t bytes_max) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::array<char, 16384> part{};
  int state = Z_OK;
  while (state == Z_OK && out.size() <= bytes_max) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(part.data(), part.size() - stream.avail_out);
  }
  const bool rest = stream.avail_in > 0;
  inflateEnd(&stream);
  if (out.size() > bytes_max) return HdrProblem{"it is larger than 8 MiB when it is unpacked"};
  if (state != Z_STREAM_END) return HdrProblem{"its compressed part is damaged or cut off"};
  if (rest) return HdrProblem{"bytes follow its end"};
  return Plain{std::move(out)};
}

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string HdrLayout::problem() const {
  if (significant_digits < 0 || significant_digits > digits_max) {
    return "its number of significant digits is not within 0 … 5";
  }
  if (lowest_discernible < 1) return "its lowest discernible value is below 1";
  if (highest_trackable / 2 < lowest_discernible) {
    return "its highest trackable value is below twice the lowest discernible one";
  }
  if (unit_magnitude(*this) + half_magnitude(*this) > 61) {
    return "its lowest discernible value leaves no room for its significant digits";
  }
  if (!std::isfinite(value_ratio) || value_ratio <= 0)
    return "its value ratio is no number above 0";
  return {};
}

std::uint32_t HdrLayout::index_of(std::int64_t value) const noexcept {
  const int unit = unit_magnitude(*this), half = half_magnitude(*this);
  const std::uint64_t mask = ((std::uint64_t{2} << half) - 1) << unit;
  const auto number = static_cast<std::uint64_t>(value);
  const int row = bits_of(number | mask) - (unit + half + 1);
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(row) << half) +
                                    (number >> (row + unit)));
}

std::int64_t HdrLayout::lowest_in(std::uint32_t index) const noexcept {
  const int unit = unit_magnitude(*this), half = half_magnitude(*this);
  const std::uint32_t row = index >> half;
  const std::uint32_t shift = row == 0 ? 0 : row - 1;
  return static_cast<std::int64_t>(std::uint64_t{index - (shift << half)}
                                   << (shift + static_cast<std::uint32_t>(unit)));
}

std::int64_t HdrLayout::highest_in(std::uint32_t index) const noexcept {
  const int unit = unit_magnitude(*this), half = half_magnitude(*this);
  const std::uint32_t row = index >> half;
  const int shift = (row == 0 ? 0 : static_cast<int>(row) - 1) + unit;
  // Unsigned: the last bucket of the widest layout ends with the type.
  const std::uint64_t next =
      static_cast<std::uint64_t>(lowest_in(index)) + (std::uint64_t{1} << shift);
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(next - 1, std::numeric_limits<std::int64_t>::max()));
}

std::uint32_t HdrLayout::bucket_count() const noexcept {
  // Whole rows, as many as reach the highest trackable value.
  const int half = half_magnitude(*this);
  return std::max(((index_of(highest_trackable) >> half) + 1) << half, 2U << half);
}

HdrHistogram::HdrHistogram(const Histogram& histogram) {
  histogram.each_bucket([this](std::uint32_t index, std::uint64_t count) {
    buckets_.push_back({index, count});
  });
  total_ = histogram.count();
}

HdrHistogram::HdrHistogram(HdrLayout layout, std::vector<Bucket> buckets)
    : layout_(layout), buckets_(std::move(buckets)) {
  for (const Bucket& bucket : buckets_) total_ += bucket.count;
}

bool HdrHistogram::add(const HdrHistogram& other) {
  if (other.layout_ != layout_) return false;
  std::vector<Bucket> merged;
  merged.reserve(buckets_.size() + other.buckets_.size());
  auto mine = buckets_.cbegin();
  for (const Bucket& theirs : other.buckets_) {
    while (mine != buckets_.cend() && mine->index < theirs.index) merged.push_back(*mine++);
    merged.push_back(theirs);
    if (mine != buckets_.cend() && mine->index == theirs.index) {
      merged.back().count += (mine++)->count;
    }
  }
  merged.insert(merged.end(), mine, buckets_.cend());
  buckets_ = std::move(merged);
  total_ += other.total_;
  return true;
}

std::optional<std::int64_t> HdrHistogram::percentile(double percent) const {
  if (total_ == 0) return std::nullopt;
  const double asked = std::clamp(std::nextafter(percent, -1.0), 0.0, 100.0);
  const double exact = std::ceil(asked / 100 * static_cast<double>(total_));
  const auto rank = std::max<std::uint64_t>(static_cast<std::uint64_t>(exact), 1);
  std::uint64_t seen = 0;
  for (const Bucket& bucket : buckets_) {
    seen += bucket.count;
    if (seen >= rank) return layout_.highest_in(bucket.index);
  }
  return max();
}

std::optional<std::int64_t> HdrHistogram::max() const {
  if (total_ == 0) return std::nullopt;
  return layout_.highest_in(buckets_.back().index);
}

Histogram HdrHistogram::own() const {
  const HdrLayout ours;
  const bool same = layout_.significant_digits == ours.significant_digits &&
                    layout_.lowest_discernible == ours.lowest_discernible;
  Histogram out;
  for (const Bucket& bucket : buckets_) {
    const std::int64_t value =
        same ? std::min(layout_.highest_in(bucket.index),
                        std::max(layout_.lowest_in(bucket.index), Histogram::highest.count()))
             : layout_.lowest_in(bucket.index);
    out.record(Nanos{value}, bucket.count);
  }
  return out;
}

std::string encode_hdr(const HdrHistogram& histogram) {
  std::string counts;
  std::uint32_t next = 0;
  for (const HdrHistogram::Bucket& bucket : histogram.buckets()) {
    const std::uint32_t gap = bucket.index - next;
    // Subtle: a single empty bucket is a 0 and not a −1.
    if (gap > 0) put_leb(counts, gap == 1 ? 0 : -std::int64_t{gap});
    put_leb(counts, static_cast<std::int64_t>(bucket.count));
    next = bucket.index + 1;
  }
  if (counts.empty()) put_leb(counts, 0);  // the bucket of the value 0 is always written
  const HdrLayout& layout = histogram.layout();
  std::string out;
  out.reserve(plain_header_bytes + counts.size());
  put_big_endian(out, cookie_plain);
  put_big_endian(out, static_cast<std::uint32_t>(counts.size()));
  put_big_endian(out, static_cast<std::uint32_t>(layout.normalizing_index_offset));
  put_big_endian(out, static_cast<std::uint32_t>(layout.significant_digits));
  put_big_endian(out, static_cast<std::uint64_t>(layout.lowest_discernible));
  put_big_endian(out, static_cast<std::uint64_t>(layout.highest_trackable));
  put_big_endian(out, std::bit_cast<std::uint64_t>(layout.value_ratio));
  return out + counts;
}

HdrRead<HdrHistogram> decode_hdr(std::string_view bytes) {
  if (bytes.size() < plain_header_bytes)
    return HdrProblem{"it is shorter than the header of a histogram"};
  const auto cookie = static_cast<std::uint32_t>(get_big_endian(bytes, 0, 4));
  if (cookie != cookie_plain) return HdrProblem{cookie_problem(cookie)};
  const std::string_view counts = bytes.substr(plain_header_bytes);
  if (get_big_endian(bytes, 4, 4) != counts.size()) {
    return HdrProblem{"the length in its header is not that of its counts"};
  }
  if (counts.size() > hdr_counts_bytes_max) return HdrProblem{"its counts are larger than 8 MiB"};
  HdrLayout layout;
  layout.normalizing_index_offset = static_cast<std::int32_t>(get_big_endian(bytes, 8, 4));
  layout.significant_digits = static_cast<std::int32_t>(get_big_endian(bytes, 12, 4));
  layout.lowest_discernible = static_cast<std::int64_t>(get_big_endian(bytes, 16, 8));
  layout.highest_trackable = static_cast<std::int64_t>(get_big_endian(bytes, 24, 8));
  layout.value_ratio = std::bit_cast<double>(get_big_endian(bytes, 32, 8));
  if (std::string problem = layout.problem(); !problem.empty()) {
    return HdrProblem{std::move(problem)};
  }
  auto buckets = read_counts(counts, layout);
  if (buckets.has_error()) return buckets.error();
  return HdrHistogram(layout, std::move(*buckets));
}

std::string encode_hdr_compressed(const HdrHistogram& histogram) {
  const std::string plain = encode_hdr(histogram);
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(plain.data()), static_cast<uLong>(plain.size()),
                Z_BEST_COMPRESSION) != Z_OK) {
    throw std::bad_alloc();
  }
  packed.resize(size);
  std::string out;
  put_big_endian(out, cookie_compressed);
  put_big_endian(out, static_cast<std::uint32_t>(packed.size()));
  return out + packed;
}

HdrRead<HdrHistogram> decode_hdr_compressed(std::string_view bytes) {
  if (bytes.size() < compressed_header_bytes) {
    return HdrProblem{"it is shorter than the header of a compressed histogram"};
  }
  const auto cookie = static_cast<std::uint32_t>(get_big_endian(bytes, 0, 4));
  if (cookie != cookie_compressed) return HdrProblem{cookie_problem(cookie)};
  const std::string_view packed = bytes.substr(compressed_header_bytes);
  if (get_big_endian(bytes, 4, 4) != packed.size()) {
    return HdrProblem{"the length in its header is not that of its compressed part"};
  }
  if (packed.size() > hdr_compressed_bytes_max)
    return HdrProblem{"its compressed part is over 8 MiB"};
  const auto plain = inflate_all(packed, plain_header_bytes + hdr_counts_bytes_max);
  if (plain.has_error()) return plain.error();
  return decode_hdr(plain->bytes);
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out.push_back(i <= have ? base64_digits[group >> (18 - 6 * i) & 63] : '=');
    }
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const bool last = at + 4 == text.size();
    const std::size_t padding = !last || text[at + 3] != '=' ? 0 : (text[at + 2] == '=' ? 2 : 1);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t digit = i + padding >= 4 ? 0 : base64_digits.find(text[at + i]);
      if (digit == std::string_view::npos) return std::nullopt;
      group = group << 6 | static_cast<std::uint32_t>(digit);
    }
    // Bits that fall away must be zero: else two texts would mean the same bytes.
    if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0)) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < 3 - padding; ++i) {
      out.push_back(static_cast<char>(static_cast<unsigned char>(group >> (16 - 8 * i))));
    }
  }
  return out;
}

}  // namespace stampede
