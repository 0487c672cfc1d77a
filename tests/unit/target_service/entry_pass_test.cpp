#include "target/service/entry_pass.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

EntryPass some_pass() {
  EntryPass pass;
  pass.event = 12;
  pass.epoch = 3;
  pass.user = 99;
  pass.end_ms = 1763709351123;
  return pass;
}

TEST(PassSigner, APassReadsBackAsItWasSigned) {
  const PassSigner signer("secret");
  const std::string token = signer.sign(some_pass());
  EXPECT_TRUE(token.starts_with("v1.12.3.99.1763709351123."));
  const auto read = signer.read_pass(token);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->event, 12U);
  EXPECT_EQ(read->epoch, 3U);
  EXPECT_EQ(read->user, 99U);
  EXPECT_EQ(read->end_ms, 1763709351123);
}

TEST(PassSigner, AnyChangedCharacterIsNoPass) {
  const PassSigner signer("secret");
  const std::string token = signer.sign(some_pass());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '7' ? '8' : '7';
    EXPECT_FALSE(signer.read_pass(changed)) << changed;
  }
  EXPECT_FALSE(PassSigner("other").read_pass(token));
  EXPECT_FALSE(signer.read_pass(""));
  EXPECT_FALSE(signer.read_pass("."));
  EXPECT_FALSE(signer.read_pass(std::string(100000, 'v')));
}

TEST(PassSigner, APlaceIsNoPassAndAPassNoPlace) {
  const PassSigner signer("secret");
  PlaceToken place;
  place.event = 12;
  place.epoch = 3;
  place.user = 99;
  place.base = 28219349617968;
  place.sequence = -123456789;
  const std::string token = signer.sign(place);
  const auto read = signer.read_place(token);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->base, place.base);
  EXPECT_EQ(read->sequence, place.sequence);
  EXPECT_FALSE(signer.read_pass(token));
  EXPECT_FALSE(signer.read_place(signer.sign(some_pass())));
}

}  // namespace
}  // namespace boxoffice
