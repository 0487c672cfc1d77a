#include <numeric>

#include "tests/integration/target_seats/redis_fixture.hpp"

namespace boxoffice {
namespace {

using RedisClientOnServer = RedisFixture;

Task<std::string> echo(RedisClient& redis, std::string word) {
  std::vector<std::string> words{"ECHO", std::move(word)};
  RedisReply reply = co_await redis.command(std::move(words), in(Millis(5000)));
  co_return std::move(reply.text);
}

Task<bool> fails(RedisClient& redis, std::vector<std::string> words, Millis limit) {
  bool failed = false;
  try {
    (void)co_await redis.command(std::move(words), in(limit));
  } catch (const StoreUnavailable&) {
    failed = true;
  }
  co_return failed;
}

TEST_F(RedisClientOnServer, EveryKindOfReplyArrives) {
  EXPECT_EQ(command({"SET", "k", "v"}).kind, RedisReply::Kind::status);
  EXPECT_EQ(command({"GET", "k"}).text, "v");
  EXPECT_TRUE(command({"GET", "nothing"}).is_nil());
  EXPECT_EQ(command({"INCR", "n"}).number(), 1);
  EXPECT_EQ(command({"INCR", "n"}).str(), "2");
  EXPECT_EQ(command({"MGET", "k", "nothing"}).elements.size(), 2U);
  EXPECT_EQ(command({"LPUSH", "k", "x"}).kind, RedisReply::Kind::error);
  const std::string binary("a\0b\r\n", 5);
  command({"SET", "binary", binary});
  EXPECT_EQ(command({"GET", "binary"}).text, binary);
}

TEST_F(RedisClientOnServer, TenThousandCommandsAreAnsweredInTheirOrder) {
  constexpr std::size_t count = 10000;
  std::size_t right = 0, done = 0;
  for (std::size_t i = 0; i < count; ++i) {
    asio::co_spawn(io, echo(*redis, std::to_string(i)),
                   [&, i](const std::exception_ptr& error, const std::string& word) {
                     if (!error && word == std::to_string(i)) ++right;
                     if (++done == count) io.stop();
                   });
  }
  io.restart();
  io.run();
  EXPECT_EQ(right, count);
}

TEST_F(RedisClientOnServer, ALargePipelineAndALargeValueGoThrough) {
  std::vector<RedisCall> calls(2000);
  const std::string big(4096, 'x');
  for (RedisCall& call : calls) call.words = {"ECHO", big};
  const auto replies = run(io, redis->pipeline(std::move(calls), in(Millis(5000))));
  ASSERT_EQ(replies.size(), 2000U);
  for (const RedisReply& reply : replies) EXPECT_EQ(reply.text.size(), big.size());
}

TEST_F(RedisClientOnServer, AForgottenScriptIsLoadedAgain) {
  command({"SCRIPT", "FLUSH"});
  const RedisReply reply =
      run(io, redis->eval(Script::lock, {"lk:a", "fn:a"}, {"me", "1000"}, in(Millis(1000))));
  EXPECT_GT(reply.integer, 0);
  command({"SCRIPT", "FLUSH"});
  std::vector<RedisCall> calls(2);
  calls[0].words = {"ECHO", "first"};
  calls[1].script = Script::unlock;
  calls[1].keys = {"lk:a"};
  calls[1].words = {"me"};
  const auto replies = run(io, redis->pipeline(std::move(calls), in(Millis(1000))));
  EXPECT_EQ(replies[0].text, "first");
  EXPECT_EQ(replies[1].integer, 1);
}

TEST_F(RedisClientOnServer, ACommandWithoutAnAnswerInTimeFailsAndItsLateAnswerIsDropped) {
  redis_server().pause();
  const TimePoint start = Clock::now();
  EXPECT_TRUE(run(io, fails(*redis, {"SET", "late", "1"}, Millis(50))));
  EXPECT_LT(Clock::now() - start, Millis(500));
  redis_server().resume();
  EXPECT_EQ(run(io, echo(*redis, "next")), "next");
  EXPECT_EQ(command({"GET", "late"}).text, "1");  // it was executed all the same
}

TEST_F(RedisClientOnServer, AKilledServerFailsWhatWaitsAndIsFoundAgain) {
  redis_server().pause();
  bool failed = false;
  asio::co_spawn(io, fails(*redis, {"PING"}, Millis(5000)),
                 [&](const std::exception_ptr&, bool outcome) { failed = outcome; });
  io.restart();
  io.run_for(Millis(50));
  redis_server().kill();
  io.restart();
  io.run_for(Millis(100));
  EXPECT_TRUE(failed);
  EXPECT_FALSE(redis->connected());
  EXPECT_TRUE(run(io, fails(*redis, {"PING"}, Millis(1000))));
  redis_server().start();
  run(io, redis->wait_connected(in(Millis(3000))));
  EXPECT_EQ(run(io, echo(*redis, "back")), "back");
  const RedisReply reply =
      run(io, redis->eval(Script::lock, {"lk:b", "fn:b"}, {"me", "1000"}, in(Millis(1000))));
  EXPECT_GT(reply.integer, 0);
}

TEST_F(RedisClientOnServer, DestroyingTheClientAmidCommandsIsSafe) {
  redis_server().pause();
  for (int i = 0; i < 100; ++i) {
    asio::co_spawn(io, fails(*redis, {"PING"}, Millis(5000)),
                   [](const std::exception_ptr&, bool) {});
  }
  io.restart();
  while (io.poll() > 0) {  // all have sent their command
  }
  seats.reset();
  queue.reset();
  leases.reset();
  directory.reset();
  redis.reset();
  redis_server().resume();
  io.restart();
  io.run_for(Millis(20));
}

TEST_F(RedisClientOnServer, WithoutAServerCommandsFailAtOnce) {
  RedisClient lost(io, "127.0.0.1", 1);
  EXPECT_TRUE(run(io, fails(lost, {"PING"}, Millis(1000))));
  EXPECT_FALSE(lost.connected());
}

}  // namespace
}  // namespace boxoffice
