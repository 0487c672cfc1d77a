// Goal: no invariant objects to a correct server, however unlucky its clients; each one objects to
// what it is for, and names the seat. Method: seeded histories of a simulated correct server; then
// one tampering per check.
#include <gtest/gtest.h>

#include "booking_world.hpp"

namespace stampede {
namespace {

const Finding& finding(const std::vector<Finding>& all, const std::string& rule) {
  return *std::find_if(all.begin(), all.end(),
                       [&rule](const Finding& one) { return one.rule == rule; });
}
std::string complaints(const std::vector<Finding>& all) {
  std::string text;
  for (const Finding& one : all) {
    if (one.verdict == Verdict::pass) continue;
    text += fmt::format("{} {} {}; {}\n", one.rule, name_of(one.verdict), one.measured,
                        fmt::join(one.samples, "; "));
  }
  return text;
}
std::vector<Finding> judge(const BookingWorld& world) {
  return booking_invariants(world.ledger, world.state, world.options);
}

TEST(BookingInvariants, NeverAccuseACorrectServer) {
  std::uint64_t entries = 0, unknown = 0, lapsed = 0, expired = 0, declined = 0, refunds = 0;
  std::uint64_t tickets = 0;
  double admissions = 0;
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    BookingWorld world(seed);
    world.run();
    const std::vector<Finding> all = judge(world);
    ASSERT_EQ(complaints(all), "") << "seed " << seed;
    entries += world.ledger.entries().size();
    unknown += world.unknown;
    lapsed += world.holds_lapsed;
    expired += world.orders_expired;
    declined += world.orders_declined;
    refunds += world.refunds;
    tickets += world.state.tickets.size();
    const std::string& measured = finding(all, "L8").measured;
    admissions += std::stod(measured.substr(measured.find("of ") + 3));
  }
  // The histories were worth judging.
  EXPECT_GT(entries, 50'000U);
  EXPECT_GT(unknown, 2'000U);
  EXPECT_GT(lapsed, 300U);
  EXPECT_GT(expired, 300U);
  EXPECT_GT(declined, 300U);
  EXPECT_GT(refunds, 300U);
  EXPECT_GT(tickets, 3'000U);
  EXPECT_GT(admissions, 1'000);
}

TEST(BookingInvariants, AccuseAServerWithABug) {
  using Bug = BookingWorld::Bug;
  const std::array<std::pair<Bug, const char*>, 3> bugs{{{Bug::holds_overlap, "L4"},
                                                         {Bug::last_come_first_served, "L8"},
                                                         {Bug::sale_forgotten, "L5"}}};
  for (const auto& [bug, rule] : bugs) {
    int seen = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      BookingWorld world(seed, bug);
      world.run();
      seen += finding(judge(world), rule).verdict == Verdict::broken_invariant ? 1 : 0;
    }
    EXPECT_GE(seen, 9) << rule << " was broken in " << seen << " of 10 histories";
  }
}

TEST(BookingInvariants, ComeInTheOrderOfTheSpecification) {
  BookingWorld world(1);
  world.run();
  std::string rules;
  for (const Finding& one : judge(world)) {
    rules += one.rule + " ";
    EXPECT_EQ(one.kind, Finding::Kind::invariant);
    EXPECT_FALSE(one.title.empty());
  }
  EXPECT_EQ(rules,
            "A1 A2 A3 A4 A5 A6 A7 A8 A9 R1 R2 R3 R4 R5 R6 R7 L1 L2 L3 L4 L5 L7 L8 "
            "OVERSELL UNDERSELL LOST_SALE ");
}

// --- What could not be asked is not passed
// ---------------------------------------------------------

TEST(BookingInvariants, WithoutMysqlAreInconclusiveWithTheReason) {
  BookingWorld world(2);
  world.run();
  world.state.have_sql = false;
  world.state.sql_problem = "mariadb at 10.0.0.1:3306: refused";
  const std::vector<Finding> all = judge(world);
  for (const char* rule :
       {"A1", "A9", "R1", "R2", "R3", "L2", "L3", "L5", "OVERSELL", "UNDERSELL", "LOST_SALE"}) {
    EXPECT_EQ(finding(all, rule).verdict, Verdict::inconclusive) << rule;
    EXPECT_NE(finding(all, rule).measured.find("refused"), std::string::npos) << rule;
  }
  for (const char* rule : {"R4", "R5", "R6", "R7", "L1", "L4", "L7", "L8"}) {
    EXPECT_EQ(finding(all, rule).verdict, Verdict::pass) << rule;
  }
}

TEST(BookingInvariants, WithoutRedisAreInconclusiveWithTheReason) {
  BookingWorld world(2);
  world.run();
  world.state.have_redis = false;
  world.state.redis_problem = "no Redis endpoint";
  const std::vector<Finding> all = judge(world);
  for (const char* rule : {"R1", "R3", "R4", "R7", "UNDERSELL"}) {
    EXPECT_EQ(finding(all, rule).verdict, Verdict::inconclusive) << rule;
    EXPECT_NE(finding(all, rule).measured.find("no Redis endpoint"), std::string::npos) << rule;
  }
  EXPECT_EQ(finding(all, "L2").verdict, Verdict::pass);
}

TEST(BookingInvariants, AnEventThatIsNotRebuiltIsInconclusive) {
  BookingWorld world(2);
  world.run();
  world.state.redis[1].marker = false;
  world.state.redis[1].states.clear();
  const std::vector<Finding> all = judge(world);
  for (const char* rule : {"R1", "R7", "UNDERSELL"}) {
    EXPECT_EQ(finding(all, rule).verdict, Verdict::inconclusive) << rule;
    EXPECT_EQ(finding(all, rule).measured, "not checked: event 2 is not rebuilt in Redis");
  }
}

TEST(BookingInvariants, AnEmptyLedgerProvesNothing) {
  BookingWorld world(2);
  world.run();
  const std::vector<Finding> all = booking_invariants(Ledger{}, world.state, world.options);
  for (const char* rule : {"L1", "L2", "L3", "L4", "L5", "L7", "L8", "OVERSELL", "LOST_SALE"}) {
    EXPECT_EQ(finding(all, rule).verdict, Verdict::inconclusive) << rule;
    EXPECT_NE(finding(all, rule).measured.find("no record in the profile"), std::string::npos);
  }
}

TEST(BookingInvariants, AFullLedgerProvesNothingClean) {
  BookingWorld world(2);
  world.run();
  Ledger small(10);
  for (const LedgerEntry& entry : world.ledger.entries()) small.append(entry);
  const std::vector<Finding> all = booking_invariants(small, world.state, world.options);
  for (const char* rule : {"L1", "L2", "L3", "L4", "L5", "L7", "L8"}) {
    EXPECT_EQ(finding(all, rule).verdict, Verdict::inconclusive) << rule;
  }
}

// --- One tampering per check
// -----------------------------------------------------------------------

class Tampered : public testing::Test {
 protected:
  void SetUp() override {
    for (std::uint64_t seed = 40;; ++seed) {  // a world with what the tamperings need
      world = std::make_unique<BookingWorld>(seed);
      world->run();
      if (world->state.tickets.size() < 5) continue;
      if (redis(1).states.size() == redis(1).seats || redis(2).states.size() == redis(2).seats) {
        continue;
      }
      if (const LedgerEntry* seen = confirmed_entry()) {
        sold = *seen;
        break;
      }
    }
    ASSERT_EQ(complaints(judge(*world)), "");
  }
  const LedgerEntry* confirmed_entry() {
    for (const LedgerEntry& entry : world->ledger.entries()) {
      if (entry.kind != LedgerKind::confirmed || entry.state != "CONFIRMED") continue;
      for (const StoredTicket& t : world->state.tickets) {
        if (std::to_string(t.order) == entry.key) return &entry;
      }
    }
    return nullptr;
  }
  StoredOrder& order_of(const std::string& id) {
    return *std::find_if(world->state.orders.begin(), world->state.orders.end(),
                         [&id](const StoredOrder& o) { return std::to_string(o.id) == id; });
  }
  RedisEvent& redis(std::uint64_t event) { return world->state.redis[event - 1]; }
  void change_ledger(const std::function<void(std::vector<LedgerEntry>&)>& change) {
    std::vector<LedgerEntry> entries(world->ledger.entries().begin(),
                                     world->ledger.entries().end());
    change(entries);
    Ledger changed;
    for (LedgerEntry& entry : entries) changed.append(std::move(entry));
    world->ledger = std::move(changed);
  }
  // A seat that nobody has, in an event.
  std::uint32_t free_seat(std::uint64_t event) {
    std::uint32_t seat = 0;
    while (redis(event).states.contains(seat)) ++seat;
    return seat;
  }
  void set_cell(std::uint64_t event, std::uint32_t seat, unsigned value) {
    auto byte = static_cast<unsigned char>(redis(event).bitmap[seat / 4]);
    const unsigned shift = 6 - 2 * (seat % 4);
    byte = static_cast<unsigned char>((byte & ~(3U << shift)) | (value << shift));
    redis(event).bitmap[seat / 4] = static_cast<char>(byte);
  }
  // The rule is broken, its witness has the text, and only the allowed rules are broken beside it.
  void expect_broken(const std::string& rule, const std::string& witness,
                     const std::set<std::string>& also = {}) {
    const std::vector<Finding> all = judge(*world);
    const Finding& one = finding(all, rule);
    EXPECT_EQ(one.verdict, Verdict::broken_invariant) << rule << " " << one.measured;
    EXPECT_GT(one.figure, 0);
    const std::string samples = fmt::format("{}", fmt::join(one.samples, "\n"));
    EXPECT_NE(samples.find(witness), std::string::npos)
        << rule << " should name '" << witness << "': " << samples;
    for (const Finding& other : all) {
      if (other.rule == rule || also.contains(other.rule)) continue;
      EXPECT_EQ(other.verdict, Verdict::pass) << other.rule << ": " << complaints({other});
    }
  }
  std::string seat_text() const {
    return fmt::format("event {} seat {}", sold.event, sold.seats.at(0));
  }

  std::unique_ptr<BookingWorld> world;
  LedgerEntry sold;  // a confirmation that a client saw
};

TEST_F(Tampered, SqlChecksAreTakenAsCounted) {
  for (SqlCheck& check : world->state.sql_checks) {
    check.bad = 2;
    check.samples = {"event 1 seat 3: " + check.id};
    std::set<std::string> also;
    if (check.id <= "A3") also.insert("OVERSELL");
    expect_broken(check.id, "event 1 seat 3: " + check.id, also);
    EXPECT_EQ(finding(judge(*world), check.id).figure, 2);
    if (check.id == "A2") EXPECT_EQ(finding(judge(*world), "OVERSELL").figure, 2);
    check.bad = 0;
  }
}

TEST_F(Tampered, R1TicketOfAnotherOrder) {
  const std::string& state = redis(sold.event).states[sold.seats[0]];
  redis(sold.event).states[sold.seats[0]] = state.substr(0, state.rfind(':')) + ":4711";
  expect_broken("R1", seat_text(), {"R3"});
}

TEST_F(Tampered, R2PendingOrderWhoseSeatIsFree) {
  const std::uint32_t seat = free_seat(1);
  StoredOrder order;
  order.id = 5;
  order.user = 3;
  order.event = 1;
  order.epoch = 1;
  order.status = "PAYMENT_PENDING";
  order.all_seats = order.live_seats = {seat};
  world->state.orders.push_back(order);
  redis(1).states[seat] = fmt::format("P:3:5:{}:9", redis(1).now_ms + 1000);
  set_cell(1, seat, 1);
  ++redis(1).quota[3];
  // A session that the end cut off: the seat is taken until the order's time to pay is over …
  for (const Finding& finding : judge(*world)) {
    EXPECT_EQ(finding.verdict, Verdict::pass) << finding.rule << " " << finding.measured;
  }
  // … and pending longer than that is undersell, though Redis and MySQL agree.
  world->state.orders.back().overdue = true;
  expect_broken("UNDERSELL", fmt::format("event 1 seat {}", seat));
  redis(1).states.erase(seat);
  set_cell(1, seat, 0);
  if (--redis(1).quota[3] == 0) redis(1).quota.erase(3);
  expect_broken("R2", fmt::format("event 1 seat {}: order 5 of user 3", seat), {"UNDERSELL"});
}

TEST_F(Tampered, R3SeatLostToNobody) {
  const std::uint32_t seat = free_seat(2);
  redis(2).states[seat] = "P:3:77:1:9";
  set_cell(2, seat, 1);
  ++redis(2).quota[3];
  expect_broken("R3", fmt::format("event 2 seat {}", seat), {"UNDERSELL"});
}

TEST_F(Tampered, R4QuotaThatWasNotGivenBack) {
  ++redis(1).quota[3];
  expect_broken("R4", "event 1 user 3");
}

TEST_F(Tampered, R5SeatMapThatShowsASoldSeatAsFree) {
  set_cell(sold.event, sold.seats[0], 0);
  expect_broken("R5", seat_text());
}

TEST_F(Tampered, R6HoldWithoutExpiry) {
  const std::uint32_t seat = free_seat(1);
  const std::int64_t expires = redis(1).now_ms + 5000;
  redis(1).states[seat] = fmt::format("H:3:abc:{}:9", expires);
  redis(1).holds["abc"] = fmt::format("3|{}|9|{}", expires, seat);
  set_cell(1, seat, 1);
  ++redis(1).quota[3];
  expect_broken("R6", fmt::format("event 1 seat {}", seat));
  redis(1).expiries[seat] = expires;
  EXPECT_EQ(complaints(judge(*world)), "");
  redis(1).expiries[seat] = expires + 1;
  expect_broken("R6", fmt::format("event 1 seat {}", seat));
}

TEST_F(Tampered, R6HoldRecordWithoutItsSeat) {
  const std::uint32_t seat = free_seat(1);
  redis(1).holds["abc"] = fmt::format("3|{}|9|{}", redis(1).now_ms + 5000, seat);
  expect_broken("R6", fmt::format("event 1 seat {}", seat));
}

TEST_F(Tampered, R6ExpiryWithoutAHold) {
  redis(sold.event).expiries[sold.seats[0]] = 5;
  expect_broken("R6", seat_text());
}

TEST_F(Tampered, R7TwiceInTheQueue) {
  RedisEvent& event = redis(1);
  event.waiting["99"] = 1;
  event.admitted["99"] = 2;
  event.queue_counters["entered"] += 2;
  expect_broken("R7", "event 1 user 99");
}

TEST_F(Tampered, R7LostInTheQueue) {
  ++redis(2).queue_counters["entered"];
  expect_broken("R7", "event 2:");
}

TEST_F(Tampered, L1SeatConfirmedToTwo) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    LedgerEntry other = sold;
    other.user = 999;
    other.key = "888";
    entries.push_back(other);
    other.kind = LedgerKind::order;  // asked for, so that only the sale is wrong
    entries.push_back(other);
  });
  expect_broken("L1", seat_text(), {"OVERSELL", "L2", "L5", "LOST_SALE", "L4"});
  const std::vector<Finding> all = judge(*world);
  EXPECT_NE(finding(all, "L1").samples.at(0).find("999"), std::string::npos);
  EXPECT_NE(finding(all, "L1").samples.at(0).find(std::to_string(sold.user)), std::string::npos);
  EXPECT_EQ(finding(all, "OVERSELL").verdict, Verdict::broken_invariant);
}

TEST_F(Tampered, L2ConfirmationWithoutATicket) {
  std::erase_if(world->state.tickets, [this](const StoredTicket& t) {
    return t.event == sold.event && t.seat == sold.seats[0];
  });
  expect_broken("L2", seat_text(), {"LOST_SALE", "UNDERSELL"});
}

TEST_F(Tampered, L2TicketOfSomebodyElse) {
  for (StoredTicket& t : world->state.tickets) {
    if (t.event == sold.event && t.seat == sold.seats[0]) t.user = 999;
  }
  expect_broken("L2", seat_text(), {"LOST_SALE", "R1", "L3"});
}

TEST_F(Tampered, L3TicketThatNobodyAskedFor) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    std::erase_if(entries, [this](const LedgerEntry& entry) {
      return entry.user == sold.user && entry.event == sold.event &&
             (entry.certainty == Certainty::unknown || entry.key == sold.key ||
              entry.reference == sold.key);
    });
  });
  expect_broken("L3", seat_text());
}

