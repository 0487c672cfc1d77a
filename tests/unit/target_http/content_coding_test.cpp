#include "target/http/content_coding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace boxoffice {
namespace {

std::string chosen(std::string_view accept_encoding) {
  constexpr std::array<std::string_view, 3> offered{"br", "gzip", "identity"};
  return std::string(offered[choose_coding(accept_encoding, offered)]);
}

TEST(ContentCoding, WhoSaysNothingGetsTheFileAsItIs) {
  EXPECT_EQ(chosen(""), "identity");
  EXPECT_EQ(chosen("deflate"), "identity");
  EXPECT_EQ(chosen("identity"), "identity");
}

TEST(ContentCoding, OfWhatTheClientLikesEquallyTheSmallestIsSent) {
  EXPECT_EQ(chosen("gzip"), "gzip");
  EXPECT_EQ(chosen("gzip, deflate, br"), "br");
  EXPECT_EQ(chosen("GZip , identity"), "gzip");
  EXPECT_EQ(chosen("x-gzip"), "gzip");
  EXPECT_EQ(chosen("*"), "br");
}

TEST(ContentCoding, WeightsDecideAndZeroRefuses) {
  EXPECT_EQ(chosen("br;q=0.5, gzip;q=0.8"), "gzip");
  EXPECT_EQ(chosen("br;q=0.001, gzip;q=0"), "br");
  EXPECT_EQ(chosen("gzip;q=0"), "identity");
  EXPECT_EQ(chosen("gzip;q=0.5, identity"), "identity");
  EXPECT_EQ(chosen("*;q=0"), "identity");
  EXPECT_EQ(chosen("br;q=0, *;q=0.3"), "gzip");
  EXPECT_EQ(chosen("identity;q=0, gzip"), "gzip");
}

TEST(ContentCoding, WhatIsMalformedIsNotSpokenOf) {
  EXPECT_EQ(coding_weight("gzip;q=", "gzip"), -1);
  EXPECT_EQ(coding_weight("gzip;q=2", "gzip"), -1);
  EXPECT_EQ(coding_weight("gzip;q=1.001", "gzip"), -1);
  EXPECT_EQ(coding_weight("gzip;q=0.1234", "gzip"), -1);
  EXPECT_EQ(coding_weight("gzip;level=9", "gzip"), -1);
  EXPECT_EQ(coding_weight(",,;q=1, gzipped", "gzip"), -1);
  EXPECT_EQ(coding_weight("gzip ; q=0.25", "gzip"), 250);
  EXPECT_EQ(coding_weight("gzip;q=1.000", "gzip"), 1000);
}

}  // namespace
}  // namespace boxoffice
