// Who waits for a socket is resumed once, for what came before the wait as for what comes after it.
#include "harness/protocol/event_loop.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <thread>

#include "harness/protocol/task.hpp"

namespace stampede {
namespace {

struct Pair {
  Pair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error("no socket pair");
    }
  }
  ~Pair() {
    hang_up();
    ::close(ends[0]);
  }
  void say(const std::string& text) const {
    EXPECT_EQ(::send(ends[1], text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void hang_up() {
    if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
  }
  std::array<int, 2> ends{-1, -1};
};

// Reads until the end, as the clients do: after a short read it waits for more.
Task<void> read_all(SocketWatch& watch, int socket, std::string& into) {
  std::array<char, 4> buffer;
  while (true) {
    if (co_await watch.reading()) co_return;
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got == 0) break;
    if (got < static_cast<ssize_t>(buffer.size())) watch.drained();
    if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
  }
  into.append(".");
}

void ignore(const std::exception_ptr&) {}

TEST(EventLoop, EndsWhenNobodyWaits) {
  EventLoop loop;
  loop.run();
  int calls = 0;
  loop.post([](void* count) { ++*static_cast<int*>(count); }, &calls);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, TakesCallsFromOtherThreads) {
  EventLoop loop;
  int calls = 0;
  loop.begin_wait();
  std::jthread other([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.submit([&] {
        if (++calls == 1000) loop.end_wait();
      });
    }
  });
  loop.run();
  EXPECT_EQ(calls, 1000);
}

TEST(EventLoop, WhatIsThrownComesOutAndTheRestRunsNextTime) {
  EventLoop loop;
  int calls = 0;
  loop.post([](void*) { throw std::runtime_error("planted"); }, nullptr);
  loop.post([](void* count) { ++*static_cast<int*>(count); }, &calls);
  EXPECT_THROW(loop.run(), std::runtime_error);
  EXPECT_EQ(calls, 0);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(SocketWatch, ReadsWhatCameBeforeAndAfterTheWaitAndTheEndBehindIt) {
  EventLoop loop;
  Pair pair;
  SocketWatch watch(loop);
  pair.say("before and more than a buffer");
  ASSERT_FALSE(watch.begin(pair.ends[0], false));
  std::string heard;
  spawn(read_all(watch, pair.ends[0], heard), ignore);
  loop.post(
      [](void* self) {
        static_cast<Pair*>(self)->say(" after");
        static_cast<Pair*>(self)->hang_up();
      },
      &pair);
  loop.run();
  EXPECT_EQ(heard, "before and more than a buffer after.");
}

TEST(SocketWatch, BytesAndTheEndInOneEventAreBothSeen) {
  EventLoop loop;
  Pair pair;
  SocketWatch watch(loop);
  pair.say("abc");  // shorter than the buffer: a short read, and nothing comes after it
  pair.hang_up();
  ASSERT_FALSE(watch.begin(pair.ends[0], false));
  std::string heard;
  spawn(read_all(watch, pair.ends[0], heard), ignore);
  loop.run();
  EXPECT_EQ(heard, "abc.");
}

TEST(SocketWatch, EndingItWakesWhoWaitsWithAnError) {
  EventLoop loop;
  Pair pair;
  SocketWatch watch(loop);
  ASSERT_FALSE(watch.begin(pair.ends[0], false));
  std::string heard;
  spawn(read_all(watch, pair.ends[0], heard), ignore);
  loop.post([](void* self) { static_cast<SocketWatch*>(self)->end(); }, &watch);
  loop.run();
  EXPECT_EQ(heard, "");
}

Task<void> wait_for_room(SocketWatch& watch, bool& had_room) {
  watch.full();
  had_room = !co_await watch.writing();
}

TEST(SocketWatch, TellsOfRoomOnceSomebodyWantsIt) {
  EventLoop loop;
  Pair pair;
  const std::string much(1 << 16, 'x');
  while (::send(pair.ends[0], much.data(), much.size(), MSG_NOSIGNAL) > 0) continue;
  SocketWatch watch(loop);
  ASSERT_FALSE(watch.begin(pair.ends[0], false));
  bool had_room = false;
  spawn(wait_for_room(watch, had_room), ignore);
  EXPECT_FALSE(had_room);
  std::jthread reader([&] {
    std::string sink(1 << 16, ' ');
    while (::recv(pair.ends[1], sink.data(), sink.size(), 0) > 0) continue;
  });
  loop.run();
  EXPECT_TRUE(had_room);
}

struct Killer final : EventSource {
  void on_events(std::uint32_t) override {
    ++told;
    other->end();
  }
  SocketWatch* other = nullptr;
  int told = 0;
};

// Two sockets have news in one batch, and the first to be told puts an end to the other.
TEST(SocketWatch, AnEndedOneHearsNothingOfTheSameBatch) {
  EventLoop loop;
  Pair first, second;
  Killer killer;
  SocketWatch watch(loop);
  killer.other = &watch;
  ASSERT_FALSE(loop.add(first.ends[0], 1U, killer));  // EPOLLIN
  ASSERT_FALSE(watch.begin(second.ends[0], false));
  std::string heard;
  spawn(read_all(watch, second.ends[0], heard), ignore);
  first.say("x");
  second.say("y");
  loop.run();
  EXPECT_EQ(killer.told, 1);
  EXPECT_EQ(heard, "");
  loop.remove(first.ends[0], killer);
}

}  // namespace
}  // namespace stampede
