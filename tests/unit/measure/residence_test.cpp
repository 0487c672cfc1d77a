// Little's identity holds for any order of entries and exits, and is broken by each mutation.
#include "harness/measure/residence.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace stampede {
namespace {

constexpr Nanos ms{1'000'000};
TimePoint at(std::int64_t ns) { return TimePoint{Nanos{ns}}; }

TEST(Residence, HoldsExactlyForAThousandRequestsAcrossTheWindow) {
  ResidenceBooks books(at(1'000'000), at(9'000'000));
  std::mt19937_64 random(3);
  std::vector<std::pair<TimePoint, TimePoint>> inside;
  for (int i = 0; i < 1000; ++i) {
    const auto due = static_cast<std::int64_t>(random() % 10'000'000);
    const auto done = due + static_cast<std::int64_t>(random() % 3'000'000);
    books.enter(at(due));
    inside.emplace_back(at(due), at(done));
    if (i % 3 == 0) continue;  // some leave at once, some later
    books.leave(inside.back().first, inside.back().first, inside.back().second);
    inside.pop_back();
  }
  EXPECT_GT(books.inside(), 0);
  EXPECT_EQ(books.in_flight(), books.inside());
  for (const auto& [due, done] : inside) books.leave(due, TimePoint{}, done);
  EXPECT_EQ(books.inside(), 0);
  EXPECT_EQ(books.integral(), books.residence());
  EXPECT_GT(books.residence(), 0U);
  EXPECT_LT(books.service(), books.residence());
}

TEST(Residence, CountsOnlyWhatLiesInTheWindow) {
  ResidenceBooks books(at(100), at(200));
  books.enter(at(50));
  books.leave(at(50), at(60), at(150));  // 50 ns of it
  books.enter(at(190));
  books.leave(at(190), at(195), at(900));  // 10 ns of it, 5 of them served
  books.enter(at(10));
  books.leave(at(10), at(10), at(20));  // nothing of it
  EXPECT_EQ(books.residence(), 60U);
  EXPECT_EQ(books.integral(), 60U);
  EXPECT_EQ(books.service(), 55U);
  EXPECT_EQ(books.left(), 3U);
}

TEST(Residence, IsBrokenByEachMutation) {
  const auto broken = [](auto mutate) {
    ResidenceBooks books(at(0), at(1'000'000'000));
    for (int i = 0; i < 10; ++i) {
      books.enter(at(i * ms.count()));
      books.leave(at(i * ms.count()), at(i * ms.count()), at((i + 5) * ms.count()));
    }
    mutate(books);
    return books.integral() != books.residence() || books.inside() != 0;
  };
  EXPECT_FALSE(broken([](ResidenceBooks&) {}));
  EXPECT_TRUE(broken([](ResidenceBooks& b) { b.enter(at(7)); })) << "entered twice, or lost";
  EXPECT_TRUE(broken([](ResidenceBooks& b) { b.leave(at(7), at(7), at(9)); })) << "left twice";
  EXPECT_TRUE(broken([](ResidenceBooks& b) {  // due time recomputed on the way
    b.enter(at(7));
    b.leave(at(8), at(8), at(9));
  }));
}

}  // namespace
}  // namespace stampede
