#include "target/service/hold_id.hpp"

#include <gtest/gtest.h>

#include <set>

namespace boxoffice {
namespace {

TEST(HoldId, CarriesItsEvent) {
  const std::string id = make_hold_id(0x12ab, 7);
  EXPECT_TRUE(is_hold_id(id));
  EXPECT_TRUE(id.starts_with("000012ab0007"));
  EXPECT_EQ(event_of_hold_id(id), 0x12abU);
}

TEST(HoldId, AChangedOneCarriesNothing) {
  std::string id = make_hold_id(1, 1);
  id[7] = id[7] == '2' ? '3' : '2';
  EXPECT_FALSE(event_of_hold_id(id));
  EXPECT_FALSE(event_of_hold_id(std::string(32, 'a')));
}

TEST(HoldId, HasOneSpelling) {
  EXPECT_FALSE(is_hold_id(""));
  EXPECT_FALSE(is_hold_id(std::string(31, 'a')));
  EXPECT_FALSE(is_hold_id(std::string(32, 'A')));
  EXPECT_FALSE(is_hold_id(std::string(32, '|')));
}

TEST(HoldId, ThousandsAreDistinct) {
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(seen.insert(make_hold_id(1, 1)).second);
}

}  // namespace
}  // namespace boxoffice