TEST_F(Tampered, L3TicketOfAnOrderThatWasReadAsCancelled) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    for (LedgerEntry& entry : entries) {
      if (entry.kind == LedgerKind::confirmed && entry.key == sold.key) entry.state = "CANCELLED";
    }
  });
  expect_broken("L3", seat_text());
}

TEST_F(Tampered, L3LostAnswerExcusesTheTicket) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    std::erase_if(entries, [this](const LedgerEntry& entry) {
      return entry.kind != LedgerKind::order && entry.key == sold.key;
    });
    for (LedgerEntry& entry : entries) {
      if (entry.kind != LedgerKind::order || entry.key != sold.key) continue;
      entry.certainty = Certainty::unknown;
      entry.key.clear();
    }
  });
  EXPECT_EQ(finding(judge(*world), "L3").verdict, Verdict::pass);
}

LedgerEntry hold_entry(std::uint64_t user, const char* id, std::uint64_t fence) {
  LedgerEntry hold;
  hold.kind = LedgerKind::hold;
  hold.certainty = Certainty::applied;
  hold.user = hold.session = user;
  hold.event = 7;
  hold.seats = {17};
  hold.key = id;
  hold.fence = fence;
  return hold;
}
TimePoint at_ms(std::int64_t ms) { return TimePoint{std::chrono::milliseconds{ms}}; }

