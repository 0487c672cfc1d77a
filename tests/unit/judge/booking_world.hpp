// A correct booking server with impatient clients, in simulated time: histories and final states
// that no invariant may object to. Answers get lost, holds run out, payments are declined, orders
// expire, people leave, retry with the same key, and come back as another session.
#pragma once

#include <random>
#include <set>

#include "harness/judge/invariants.hpp"

namespace stampede {

class BookingWorld {
 public:
  // Bugs that a server may have; a world with one must be objected to.
  enum class Bug : std::uint8_t { none, holds_overlap, last_come_first_served, sale_forgotten };
  explicit BookingWorld(std::uint64_t seed, Bug bug = Bug::none);
  // Runs to the end, then until every hold and order has come to its end.
  void run();

  Ledger ledger;
  FinalState state;
  InvariantOptions options;
  std::uint64_t holds_lapsed = 0, orders_expired = 0, orders_declined = 0, refunds = 0, unknown = 0;

 private:
  using Ms = std::int64_t;
  struct Seat {
    char kind = 'f';
    std::uint64_t user = 0, order = 0, fence = 0;
    std::string hold;
    Ms expires = 0;
  };
  struct Order {
    StoredOrder stored;
    Ms expires = 0;
    std::string key;  // idempotency
  };
  // One client's session: what it is doing, as far as the next step needs it.
  struct Session {
    std::uint64_t number = 0, user = 0, event = 0;
    std::string hold, order, key;
    std::vector<std::uint32_t> seats;
    Ms admitted_at = -1;
  };
  using SessionPtr = std::shared_ptr<Session>;
  struct Place {
    std::uint64_t user = 0;
    SessionPtr session;
    Ms invoked = 0;
  };
  struct Room {
    std::vector<Place> waiting;
    std::set<std::uint64_t> admitted;
    std::map<std::string, std::int64_t> counters;
    std::uint64_t fence = 0;
    std::vector<Seat> seats;
  };

  // One exchange: the effect happens at an instant between invocation and completion, or, when the
  // request is lost on its way, never. `effect` fills the answer; `then` is the client's next step.
  struct Answer {
    Certainty certainty = Certainty::applied;
  };
  using Effect = std::function<void(LedgerEntry&, Answer&)>;
  using Next = std::function<void(const LedgerEntry&)>;
  void exchange(const SessionPtr& session, LedgerKind kind, const Effect& effect, const Next& then);

  void begin_session(std::uint64_t user);
  void enter(const SessionPtr& session);
  void await_admission(const SessionPtr& session, Ms began);
  void look_around(const SessionPtr& session, int tries);
  void keep_or_release(const SessionPtr& session);
  void place_order(const SessionPtr& session, bool again);
  void pay(const SessionPtr& session);
  void read_result(const SessionPtr& session);
  void cancel(const SessionPtr& session);
  void leave(const SessionPtr& session);
  void admit(std::uint64_t event);

  void end_order(Order& order, const char* status);
  void free_seats(std::uint64_t event, const std::string& hold);
  void write_state();

  [[nodiscard]] bool chance(double p) {
    return std::uniform_real_distribution<>(0, 1)(random_) < p;
  }
  [[nodiscard]] Ms between(Ms a, Ms b) { return std::uniform_int_distribution<Ms>(a, b)(random_); }
  void at(Ms time, std::function<void()> action) { agenda_.emplace(time, std::move(action)); }
  [[nodiscard]] TimePoint local(Ms time) const {
    return TimePoint{std::chrono::milliseconds{time}};
  }

  static constexpr std::uint32_t seats_per_event = 24;
  static constexpr std::uint64_t users = 16;
  static constexpr Ms end_of_load = 30'000, hold_ttl = 4'000, pay_window = 6'000;

  Bug bug_;
  std::mt19937_64 random_;
  std::multimap<Ms, std::function<void()>> agenda_;
  Ms now_ = 0;
  Ms skew_ = 0;  // target's clock minus ours, beside the offset
  std::map<std::uint64_t, Room> rooms_;
  std::map<std::uint64_t, Order> orders_;
  std::vector<StoredPayment> payments_;
  std::uint64_t next_session_ = 1, next_order_ = 1000, next_hold_ = 1;
};

}  // namespace stampede
