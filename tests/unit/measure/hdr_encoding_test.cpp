// Goal: the wire form is the public one, to the byte, and no input breaks the reader. Method: a
// line of a public log; a second decoder, written here from the format's description and sharing
// no code; values that go through the form and come back; damaged and hostile bytes.
#include "harness/measure/hdr_encoding.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <limits>
#include <map>
#include <random>

namespace stampede {
namespace {

// The first interval of jHiccup-2.0.7S.logV2.hlog (HdrHistogram/HdrHistogram, CC0).
constexpr std::string_view public_histogram =
    "HISTFAAAAEV42pNpmSzMwMCgyAABTBDKT4GBgdnNYMcCBvsPEBEJISEuATEZMQ4uASkhIR4nrxg9v2lMaxhvMekILGZk"
    "KmcCAEf2CsI=";

// The second decoder: value of each bucket's lowest edge → count. Throws on anything odd.
struct Decoded {
  std::uint32_t digits = 0, payload = 0;
  std::uint64_t lowest = 0, highest = 0;
  double ratio = 0;
  std::map<std::uint64_t, std::uint64_t> counts;
};

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (const char c : bytes.substr(at, size)) number = number * 256 + static_cast<std::uint8_t>(c);
  return number;
}

std::string unpacked(const std::string& bytes) {
  if (number_at(bytes, 0, 4) != 0x1c849314) throw std::runtime_error("cookie");
  if (number_at(bytes, 4, 4) != bytes.size() - 8) throw std::runtime_error("length");
  std::string plain(1 << 20, '\0');
  uLongf size = plain.size();
  if (uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                 reinterpret_cast<const Bytef*>(bytes.data() + 8), bytes.size() - 8) != Z_OK) {
    throw std::runtime_error("zlib");
  }
  return plain.substr(0, size);
}

Decoded second_decoder(const std::string& plain) {
  Decoded out;
  if (number_at(plain, 0, 4) != 0x1c849313) throw std::runtime_error("cookie");
  out.payload = static_cast<std::uint32_t>(number_at(plain, 4, 4));
  out.digits = static_cast<std::uint32_t>(number_at(plain, 12, 4));
  out.lowest = number_at(plain, 16, 8);
  out.highest = number_at(plain, 24, 8);
  const std::uint64_t bits = number_at(plain, 32, 8);
  std::memcpy(&out.ratio, &bits, sizeof bits);
  unsigned unit = 0, sub = 0;
  while ((std::uint64_t{2} << unit) <= out.lowest) ++unit;
  const auto steps = static_cast<std::uint64_t>(2 * std::pow(10, out.digits));
  while ((std::uint64_t{1} << sub) < steps) ++sub;
  const std::uint64_t half = std::uint64_t{1} << (sub - 1);
  std::uint64_t index = 0;
  for (std::size_t at = 40; at < plain.size();) {
    std::uint64_t zigzag = 0;
    for (unsigned byte_number = 0;; ++byte_number) {
      const auto byte = static_cast<std::uint8_t>(plain.at(at++));
      if (byte_number == 8) {
        zigzag += std::uint64_t{byte} << 56;
        break;
      }
      zigzag += std::uint64_t{byte % 128U} << (7 * byte_number);
      if (byte < 128) break;
    }
    if (zigzag % 2 == 1) {
      index += (zigzag + 1) / 2;
      continue;
    }
    // Bucket and sub-bucket, as the Java class names them.
    const auto bucket = static_cast<std::int64_t>(index / half) - 1;
    const std::uint64_t sub_bucket = bucket < 0 ? index : index % half + half;
    const std::uint64_t value = sub_bucket
                                << (unit + static_cast<unsigned>(bucket < 0 ? 0 : bucket));
    if (zigzag > 0) out.counts[value] = zigzag / 2;
    ++index;
  }
  return out;
}

std::map<std::uint64_t, std::uint64_t> counts_of(const HdrHistogram& histogram) {
  std::map<std::uint64_t, std::uint64_t> counts;
  for (const HdrHistogram::Bucket& bucket : histogram.buckets()) {
    counts[static_cast<std::uint64_t>(histogram.layout().lowest_in(bucket.index))] = bucket.count;
  }
  return counts;
}

Histogram random_histogram(std::mt19937_64& random, int count) {
  std::lognormal_distribution<double> shape(14, 4);
  Histogram histogram;
  for (int i = 0; i < count; ++i) {
    const double value = std::min(shape(random), 3.6e12);
    histogram.record(Nanos{static_cast<std::int64_t>(value)}, 1 + random() % 1000);
  }
  return histogram;
}