// One seat, hand-made: user 12 holds from 10 to 5000 ms, user 40 gets it at 1000 ms.
class Overlap : public testing::Test {
 protected:
  Overlap() {
    options.wall_offset = Nanos{0};
    first = hold_entry(12, "a", 1);
    first.invoked = at_ms(5);
    first.completed = at_ms(10);
    first.expires_ms = 5000;
    second = hold_entry(40, "b", 2);
    second.invoked = at_ms(990);
    second.completed = at_ms(1000);
    second.expires_ms = 6000;
  }
  LedgerEntry deed(LedgerKind kind, std::int64_t begun, Certainty certainty) const {
    LedgerEntry entry = first;
    entry.kind = kind;
    entry.key = kind == LedgerKind::order || kind == LedgerKind::confirmed ? "71" : "a";
    entry.expires_ms = 0;
    entry.certainty = certainty;
    entry.invoked = at_ms(begun);
    entry.completed = at_ms(begun + 10);
    return entry;
  }
  Finding l4(const std::vector<LedgerEntry>& entries) const {
    Ledger ledger;
    for (const LedgerEntry& entry : entries) ledger.append(entry);
    return finding(booking_invariants(ledger, FinalState{}, options), "L4");
  }
  InvariantOptions options;
  LedgerEntry first, second;
};

