// Goal: whatever is lost around a COMMIT, the client is told the truth or "unknown", and the same
// key repeated gives exactly one order. Method: a proxy before a real database loses the COMMIT or
// its reply.
#include "target/domain/unavailable.hpp"
#include "tests/integration/target_orders/order_fixture.hpp"
#include "tests/support/mysql_proxy.hpp"

namespace boxoffice {
namespace {

using ::test::MysqlProxy;

class LostCommit : public OrderFixture {
 protected:
  std::uint16_t mysql_port() override {
    if (!proxy_) proxy_ = std::make_unique<MysqlProxy>(mariadb().port());
    return proxy_->port();
  }
  MysqlProxy& proxy() { return *proxy_; }

  void expect_one_order_after_repeating(const std::string& hold_id) {
    const Reply again = call(order_call(1, hold_id, "k1"));
    EXPECT_EQ(again.status, 201) << again.body.dump();
    EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
    EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats WHERE live=1"), "1");
    EXPECT_EQ(one("SELECT used FROM user_event_quota WHERE user_id=1"), "1");
    EXPECT_EQ(one("SELECT id FROM orders"), again.body.value("orderId", ""));
    EXPECT_EQ(seat_state(3), "P");
    EXPECT_EQ(proxy().broken(), 1u);
  }

 private:
  std::unique_ptr<MysqlProxy> proxy_;
};

Task<std::string> commit_one(MysqlPool& pool) {
  auto lease = co_await pool.acquire(in(Millis(5000)));
  co_await lease->begin();
  try {
    co_await lease->commit();
  } catch (const CommitUnknown& unknown) {
    co_return unknown.what();
  }
  co_return "committed";
}

TEST_F(LostCommit, IsToldByTheConnection) {
  for (const auto how : {MysqlProxy::Break::commit, MysqlProxy::Break::reply}) {
    proxy().break_next_commit(how);
    EXPECT_TRUE(run(io, commit_one(*pool)).starts_with("mysql: COMMIT: "));
    EXPECT_EQ(run(io, commit_one(*pool)), "committed") << "on another connection";
  }
}

// The database undid it. The seat stays pending, and the same key makes the order after all.
TEST_F(LostCommit, IsUnknownAndTheSameKeyMakesTheOrder) {
  const std::string id = hold(1, {3});
  proxy().break_next_commit(MysqlProxy::Break::commit);
  const Reply lost = call(order_call(1, id, "k1"));
  EXPECT_EQ(lost.status, 504) << lost.body.dump();
  EXPECT_EQ(lost.code(), "COMMIT_UNKNOWN");
  EXPECT_EQ(seat_state(3), "P");
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "0");
  const Reply stranger = call(order_call(2, id, "k1"));
  EXPECT_EQ(stranger.status, 410) << stranger.body.dump();
  expect_one_order_after_repeating(id);
  EXPECT_EQ(call(order_call(1, id, "another key")).status, 201) << "the same order again";
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
}

// Meanwhile the reconciler gave the seat to somebody else: the guard decides.
TEST_F(LostCommit, IsNoClaimOnASeatThatWentToAnother) {
  const std::string id = hold(1, {3});
  proxy().break_next_commit(MysqlProxy::Break::commit);
  ASSERT_EQ(call(order_call(1, id, "k1")).status, 504);
  redis_command({"HDEL", event_key(event_id, 1, "st"), "3"});
  placed(2, {3});
  const Reply again = call(order_call(1, id, "k1"));
  EXPECT_EQ(again.status, 409) << again.body.dump();
  EXPECT_EQ(again.code(), "SEAT_CLAIMED");
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
  EXPECT_EQ(seat_state(3), "P");
}

TEST_F(LostCommit, IsFoundWhenOnlyTheReplyIsLost) {
  const std::string id = hold(1, {3});
  proxy().break_next_commit(MysqlProxy::Break::reply);
  const Reply found = call(order_call(1, id, "k1"));
  EXPECT_EQ(found.status, 201) << found.body.dump();
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "1");
  expect_one_order_after_repeating(id);
}

// Nobody can say what became of it: the answer must be neither a yes nor a no.
TEST_F(LostCommit, IsNoDefiniteAnswerWhileTheDatabaseIsAway) {
  const std::string id = hold(1, {3});
  proxy().break_next_commit(MysqlProxy::Break::away);
  const Reply lost = call(order_call(1, id, "k1"));
  EXPECT_EQ(lost.status, 504) << lost.body.dump();
  EXPECT_EQ(lost.body["code"], "COMMIT_UNKNOWN");
  EXPECT_EQ(seat_state(3), "P") << "not given back on suspicion";
  proxy().mend();
  expect_one_order_after_repeating(id);
}

}  // namespace
}  // namespace boxoffice