TEST(HdrEncoding, APublicHistogramIsReadAndWrittenToTheByte) {
  const auto bytes = from_base64(public_histogram);
  ASSERT_TRUE(bytes);
  const auto histogram = decode_hdr_compressed(*bytes);
  ASSERT_TRUE(histogram.has_value()) << histogram.error().text;
  EXPECT_EQ(histogram->layout().significant_digits, 2);
  EXPECT_EQ(histogram->layout().lowest_discernible, 20000);
  EXPECT_EQ(histogram->layout().highest_trackable, 3'600'000'000'000);
  EXPECT_EQ(encode_hdr(*histogram), unpacked(*bytes));
  EXPECT_EQ(counts_of(*histogram), second_decoder(unpacked(*bytes)).counts);
  // Also the compressed bytes: this needs zlib itself and its best level.
  EXPECT_EQ(to_base64(encode_hdr_compressed(*histogram)), public_histogram);
}

TEST(HdrEncoding, OurLayoutIsHdrHistogramsForAnHourAndThreeDigits) {
  const HdrLayout layout;
  EXPECT_EQ(layout.problem(), "");
  EXPECT_EQ(layout.bucket_count(), 33U * 1024);
  for (const std::int64_t value : {0L, 1L, 2047L, 2048L, 4097L, 1'000'000L, 3'600'000'000'000L}) {
    Histogram one;
    one.record(Nanos{value});
    const HdrHistogram wire(one);
    ASSERT_EQ(wire.buckets().size(), 1U);
    EXPECT_EQ(wire.buckets()[0].index, layout.index_of(value));
    EXPECT_EQ(layout.lowest_in(wire.buckets()[0].index), one.at_rank_low(1)->count());
    EXPECT_EQ(layout.highest_in(wire.buckets()[0].index), one.at_rank(1)->count());
  }
}

// Property: what was recorded comes back from the wire with equal counts, for us and for a decoder
// that we share nothing with.
TEST(HdrEncoding, ValuesComeBackWithEqualCounts) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    const Histogram histogram = random_histogram(random, static_cast<int>(random() % 400));
    const HdrHistogram wire(histogram);
    const std::string bytes = encode_hdr_compressed(wire);
    const auto back = decode_hdr_compressed(bytes);
    ASSERT_TRUE(back.has_value()) << back.error().text;
    ASSERT_EQ(*back, wire) << "seed " << seed;
    const Decoded second = second_decoder(unpacked(bytes));
    ASSERT_EQ(second.counts, counts_of(wire)) << "seed " << seed;
    ASSERT_EQ(second.digits, 3U);
    ASSERT_EQ(second.lowest, 1U);
    ASSERT_EQ(second.highest, 3'600'000'000'000U);
    ASSERT_EQ(HdrHistogram(back->own()), wire) << "seed " << seed;
    for (const double q : {0.5, 0.95, 0.999}) {
      if (histogram.empty()) continue;
      EXPECT_EQ(std::min(back->percentile(q * 100).value(), histogram.max()->count()),
                histogram.quantile(q)->count());
    }
  }
}

TEST(HdrEncoding, AnEmptyHistogramIsOneCountOfZero) {
  const std::string bytes = encode_hdr(HdrHistogram{});
  EXPECT_EQ(bytes.size(), 41U);
  EXPECT_EQ(bytes.back(), '\0');
  const auto back = decode_hdr(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->count(), 0U);
  EXPECT_FALSE(back->percentile(50));
  EXPECT_FALSE(back->max());
}

TEST(HdrEncoding, CountsOfEverySizeComeBack) {
  std::vector<HdrHistogram::Bucket> buckets;
  for (unsigned bits = 0; bits < 61; ++bits) {
    buckets.push_back(
        {bits * (bits < 30 ? 1 : 7), (std::uint64_t{1} << bits) - (bits > 0 ? 1 : 0)});
  }
  const HdrHistogram histogram({}, buckets);
  const auto back = decode_hdr(encode_hdr(histogram));
  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_EQ(back->buckets(), buckets);
}

TEST(HdrEncoding, EveryLayoutKeepsValuesInTheirBuckets) {
  std::mt19937_64 random(3);
  for (int digits = 0; digits <= 5; ++digits) {
    for (const std::int64_t lowest : {1L, 7L, 1000L, 20000L}) {
      const HdrLayout layout{digits, lowest, std::numeric_limits<std::int64_t>::max(), 0, 1};
      ASSERT_EQ(layout.problem(), "");
      for (int i = 0; i < 200; ++i) {
        const auto value = static_cast<std::int64_t>(random() >> (1 + random() % 62));
        const std::uint32_t index = layout.index_of(value);
        ASSERT_LT(index, layout.bucket_count());
        ASSERT_LE(layout.lowest_in(index), value) << digits << " " << lowest;
        ASSERT_GE(layout.highest_in(index), value) << digits << " " << lowest;
      }
    }
  }
}

