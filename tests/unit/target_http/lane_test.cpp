// Goal: the buffers that requests borrow stay as small as what most answers need.
#include "target/http/lane.hpp"

#include <gtest/gtest.h>

namespace boxoffice {
namespace {

struct LaneTest : ::testing::Test {
  asio::io_context io;
  Config config;
  Metrics metrics;
  Switches switches;
  ServerLoad load;
  RouteTable table;
  std::shared_ptr<Lane> lane =
      std::make_shared<Lane>(io, config, ServerLimits{}, metrics, switches, load, table);
};

TEST_F(LaneTest, ASpareBufferIsUsedAgain) {
  auto buffer = lane->borrow();
  buffer->out.assign(8000, 'x');
  const RequestBuffer* const first = buffer.get();
  lane->give_back(std::move(buffer));
  buffer = lane->borrow();
  EXPECT_EQ(buffer.get(), first);
  EXPECT_GE(buffer->out.capacity(), 8000U);
  EXPECT_NE(lane->borrow().get(), first);
}

// Once a second somebody reads /metrics, with whichever buffer is next: all spare ones grew to it.
TEST_F(LaneTest, ASpareBufferKeepsNothingOfALargeAnswer) {
  auto buffer = lane->borrow();
  buffer->out.assign(40000, 'x');
  lane->give_back(std::move(buffer));
  EXPECT_LT(lane->borrow()->out.capacity(), 1000U);
}

}  // namespace
}  // namespace boxoffice
