#include "target/service/waiting_room.hpp"

#include <gtest/gtest.h>

#include "target/service/instant.hpp"

namespace boxoffice {
namespace {

TEST(WaitingRoomTimes, EtaIsPositionOverRate) {
  QueueSettings queue;
  queue.rate = 50;
  EXPECT_EQ(eta_ms(queue, 100), 2000);
  queue.rate = 0;  // nobody is admitted: long, but a number
  EXPECT_GT(eta_ms(queue, 1), 100000);
}

TEST(WaitingRoomTimes, PollingIsRareFarBackAndAlwaysKeepsThePlace) {
  QueueSettings queue;
  EXPECT_EQ(poll_after_ms(queue, 500), 1000);
  EXPECT_EQ(poll_after_ms(queue, 30000), 3000);
  EXPECT_EQ(poll_after_ms(queue, 10000000), 5000);
  queue.heartbeat_ms = 600;
  EXPECT_EQ(poll_after_ms(queue, 10000000), 200);
}

TEST(WaitingRoomTimes, ASaleIsOverByItsStateOrItsEnd) {
  EventInfo event;
  event.status = "ON_SALE";
  event.sale_close_ms = 1000;
  EXPECT_FALSE(sale_over(event, 999));
  EXPECT_TRUE(sale_over(event, 1000));
  event.sale_close_ms = 0;
  EXPECT_FALSE(sale_over(event, 1000));
  event.status = "ENDED";
  EXPECT_TRUE(sale_over(event, 0));
}

TEST(Instant, IsWrittenWithMilliseconds) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1709210096007), "2024-02-29T12:34:56.007Z");
}

}  // namespace
}  // namespace boxoffice