TEST(HdrEncoding, MergingAddsCountsAndRefusesAnotherLayout) {
  std::mt19937_64 random(9);
  Histogram a = random_histogram(random, 200);
  const Histogram b = random_histogram(random, 300);
  HdrHistogram wire(a);
  ASSERT_TRUE(wire.add(HdrHistogram(b)));
  a += b;
  EXPECT_EQ(wire, HdrHistogram(a));
  EXPECT_FALSE(wire.add(HdrHistogram({2, 1, 1000, 0, 1}, {})));
  EXPECT_EQ(wire, HdrHistogram(a));
}

std::string with(std::string bytes, std::size_t at, std::string_view other) {
  return bytes.replace(at, other.size(), other);
}

TEST(HdrEncoding, EveryDamageIsNamed) {
  Histogram histogram;
  histogram.record(Nanos{5000}, 3);
  const std::string good = encode_hdr(HdrHistogram(histogram));
  const auto why = [](const std::string& bytes) {
    const auto read = decode_hdr(bytes);
    return read.has_value() ? std::string("read") : read.error().text;
  };
  EXPECT_EQ(why(good), "read");
  EXPECT_NE(why("").find("shorter"), std::string::npos);
  EXPECT_NE(why(with(good, 3, "\x01")).find("version 0 or 1"), std::string::npos);
  EXPECT_NE(why(with(good, 0, "X")).find("cookie"), std::string::npos);
  EXPECT_NE(why(good + "x").find("length"), std::string::npos);
  EXPECT_NE(why(with(good, 15, "\x09")).find("digits"), std::string::npos);
  EXPECT_NE(why(with(good, 16, "\xff")).find("lowest"), std::string::npos);
  EXPECT_NE(why(with(good, 24, "\xff")).find("highest"), std::string::npos);
  EXPECT_NE(why(with(good, 32, "\xff")).find("ratio"), std::string::npos);
  EXPECT_NE(why(with(good, good.size() - 1, "\xff")).find("cut off"), std::string::npos);
}

TEST(HdrEncoding, MoreCountsThanBucketsAreRefused) {
  const std::string head = encode_hdr(HdrHistogram{}).substr(0, 40);
  const auto with_counts = [&head](const std::string& counts) {
    std::string bytes = head;
    bytes[7] = static_cast<char>(counts.size());
    return decode_hdr(bytes + counts);
  };
  // −(2^62): skips more than any layout has.
  const auto skip = with_counts(std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x02", 10));
  ASSERT_TRUE(skip.has_error());
  EXPECT_NE(skip.error().text.find("more counts"), std::string::npos);
  // Two counts of 2^62.
  const std::string half("\x80\x80\x80\x80\x80\x80\x80\x80\x80", 9);
  const auto sum = with_counts(half + half);
  ASSERT_TRUE(sum.has_error());
  EXPECT_NE(sum.error().text.find("64 bits"), std::string::npos);
}

TEST(HdrEncoding, APackedBombIsRefused) {
  const std::string zeros(64U << 20, '\0');
  uLongf size = compressBound(zeros.size());
  std::string packed(size, '\0');
  ASSERT_EQ(compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                      reinterpret_cast<const Bytef*>(zeros.data()), zeros.size(), 9),
            Z_OK);
  packed.resize(size);
  std::string bytes("\x1c\x84\x93\x14", 4);
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(packed.size() >> shift));
  }
  const auto read = decode_hdr_compressed(bytes + packed);
  ASSERT_TRUE(read.has_error());
  EXPECT_NE(read.error().text.find("8 MiB"), std::string::npos);
}

// Whatever the bytes are, the reader comes back: with a histogram that encodes again, or a reason.
TEST(HdrEncoding, RandomDamageNeverBreaksTheReader) {
  std::mt19937_64 random(77);
  const Histogram histogram = random_histogram(random, 60);
  const std::string plain = encode_hdr(HdrHistogram(histogram));
  const std::string packed = encode_hdr_compressed(HdrHistogram(histogram));
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = i % 2 == 0 ? plain : packed;
    for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    const auto read = i % 2 == 0 ? decode_hdr(bytes) : decode_hdr_compressed(bytes);
    if (read.has_error()) {
      EXPECT_FALSE(read.error().text.empty());
      continue;
    }
    const auto again = decode_hdr(encode_hdr(*read));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, *read);
  }
}

TEST(Base64, IsThatOfTheStandard) {
  const std::vector<std::pair<std::string, std::string>> cases{{"", ""},
                                                               {"f", "Zg=="},
                                                               {"fo", "Zm8="},
                                                               {"foo", "Zm9v"},
                                                               {"foob", "Zm9vYg=="},
                                                               {"fooba", "Zm9vYmE="},
                                                               {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  for (const char* bad :
       {"Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9-"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

}  // namespace
}  // namespace stampede
