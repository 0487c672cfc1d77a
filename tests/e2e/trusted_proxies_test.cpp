// Goal: a limit per address is one per person behind a proxy, too, and nobody gets round it by
// saying that he is somebody else.
// Method: the real binary with a limit of two requests; clients at several addresses of loopback,
// one of which is the trusted proxy's.
#include "tests/e2e/failure_table.hpp"

namespace boxoffice::test {
namespace {

class TrustedProxies : public FailureTable {
 protected:
  int asked_from(const char* from, const std::string& forwarded = "") {
    const std::string fields = forwarded.empty() ? "" : "X-Forwarded-For: " + forwarded + "\r\n";
    return RawClient(boxes_[0]->port(), from).exchange("GET", "/api/time", fields).status;
  }
};

TEST_F(TrustedProxies, OnlyTheTrustedOneSaysWhoAsks) {
  open({"--ratelimit=address=0.001:2", "--trusted-proxies=127.0.0.9"});
  // Somebody who is no proxy says another name each time, and is counted as himself.
  EXPECT_EQ(asked_from("127.0.0.2", "198.51.100.1"), 200);
  EXPECT_EQ(asked_from("127.0.0.2", "198.51.100.2"), 200);
  EXPECT_EQ(asked_from("127.0.0.2", "198.51.100.3"), 429);
  EXPECT_EQ(asked_from("127.0.0.3"), 200) << "another's bucket";
  // Through the proxy each client has his own, also those whom the stranger named.
  for (const char* client : {"198.51.100.1", "198.51.100.2"}) {
    EXPECT_EQ(asked_from("127.0.0.9", client), 200);
    EXPECT_EQ(asked_from("127.0.0.9", "203.0.113.1, " + std::string(client)), 200);
    EXPECT_EQ(asked_from("127.0.0.9", "203.0.113.2, " + std::string(client)), 429)
        << "what the client put before the proxy's word";
  }
  // Garbage is the proxy's own bucket.
  EXPECT_EQ(asked_from("127.0.0.9", "nobody"), 200);
  EXPECT_EQ(asked_from("127.0.0.9", "198.51.100.8:80"), 200);
  EXPECT_EQ(asked_from("127.0.0.9"), 429);
}

// Thousands share the address of a company's gate: who says who he is has a bucket of his own.
TEST_F(TrustedProxies, WhoSaysWhoHeIsIsNotLimitedByHisAddress) {
  open({"--ratelimit=address=0.001:1,user=0.001:2"});
  const auto asks = [this](const std::string& fields) {
    return RawClient(boxes_[0]->port(), "127.0.0.2").exchange("GET", "/api/time", fields).status;
  };
  const std::string one = "Authorization: Bearer " + tokens_.at(0) + "\r\n";
  const std::string two = "Authorization: Bearer " + tokens_.at(1) + "\r\n";
  for (const std::string& who : {one, two}) {
    EXPECT_EQ(asks(who), 200);
    EXPECT_EQ(asks(who), 200);
    EXPECT_EQ(asks(who), 429);
  }
  // A token that nobody gave out is none.
  EXPECT_EQ(asks("Authorization: Bearer " + tokens_.at(2) + "x\r\n"), 200);
  EXPECT_EQ(asks("Authorization: Bearer " + tokens_.at(3) + "x\r\n"), 429);
}

TEST_F(TrustedProxies, ByItselfNobodyIsOne) {
  open({"--ratelimit=address=0.001:1"});
  EXPECT_EQ(asked_from("127.0.0.2", "198.51.100.1"), 200);
  EXPECT_EQ(asked_from("127.0.0.2", "198.51.100.2"), 429);
}

}  // namespace
}  // namespace boxoffice::test
