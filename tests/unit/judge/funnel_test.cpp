// How far people got. Goal: each count is of what a client was told, once for each session; a hold
// has exactly one fate. Method: ledgers written by hand, then those of a simulated server.
#include "harness/judge/funnel.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "booking_world.hpp"

namespace stampede {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Nanos wall{seconds{1'000'000}};  // the time on the wall when our clock says 0

std::int64_t wall_ms(int at_ms) {
  return std::chrono::duration_cast<milliseconds>(wall + milliseconds{at_ms}).count();
}

// A ledger written down line by line: what, of which session, from when to when (ms).
class Pen {
 public:
  LedgerEntry& write(LedgerKind kind, std::uint64_t session, int from_ms, int to_ms) {
    LedgerEntry& entry = entries_.emplace_back();
    entry.kind = kind;
    entry.certainty = Certainty::applied;
    entry.session = session;
    entry.user = session;
    entry.event = 1;
    entry.invoked = TimePoint{milliseconds{from_ms}};
    entry.completed = TimePoint{milliseconds{to_ms}};
    return entry;
  }
  LedgerEntry& hold(std::uint64_t session, int from_ms, int to_ms, const std::string& key,
                    int expires_at_ms) {
    LedgerEntry& entry = write(LedgerKind::hold, session, from_ms, to_ms);
    entry.key = key;
    entry.seats = {static_cast<std::uint32_t>(session)};
    entry.expires_ms = wall_ms(expires_at_ms);
    return entry;
  }
  [[nodiscard]] BookingFunnel funnel() const {
    Ledger ledger;
    for (const LedgerEntry& entry : entries_) ledger.append(entry);
    return booking_funnel(ledger, wall);
  }

 private:
  std::deque<LedgerEntry> entries_;
};

void refuse(LedgerEntry& entry, Outcome outcome) {
  entry.certainty = Certainty::not_applied;
  entry.outcome = outcome;
}
void lose(LedgerEntry& entry) {
  entry.certainty = Certainty::unknown;
  entry.outcome = Outcome::timed_out;
}

std::string text_of(const BookingFunnel& funnel) {
  std::string text;
  for (const FunnelStage& stage : funnel.stages) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", stage.name, stage.sessions);
    if (stage.from_before) text += fmt::format(" of them {}", *stage.from_before);
  }
  return text;
}

TEST(BookingFunnel, IsEmptyWithoutARecord) {
  const BookingFunnel funnel = booking_funnel(Ledger(), wall);
  EXPECT_TRUE(funnel.stages.empty());
  EXPECT_FALSE(funnel.holds);
  EXPECT_FALSE(funnel.queue_wait);
  Pen pen;
  pen.write(LedgerKind::bid, 1, 0, 1);
  EXPECT_TRUE(pen.funnel().stages.empty()) << "an auction has no such stages";
}

TEST(BookingFunnel, CountsASessionOnceHoweverOftenItTried) {
  Pen pen;
  for (std::uint64_t session = 1; session <= 4; ++session) {
    pen.write(LedgerKind::enter, session, 0, 10).position = 5;
    pen.write(LedgerKind::enter, session, 20, 30).position = 4;
    if (session == 4) continue;
    pen.write(LedgerKind::admitted, session, 40, 100);
    refuse(pen.hold(session, 110, 120, "a", 900), Outcome::conflict);
    if (session == 3) continue;
    pen.hold(session, 130, 140, "b", 900);
    pen.write(LedgerKind::order, session, 200, 210).key = std::to_string(session);
    LedgerEntry& payment = pen.write(LedgerKind::payment, session, 220, 230);
    payment.state = session == 1 ? "IN_PROGRESS" : "ABORTED";
    pen.write(LedgerKind::confirmed, session, 240, 250).state =
        session == 1 ? "CONFIRMED" : "CANCELLED";
  }
  EXPECT_EQ(text_of(pen.funnel()),
            "entered 4, admitted 3 of them 3, held 2 of them 2, ordered 2 of them 2, "
            "paid 1 of them 1, confirmed 1 of them 1");
}

TEST(BookingFunnel, SharesAreOfThoseOfTheStageBeforeThatIsRecorded) {
  Pen pen;  // one buyer with a hold; two winners of an auction order without one
  pen.hold(1, 0, 10, "h", 900);
  for (std::uint64_t session = 1; session <= 3; ++session) {
    pen.write(LedgerKind::order, session, 20, 30);
  }
  EXPECT_EQ(text_of(pen.funnel()), "held 1, ordered 3 of them 1");
}

TEST(BookingFunnel, AStageThatNobodyReachedIsZeroAndOneThatNobodyTriedIsAbsent) {
  Pen pen;
  refuse(pen.hold(1, 0, 10, "h", 900), Outcome::conflict);
  EXPECT_EQ(text_of(pen.funnel()), "held 0");
}

