#include "harness/run/placement.hpp"

#include <gtest/gtest.h>
#include <sched.h>

namespace stampede {
namespace {

TEST(Placement, WhatWasStartedHereIsHere) {
  Placement placement = look_at_placement("");
  EXPECT_FALSE(placement.attached);
  placement.cpus_allowed = placement.cpus = 2;
  EXPECT_EQ(placement_text(placement),
            "generator, target and databases on one machine; generator not pinned (may use all 2 "
            "CPUs)");
}

TEST(Placement, AnAttachedTargetIsWhereItsAddressIs) {
  for (const char* url :
       {"http://127.0.0.7:8080", "http://localhost/x", "http://[::1]:81", "unix:/run/x.sock"}) {
    const Placement placement = look_at_placement(url);
    EXPECT_TRUE(placement.attached);
    EXPECT_EQ(placement.here, true) << url;
    EXPECT_NE(placement_text(placement).find("attached to a target on this machine: "),
              std::string::npos)
        << placement_text(placement);
  }
  // Of a block for documentation: nobody has it.
  const Placement elsewhere = look_at_placement("http://192.0.2.7:8080/");
  EXPECT_EQ(elsewhere.here, false);
  EXPECT_EQ(elsewhere.target, "192.0.2.7");
  EXPECT_NE(placement_text(elsewhere).find("attached to a target elsewhere: 192.0.2.7; "),
            std::string::npos)
      << placement_text(elsewhere);
}

TEST(Placement, AHostThatHasNoAddressIsSaidToBeUnknown) {
  const Placement placement = look_at_placement("http://no-such-host.invalid/");
  EXPECT_FALSE(placement.here.has_value());
  EXPECT_NE(placement_text(placement).find("nobody can tell where: no-such-host.invalid"),
            std::string::npos)
      << placement_text(placement);
}

TEST(Placement, AGeneratorThatMayUseOneCpuAloneIsPinned) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  Placement placement = look_at_placement("");
  EXPECT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(placement.cpus_allowed, 1U);
  EXPECT_EQ(placement.cpus_allowed_list, std::to_string(cpu));
  placement.cpus = 4;
  EXPECT_NE(placement_text(placement).find("pinned to CPU " + std::to_string(cpu) + " of 4 CPUs"),
            std::string::npos)
      << placement_text(placement);
}

}  // namespace
}  // namespace stampede