TEST_F(Overlap, TwoAcknowledgedHoldsAtOnce) {
  const Finding found = l4({first, second});
  EXPECT_EQ(found.verdict, Verdict::broken_invariant);
  ASSERT_EQ(found.samples.size(), 1U);
  EXPECT_NE(found.samples[0].find("event 7 seat 17"), std::string::npos) << found.samples[0];
  EXPECT_NE(found.samples[0].find("user 12"), std::string::npos);
  EXPECT_NE(found.samples[0].find("user 40"), std::string::npos);
}
TEST_F(Overlap, AnotherSeatOrEventIsNone) {
  second.seats = {18};
  EXPECT_EQ(l4({first, second}).verdict, Verdict::pass);
  second.seats = {17};
  second.event = 8;
  EXPECT_EQ(l4({first, second}).verdict, Verdict::pass);
}
TEST_F(Overlap, AfterTheExpiryWithinTheClockErrorIsNone) {
  second.completed = at_ms(4951);
  EXPECT_EQ(l4({first, second}).verdict, Verdict::pass);
  second.completed = at_ms(4949);
  EXPECT_EQ(l4({first, second}).verdict, Verdict::broken_invariant);
}
TEST_F(Overlap, ExpiryIsReadOnTheTargetsClock) {
  options.wall_offset = std::chrono::seconds{100};
  EXPECT_EQ(l4({first, second}).verdict, Verdict::pass) << "by our clock it was over before";
  first.expires_ms += 100'000;
  second.expires_ms += 100'000;
  EXPECT_EQ(l4({first, second}).verdict, Verdict::broken_invariant);
}
TEST_F(Overlap, AReleaseOfAnyFateEndsIt) {
  for (const Certainty fate : {Certainty::applied, Certainty::unknown, Certainty::not_applied}) {
    EXPECT_EQ(l4({first, deed(LedgerKind::release, 500, fate), second}).verdict, Verdict::pass);
  }
  EXPECT_EQ(l4({first, deed(LedgerKind::release, 1001, Certainty::applied), second}).verdict,
            Verdict::broken_invariant)
      << "begun after the other had it";
}
TEST_F(Overlap, SomebodyElsesReleaseEndsNothing) {
  LedgerEntry foreign = deed(LedgerKind::release, 500, Certainty::applied);
  foreign.user = 40;
  EXPECT_EQ(l4({first, foreign, second}).verdict, Verdict::broken_invariant);
}
TEST_F(Overlap, AReleaseOfAnotherHoldEndsNothing) {
  LedgerEntry other = deed(LedgerKind::release, 500, Certainty::applied);
  other.key = "another";
  other.seats = {3};
  EXPECT_EQ(l4({first, other, second}).verdict, Verdict::broken_invariant);
}
TEST_F(Overlap, AnOrderOfUnknownEndMayEndIt) {
  for (const Certainty fate : {Certainty::applied, Certainty::unknown, Certainty::not_applied}) {
    EXPECT_EQ(l4({first, deed(LedgerKind::order, 500, fate), second}).verdict, Verdict::pass);
  }
}
TEST_F(Overlap, AConfirmedOrderKeepsTheSeatForEver) {
  LedgerEntry confirmed = deed(LedgerKind::confirmed, 700, Certainty::applied);
  confirmed.state = "CONFIRMED";
  second.invoked = at_ms(90'000);
  second.completed = at_ms(90'010);
  second.expires_ms = 95'000;
  const LedgerEntry order = deed(LedgerKind::order, 500, Certainty::applied);
  EXPECT_EQ(l4({first, order, confirmed, second}).verdict, Verdict::broken_invariant);
  const LedgerEntry cancelled = [&] {
    LedgerEntry entry = deed(LedgerKind::cancel, 800, Certainty::unknown);
    entry.key = "71";
    return entry;
  }();
  EXPECT_EQ(l4({first, order, confirmed, cancelled, second}).verdict, Verdict::pass);
}
TEST_F(Overlap, AnExtensionCountsWhenAcknowledged) {
  second.invoked = at_ms(5500);
  second.completed = at_ms(5510);
  second.expires_ms = 9000;
  LedgerEntry extended = deed(LedgerKind::extend, 500, Certainty::applied);
  extended.expires_ms = 8000;
  EXPECT_EQ(l4({first, extended, second}).verdict, Verdict::broken_invariant);
  extended.certainty = Certainty::unknown;
  EXPECT_EQ(l4({first, extended, second}).verdict, Verdict::pass);
}
TEST_F(Overlap, AnExpiryThatWasNotToldProvesNothing) {
  first.expires_ms = 0;
  EXPECT_EQ(l4({first, second}).verdict, Verdict::pass);
}
TEST_F(Overlap, TheSameHoldAnsweredTwiceIsNone) {
  second.user = second.session = 12;
  second.key = "a";
  EXPECT_EQ(l4({first, second}).verdict, Verdict::pass);
}

TEST_F(Tampered, L4MoreConfirmedThanHeld) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    for (LedgerEntry& entry : entries) {
      if (entry.kind != LedgerKind::hold || entry.event != sold.event) continue;
      std::erase(entry.seats, sold.seats[0]);
    }
  });
  expect_broken("L4", seat_text());
}

