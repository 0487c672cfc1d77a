#include <gtest/gtest.h>

#include "harness/topology/sql_audit.hpp"

namespace stampede {
namespace {

TEST(SqlAudit, HasEveryCheckInOrderAndOnlyTheGlobalOneAsksNoEvent) {
  for (std::size_t i = 0; i < sql_audits.size(); ++i) {
    const SqlAudit& audit = sql_audits[i];
    EXPECT_EQ(audit.id, fmt::format("A{}", i + 1));
    const std::string query = fmt::format(fmt::runtime(audit.query), "EVENT", "EPOCH");
    EXPECT_EQ(query.find("EVENT") != std::string::npos, audit.per_event) << audit.id;
    EXPECT_EQ(query.find("EPOCH") != std::string::npos, audit.per_event) << audit.id;
  }
}

}  // namespace
}  // namespace stampede
