// queue_wait_seconds of those who ask over HTTP instead of listening on a WebSocket.
#include "tests/integration/target_people/people_fixture.hpp"

namespace boxoffice {
namespace {

class QueueWaits : public PeopleFixture {
 protected:
  static bool counted(int waits) {
    return boxoffice->metrics().exposition().find(
               "queue_wait_seconds_count " + std::to_string(waits) + "\n") != std::string::npos;
  }
};

TEST_F(QueueWaits, WhoAsksIsMeasuredOnceFromTheEntryToTheAdmission) {
  const std::uint64_t event = seed_event(2, 5, R"(,"queue":{"cap":1,"rate":100,"burst":100})");
  const std::string path = "/api/events/" + std::to_string(event) + "/queue";
  for (const std::uint64_t user : {5U, 6U})
    EXPECT_EQ(ask_as(user, "POST", path).json.at("state"), "WAITING");
  EXPECT_TRUE(counted(0));
  ThreadContext& context = boxoffice->context();
  const EventPtr facts = boxoffice->run(context.events.find(event));
  EXPECT_EQ(boxoffice->run(context.queue.admit(facts)).admitted, 1U);
  EXPECT_EQ(ask_as(6, "GET", path).json.at("state"), "WAITING");
  EXPECT_TRUE(counted(0));
  EXPECT_EQ(ask_as(5, "GET", path).json.at("state"), "ADMITTED");
  EXPECT_TRUE(counted(1)) << boxoffice->metrics().exposition();
  EXPECT_EQ(ask_as(5, "GET", path).json.at("state"), "ADMITTED");
  EXPECT_TRUE(counted(1)) << "counted twice";
}

}  // namespace
}  // namespace boxoffice