// Seats of an auction are sold without a hold, beside an ordinary sale.
TEST_F(Tampered, L4SaysNothingOfAnEventWithoutRecordedHolds) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    std::erase_if(entries, [this](const LedgerEntry& entry) {
      return entry.kind == LedgerKind::hold && entry.event == sold.event;
    });
  });
  EXPECT_EQ(finding(judge(*world), "L4").verdict, Verdict::pass);
}

TEST_F(Tampered, L5PaidAndNotConfirmed) {
  StoredOrder& order = order_of(sold.key);
  order.status = "EXPIRED";
  expect_broken("L5", fmt::format("event {} seats {}", sold.event, order.all_seats[0]));
  order.status = "REFUNDED";
  EXPECT_EQ(finding(judge(*world), "L5").verdict, Verdict::pass);
}

TEST_F(Tampered, L7OneKeyTwoOrders) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    for (const LedgerEntry& entry : entries) {
      if (entry.kind != LedgerKind::order || entry.key != sold.key) continue;
      LedgerEntry twin = entry;
      twin.key = "4711";
      entries.push_back(twin);
      return;
    }
  });
  expect_broken("L7", fmt::format("event {} seats {}", sold.event, sold.seats[0]));
}

// The answer of the first order to a request for other seats: the body was not looked at.
TEST_F(Tampered, L7OneKeyTwoRequests) {
  change_ledger([this](std::vector<LedgerEntry>& entries) {
    for (const LedgerEntry& entry : entries) {
      if (entry.kind != LedgerKind::order || entry.key != sold.key) continue;
      LedgerEntry twin = entry;
      for (std::uint32_t& seat : twin.seats) seat += 1;
      entries.push_back(twin);
      return;
    }
  });
  expect_broken("L7", fmt::format("event {} seats {}", sold.event, sold.seats[0]));
}