TEST(BookingFunnel, TheWaitIsFromTheFirstTryToTheNewsOfTheAdmission) {
  Pen pen;
  lose(pen.write(LedgerKind::enter, 1, 0, 500));  // it may have taken the place
  pen.write(LedgerKind::enter, 1, 600, 700).position = 9;
  pen.write(LedgerKind::admitted, 1, 700, 2'000);
  pen.write(LedgerKind::enter, 2, 0, 30);  // no place in the line: let in at once
  refuse(pen.write(LedgerKind::enter, 3, 0, 10), Outcome::window);
  pen.write(LedgerKind::enter, 3, 1'000, 1'010).position = 3;
  pen.write(LedgerKind::admitted, 3, 1'010, 2'000);
  pen.write(LedgerKind::enter, 4, 0, 10).position = 12;  // still waits
  const BookingFunnel funnel = pen.funnel();
  EXPECT_EQ(text_of(funnel), "entered 4, admitted 3 of them 3");
  ASSERT_TRUE(funnel.queue_wait);
  EXPECT_EQ(funnel.queue_wait->count(), 3U);
  EXPECT_EQ(funnel.queue_wait->min(), Nanos{milliseconds{30}});
  EXPECT_EQ(funnel.queue_wait->max(), Nanos{milliseconds{2'000}});
  EXPECT_EQ(funnel.queue_wait->mean(), Nanos{milliseconds{1'010}});
}

TEST(BookingFunnel, AHoldEndsByItsOrderOrItsRelease) {
  Pen pen;
  pen.hold(1, 0, 100, "a", 9'000);
  LedgerEntry& order = pen.write(LedgerKind::order, 1, 1'000, 1'100);
  order.key = "501";
  order.reference = "some key";
  order.seats = {1};
  pen.hold(2, 0, 100, "b", 9'000);
  pen.hold(2, 0, 100, "b", 9'000);  // asked twice, the same hold
  pen.hold(2, 200, 300, "c", 9'000).seats = {9};
  pen.write(LedgerKind::release, 2, 3'000, 3'100).key = "b";
  const BookingFunnel funnel = pen.funnel();
  ASSERT_TRUE(funnel.holds);
  EXPECT_EQ(funnel.holds->acknowledged, 3U);
  EXPECT_EQ(funnel.holds->ended, 2U);
  EXPECT_EQ(funnel.holds->open, 1U) << "c, whose time is not over when the record ends";
  EXPECT_EQ(funnel.holds->ran_out, 0U);
  EXPECT_EQ(funnel.holds->dwell.count(), 2U);
  EXPECT_EQ(funnel.holds->dwell.min(), Nanos{milliseconds{1'000}});
  EXPECT_EQ(funnel.holds->dwell.max(), Nanos{milliseconds{3'000}});
}

TEST(BookingFunnel, AHoldRanOutWhenItsEndIsGoneOrItsTimeIsOver) {
  Pen pen;
  pen.hold(1, 0, 100, "a", 2'000);
  refuse(pen.write(LedgerKind::order, 1, 2'500, 2'600), Outcome::gone);
  pen.hold(2, 0, 100, "b", 2'000);  // nothing more is heard of it
  pen.hold(3, 0, 100, "c", 2'000);
  LedgerEntry& extended = pen.write(LedgerKind::extend, 3, 1'000, 1'100);
  extended.key = "c";
  extended.expires_ms = wall_ms(8'000);
  pen.hold(4, 0, 100, "d", 2'000);
  refuse(pen.write(LedgerKind::order, 4, 300, 400), Outcome::conflict);  // did not end it
  pen.write(LedgerKind::release, 4, 500, 600).reference = "d";
  pen.hold(5, 0, 100, "e", 2'000);
  lose(pen.write(LedgerKind::release, 5, 500, 1'500));
  pen.hold(6, 0, 100, "f", 2'000);
  lose(pen.write(LedgerKind::order, 6, 500, 1'500));
  refuse(pen.write(LedgerKind::order, 6, 2'100, 2'200), Outcome::gone);
  pen.write(LedgerKind::leave, 7, 4'900, 5'000);  // the record ends here
  const BookingFunnel funnel = pen.funnel();
  EXPECT_EQ(funnel.holds->acknowledged, 6U);
  EXPECT_EQ(funnel.holds->ran_out, 2U) << "a and b";
  EXPECT_EQ(funnel.holds->open, 1U) << "c was prolonged";
  EXPECT_EQ(funnel.holds->ended, 1U) << "d";
  EXPECT_EQ(funnel.holds->unknown, 2U) << "e and f";
}

TEST(BookingFunnel, OfASimulatedServerEveryHoldHasOneFate) {
  std::uint64_t ended = 0, ran_out = 0, unknown = 0, waits = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    BookingWorld world(seed);
    world.run();
    const BookingFunnel funnel = booking_funnel(world.ledger, world.options.wall_offset);
    ASSERT_TRUE(funnel.holds);
    const HoldFates& holds = *funnel.holds;
    EXPECT_EQ(holds.acknowledged, holds.ended + holds.ran_out + holds.unknown + holds.open);
    EXPECT_EQ(holds.dwell.count(), holds.ended);
    // Prolonged as often as its owner likes, so only the shortest is bounded.
    if (holds.ended > 0) EXPECT_GE(*holds.dwell.min(), Nanos{milliseconds{50}});
    ASSERT_EQ(funnel.stages.size(), 6U) << "seed " << seed;
    for (std::size_t i = 1; i < funnel.stages.size(); ++i) {
      ASSERT_TRUE(funnel.stages[i].from_before);
      EXPECT_LE(*funnel.stages[i].from_before, funnel.stages[i].sessions);
      EXPECT_LE(*funnel.stages[i].from_before, funnel.stages[i - 1].sessions);
    }
    ended += holds.ended;
    ran_out += holds.ran_out;
    unknown += holds.unknown;
    waits += funnel.queue_wait ? funnel.queue_wait->count() : 0;
  }
  EXPECT_GT(ended, 500U);
  EXPECT_GT(ran_out, 100U);
  EXPECT_GT(unknown, 20U);
  EXPECT_GT(waits, 500U);
}

}  // namespace
}  // namespace stampede
