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

// The database undid it. The seat stays pending until the reconciler has looked, so a repetition is
// refused: no order, and no second claim on the seat either.
TEST_F(LostCommit, IsUnknownAndLeavesNothingBehind) {
  const std::string id = hold(1, {3});
  proxy().break_next_commit(MysqlProxy::Break::commit);
  const Reply lost = call(order_call(1, id, "k1"));
  EXPECT_EQ(lost.status, 504) << lost.body.dump();
  EXPECT_EQ(lost.code(), "COMMIT_UNKNOWN");
  EXPECT_EQ(seat_state(3), "P");
  const Reply again = call(order_call(1, id, "k1"));
  EXPECT_EQ(again.status, 410) << again.body.dump();
  EXPECT_EQ(one("SELECT COUNT(*) FROM orders"), "0");
  EXPECT_EQ(one("SELECT COUNT(*) FROM order_seats"), "0");
  EXPECT_EQ(proxy().broken(), 1u);
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