// --- Admission order, hand-made
// --------------------------------------------------------------------

class Admissions : public testing::Test {
 protected:
  void visit(std::uint64_t user, std::int64_t entered, std::int64_t admitted_ms,
             std::uint64_t session = 0) {
    LedgerEntry entry;
    entry.kind = LedgerKind::enter;
    entry.certainty = Certainty::applied;
    entry.user = user;
    entry.session = session == 0 ? user : session;
    entry.event = 1;
    entry.invoked = at_ms(entered);
    entry.completed = at_ms(entered + 10);
    ledger.append(entry);
    entry.kind = LedgerKind::admitted;
    entry.invoked = at_ms(entered + 10);
    entry.completed = at_ms(admitted_ms);
    ledger.append(entry);
  }
  Finding l8() const { return finding(booking_invariants(ledger, FinalState{}), "L8"); }
  Ledger ledger;
};

TEST_F(Admissions, InOrderPass) {
  for (int user = 1; user <= 100; ++user)
    visit(static_cast<std::uint64_t>(user), user * 20, 5000 + user * 100);
  EXPECT_EQ(l8().verdict, Verdict::pass);
  EXPECT_EQ(l8().measured, "0 of 100 admissions");
}
TEST_F(Admissions, OvertakingIsNamed) {
  visit(1, 0, 9000);
  visit(2, 100, 5000);
  const Finding found = l8();
  EXPECT_EQ(found.verdict, Verdict::broken_invariant);
  EXPECT_NE(found.samples.at(0).find("event 1: user 2 entered"), std::string::npos);
  EXPECT_NE(found.samples.at(0).find("user 1"), std::string::npos);
}
TEST_F(Admissions, LateNewsOfOneBatchIsNone) {
  visit(1, 0, 6900);
  visit(2, 100, 5000);
  EXPECT_EQ(l8().verdict, Verdict::pass);
}
TEST_F(Admissions, ConcurrentEntriesHaveNoOrder) {
  visit(1, 0, 9000);
  visit(2, 5, 5000);
  EXPECT_EQ(l8().verdict, Verdict::pass);
}
TEST_F(Admissions, ASecondSessionMayHaveAnOldPlace) {
  visit(2, 0, 100);
  visit(1, 1000, 9000);
  visit(2, 2000, 5000, 22);
  EXPECT_EQ(l8().verdict, Verdict::pass);
}
TEST_F(Admissions, AfterAnAcknowledgedLeaveThePlaceIsNew) {
  visit(2, 0, 100);
  LedgerEntry leave;
  leave.kind = LedgerKind::leave;
  leave.certainty = Certainty::applied;
  leave.user = leave.session = 2;
  leave.event = 1;
  leave.invoked = at_ms(200);
  leave.completed = at_ms(210);
  ledger.append(leave);
  visit(1, 1000, 9000);
  visit(2, 2000, 5000, 22);
  EXPECT_EQ(l8().verdict, Verdict::broken_invariant);
}

}  // namespace
}  // namespace stampede
