// L1–L5, L7 and L8: what the clients were told, against each other and against MySQL.
#include <set>
#include <unordered_set>

#include "harness/judge/booking_checks.hpp"
#include "harness/judge/booking_holds.hpp"

namespace stampede {
namespace {

using SeatOf = std::pair<std::uint64_t, std::uint32_t>;  // event, seat
using UserOf = std::pair<std::uint64_t, std::uint64_t>;  // event, user

// How many of a seat's owners one witness names.
constexpr std::size_t parties_max = 4;

// A confirmation that a client read, once per order and seat.
struct Confirmation {
  std::uint64_t event = 0, user = 0;
  std::uint32_t seat = 0;
  std::string order;
  auto operator<=>(const Confirmation&) const = default;
};

std::optional<std::uint64_t> order_number(const std::string& text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || text.empty()) return std::nullopt;
  return value;
}

bool order_is_over(const std::string& state) {
  return state == "CANCELLED" || state == "EXPIRED" || state == "REFUND_PENDING" ||
         state == "REFUNDED";
}

// The ledger and the tables, arranged for the questions below. All pointers are into the arguments.
class Record {
 public:
  Record(const Ledger& ledger, const FinalState& state);

  const Ledger& ledger;
  const FinalState& state;
  std::set<Confirmation> confirmations;
  std::vector<const LedgerEntry*> seatless;   // confirmations of which nobody knows the seats
  std::unordered_set<std::string> cancelled;  // order ids somebody tried to cancel
  std::unordered_map<std::uint64_t, const StoredOrder*> orders;
  std::map<SeatOf, std::vector<const StoredTicket*>> tickets;

  [[nodiscard]] const StoredOrder* order(const std::string& id) const {
    const auto number = order_number(id);
    const auto found = number ? orders.find(*number) : orders.end();
    return found == orders.end() ? nullptr : found->second;
  }

 private:
  void confirm(const LedgerEntry& entry,
               const std::unordered_map<std::string, const LedgerEntry*>& asked);
};

Record::Record(const Ledger& the_ledger, const FinalState& the_state)
    : ledger(the_ledger), state(the_state) {
  for (const StoredOrder& stored : state.orders) orders.emplace(stored.id, &stored);
  for (const StoredTicket& t : state.tickets) tickets[{t.event, t.seat}].push_back(&t);
  std::unordered_map<std::string, const LedgerEntry*> asked;
  for (const LedgerEntry& entry : ledger.entries()) {
    if (entry.kind == LedgerKind::order && entry.certainty == Certainty::applied) {
      asked.emplace(entry.key, &entry);
    }
    if (entry.kind == LedgerKind::cancel && entry.certainty != Certainty::not_applied) {
      cancelled.insert(entry.key.empty() ? entry.reference : entry.key);
    }
  }
  for (const LedgerEntry& entry : ledger.entries()) {
    if (entry.kind == LedgerKind::confirmed && entry.certainty == Certainty::applied &&
        entry.state == "CONFIRMED" && !cancelled.contains(entry.key)) {
      confirm(entry, asked);
    }
  }
}

// The seats are the entry's, or those of the order as asked for, or those stored.
void Record::confirm(const LedgerEntry& entry,
                     const std::unordered_map<std::string, const LedgerEntry*>& asked) {
  const auto request = asked.find(entry.key);
  const LedgerEntry* ordered = request == asked.end() ? nullptr : request->second;
  const StoredOrder* stored = order(entry.key);
  std::uint64_t event = entry.event;
  if (event == 0 && ordered) event = ordered->event;
  if (event == 0 && stored) event = stored->event;
  const std::vector<std::uint32_t>* seats = &entry.seats;
  if (seats->empty() && ordered) seats = &ordered->seats;
  if (seats->empty() && stored) seats = &stored->all_seats;
  if (seats->empty()) seatless.push_back(&entry);
  for (const std::uint32_t seat : *seats) {
    confirmations.insert({event, entry.user, seat, entry.key});
  }
}

// L1: rests on nothing but what the clients were told.
void confirmed_once(const Record& record, InvariantCheck& check) {
  std::map<SeatOf, std::vector<const Confirmation*>> by_seat;
  for (const Confirmation& c : record.confirmations) by_seat[{c.event, c.seat}].push_back(&c);
  for (const auto& [seat, who] : by_seat) {
    ++check.examined;
    if (who.size() < 2) continue;
    std::string users, orders;
    for (std::size_t i = 0; i < std::min(who.size(), parties_max); ++i) {
      users += fmt::format("{}{}", i == 0 ? "" : " and ", who[i]->user);
      orders += fmt::format("{}{}", i == 0 ? "" : ", ", who[i]->order);
    }
    if (who.size() > parties_max) {
      users += fmt::format(" and {} more", who.size() - parties_max);
      orders += ", …";
    }
    check.fail(
        fmt::format("{}: users {}, orders {}", seat_name(seat.first, seat.second), users, orders));
  }
}

// L2
void confirmations_are_tickets(const Record& record, InvariantCheck& check) {
  for (const Confirmation& c : record.confirmations) {
    ++check.examined;
    const auto found = record.tickets.find({c.event, c.seat});
    const bool has = found != record.tickets.end() &&
                     std::any_of(found->second.begin(), found->second.end(),
                                 [&c](const StoredTicket* t) { return t->user == c.user; });
    if (has) continue;
    const StoredOrder* order = record.order(c.order);
    check.fail(fmt::format(
        "{}: user {} was told that order {} is CONFIRMED; the ticket is {}, the "
        "order {}",
        seat_name(c.event, c.seat), c.user, c.order,
        found == record.tickets.end() ? std::string("missing")
                                      : fmt::format("user {}'s", found->second[0]->user),
        order ? order->status : "does not exist"));
  }
  for (const LedgerEntry* entry : record.seatless) {
    ++check.examined;
    check.fail(
        fmt::format("event {}: user {} was told that order {} is CONFIRMED; it does not exist",
                    entry->event, entry->user, entry->key));
  }
}

// What clients know of one order.
struct Knowledge {
  std::set<std::uint64_t> users;
  std::string over;  // a final state other than CONFIRMED that somebody read
};

// L3: a ticket that nobody asked for, or of whose order a client was told that it had come to
// nothing.
void tickets_were_asked_for(const Record& record, InvariantCheck& check) {
  std::unordered_map<std::string, Knowledge> known;
  std::map<UserOf, std::vector<const LedgerEntry*>> unknown;
  for (const LedgerEntry& entry : record.ledger.entries()) {
    const bool order = entry.kind == LedgerKind::order;
    if (order && entry.certainty == Certainty::unknown) {
      unknown[{entry.event, entry.user}].push_back(&entry);
    }
    if (entry.certainty == Certainty::not_applied) continue;
    if (order || entry.kind == LedgerKind::confirmed || entry.kind == LedgerKind::cancel) {
      Knowledge& knowledge = known[entry.key];
      knowledge.users.insert(entry.user);
      if (entry.certainty == Certainty::applied && order_is_over(entry.state)) {
        knowledge.over = entry.state;
      }
    } else if (entry.kind == LedgerKind::payment) {
      known[entry.reference].users.insert(entry.user);
    }
  }
  for (const StoredTicket& t : record.state.tickets) {
    ++check.examined;
    const auto found = known.find(std::to_string(t.order));
    if (found != known.end() && !found->second.over.empty()) {
      check.fail(fmt::format("{}: user {} has a ticket, but order {} was read as {}",
                             seat_name(t.event, t.seat), t.user, t.order, found->second.over));
      continue;
    }
    if (found != known.end() && found->second.users.contains(t.user)) continue;
    const auto open = unknown.find({t.event, t.user});
    const bool may_be =
        open != unknown.end() &&
        std::any_of(open->second.begin(), open->second.end(), [&t](const LedgerEntry* entry) {
          return entry->seats.empty() ||
                 std::find(entry->seats.begin(), entry->seats.end(), t.seat) != entry->seats.end();
        });
    if (may_be) continue;
    check.fail(
        fmt::format("{}: user {} has the ticket of order {}, which no client of the run "
                    "asked for",
                    seat_name(t.event, t.seat), t.user, t.order));
  }
}

// L4, first half: nobody is sold a seat that nobody got a hold of.
void holds_cover_confirmations(const Record& record, InvariantCheck& check) {
  std::map<SeatOf, std::uint64_t> holds, confirmed;
  // Events whose holds the profile records; seats of an auction are sold without any.
  std::set<std::uint64_t> recorded;
  for (const LedgerEntry& entry : record.ledger.entries()) {
    if (entry.kind != LedgerKind::hold || entry.certainty == Certainty::not_applied) continue;
    recorded.insert(entry.event);
    for (const std::uint32_t seat : entry.seats) ++holds[{entry.event, seat}];
  }
  for (const Confirmation& c : record.confirmations) {
    if (recorded.contains(c.event)) ++confirmed[{c.event, c.seat}];
  }
  for (const auto& [seat, count] : confirmed) {
    const auto found = holds.find(seat);
    const std::uint64_t held = found == holds.end() ? 0 : found->second;
    if (held >= count) continue;
    check.fail(fmt::format("{}: confirmed {} times, held {} times",
                           seat_name(seat.first, seat.second), count, held));
  }
}

// L5
void payments_bought_something(const Record& record, InvariantCheck& check) {
  std::map<std::string, std::string> told;  // order id → how the client learned it
  for (const LedgerEntry& entry : record.ledger.entries()) {
    if (entry.certainty != Certainty::applied) continue;
    if (entry.kind == LedgerKind::payment && entry.state == "DONE") {
      told.emplace(entry.reference, fmt::format("payment {} DONE", entry.key));
    } else if (entry.kind == LedgerKind::confirmed && entry.state == "CONFIRMED") {
      told.emplace(entry.key, "CONFIRMED");
    }
  }
  std::unordered_set<std::uint64_t> refunded;
  for (const StoredPayment& payment : record.state.payments) {
    if (payment.status == "CANCELED") refunded.insert(payment.order);
  }
  for (const auto& [id, how] : told) {
    ++check.examined;
    const StoredOrder* order = record.order(id);
    if (order && (order->status == "CONFIRMED" || order->status == "REFUND_PENDING" ||
                  order->status == "REFUNDED" || refunded.contains(order->id))) {
      continue;
    }
    std::string seats = "seats unknown";
    if (order && !order->all_seats.empty()) {
      seats = fmt::format("event {} seats {}", order->event, fmt::join(order->all_seats, " "));
    }
    check.fail(fmt::format("{}: the client of order {} saw {}, but it {}", seats, id, how,
                           order ? "is " + order->status : "does not exist"));
  }
}

// L7
void same_key_same_order(const Record& record, InvariantCheck& check) {
  struct Made {
    const LedgerEntry* first = nullptr;
    const LedgerEntry* other = nullptr;  // that was answered alike and had asked for other seats
    std::set<std::string> orders;
  };
  std::map<std::pair<std::uint64_t, std::string>, Made> by_key;
  for (const LedgerEntry& entry : record.ledger.entries()) {
    if (entry.kind != LedgerKind::order || entry.certainty != Certainty::applied) continue;
    if (entry.key.empty() || entry.reference.empty()) continue;
    Made& made = by_key[{entry.user, entry.reference}];
    if (!made.first) made.first = &entry;
    made.orders.insert(entry.key);
    if (!entry.seats.empty() && entry.seats != made.first->seats) made.other = &entry;
  }
  for (const auto& [key, made] : by_key) {
    ++check.examined;
    if (made.orders.size() < 2 && made.other != nullptr) {
      check.fail(
          fmt::format("event {} seats {}: key {} of user {} made order {}, which was also "
                      "the answer when seats {} were asked for",
                      made.first->event, fmt::join(made.first->seats, " "), key.second, key.first,
                      made.first->key, fmt::join(made.other->seats, " ")));
    }
    if (made.orders.size() < 2) continue;
    check.fail(fmt::format("event {} seats {}: key {} of user {} made orders {}", made.first->event,
                           fmt::join(made.first->seats, " "), key.second, key.first,
                           fmt::join(made.orders, ", ")));
  }
}

// One visit to a waiting room: when its place was taken at the earliest and at the latest, and when
// its owner heard of the admission.
struct Visit {
  std::uint64_t event = 0, user = 0;
  TimePoint invoked = TimePoint::max(), completed, admitted;
};

// Finds the visits whose place is surely the one that their own session took: a user who comes back
// without having left keeps the old place, which is earlier than the new session's entry.
class VisitFinder {
 public:
  void add(const LedgerEntry& entry) { seen_[{entry.event, entry.user}].push_back(&entry); }
  [[nodiscard]] std::vector<Visit> visits() {
    std::vector<Visit> found;
    for (auto& [who, entries] : seen_) {
      std::sort(entries.begin(), entries.end(), [](const LedgerEntry* a, const LedgerEntry* b) {
        return std::pair(a->invoked, a) < std::pair(b->invoked, b);
      });
      follow(who, entries, found);
    }
    return found;
  }

 private:
  // One user's way through one event: session after session.
  static void follow(const UserOf& who, const std::vector<const LedgerEntry*>& entries,
                     std::vector<Visit>& found) {
    const Visit nothing{who.first, who.second, TimePoint::max(), {}, {}};
    Visit visit = nothing;
    std::uint64_t session = entries.front()->session;
    bool open = true;           // this session may still give a visit
    bool outside = false;       // has left, acknowledged
    bool entry_unsure = false;  // an entry of unknown fate may yet take effect, or did
    TimePoint left_at;
    for (const LedgerEntry* entry : entries) {
      if (entry->session != session) {
        session = entry->session;
        open = outside && !entry_unsure && left_at < entry->invoked;
        outside = entry_unsure = false;
        visit = nothing;
      }
      if (entry->kind == LedgerKind::leave) {
        open = false;
        outside = entry->certainty == Certainty::applied;
        left_at = entry->completed;
      } else if (entry->kind == LedgerKind::enter) {
        outside = false;
        if (entry->certainty == Certainty::not_applied) continue;
        entry_unsure = entry_unsure || entry->certainty == Certainty::unknown;
        visit.invoked = std::min(visit.invoked, entry->invoked);
        visit.completed = std::max(visit.completed, entry->completed);
      } else if (open && entry->certainty == Certainty::applied &&
                 visit.invoked != TimePoint::max()) {
        visit.admitted = entry->completed;
        found.push_back(visit);
        open = false;
      } else {
        open = false;  // given up or silent: what comes later is a new place
      }
    }
  }

  std::map<UserOf, std::vector<const LedgerEntry*>> seen_;
};

// L8: in the order of certain entry, nobody may be admitted long before somebody who was there
// first.
void admitted_in_order(const Record& record, const InvariantOptions& options,
                       InvariantCheck& check) {
  VisitFinder finder;
  for (const LedgerEntry& entry : record.ledger.entries()) {
    if (entry.kind == LedgerKind::enter || entry.kind == LedgerKind::admitted ||
        entry.kind == LedgerKind::leave) {
      finder.add(entry);
    }
  }
  std::map<std::uint64_t, std::vector<Visit>> by_event;
  for (const Visit& visit : finder.visits()) by_event[visit.event].push_back(visit);
  for (auto& [event, later] : by_event) {
    std::vector<Visit> earlier = later;
    std::sort(earlier.begin(), earlier.end(),
              [](const Visit& a, const Visit& b) { return a.completed < b.completed; });
    std::sort(later.begin(), later.end(),
              [](const Visit& a, const Visit& b) { return a.invoked < b.invoked; });
    const Visit* last = nullptr;  // of those certainly in before `one`: the one admitted last
    std::size_t next = 0;
    for (const Visit& one : later) {
      ++check.examined;
      for (; next < earlier.size() && earlier[next].completed < one.invoked; ++next) {
        if (!last || earlier[next].admitted > last->admitted) last = &earlier[next];
      }
      if (!last || last->admitted - one.admitted <= options.admission_lag) continue;
      check.fail(
          fmt::format("event {}: user {} entered {:.3f} s after user {} and was admitted "
                      "{:.3f} s before",
                      event, one.user, to_seconds(one.invoked - last->completed), last->user,
                      to_seconds(last->admitted - one.admitted)));
    }
  }
}

}  // namespace

std::vector<InvariantCheck> ledger_checks(const Ledger& ledger, const FinalState& state,
                                          const InvariantOptions& options) {
  std::vector<InvariantCheck> checks{
      {"L1", "no seat was confirmed to two users", "seats", 0, 0, {}, ""},
      {"L2",
       "every confirmation that a client saw is that user's ticket",
       "confirmations",
       0,
       0,
       {},
       ""},
      {"L3", "every ticket was asked for by a client", "tickets", 0, 0, {}, ""},
      {"L4", "two holds of one seat never existed at once", "holds", 0, 0, {}, ""},
      {"L5",
       "every payment that a client saw bought the order or was refunded",
       "payments",
       0,
       0,
       {},
       ""},
      {"L7", "the same idempotency key always made the same order", "keys", 0, 0, {}, ""},
      {"L8", "people were admitted in the order in which they came", "admissions", 0, 0, {}, ""}};
  const auto not_run = [&checks](std::initializer_list<std::size_t> which,
                                 const std::string& reason) {
    for (const std::size_t i : which) {
      if (checks[i].not_run.empty()) checks[i].not_run = reason;
    }
  };
  if (ledger.entries().empty()) not_run({0, 1, 2, 3, 4, 5, 6}, "no record in the profile");
  if (!state.have_sql) {
    not_run({1, 2, 4}, state.sql_problem.empty() ? "MySQL was not read" : state.sql_problem);
  }
  const std::string lost =
      fmt::format("{} ledger entries were lost to its limit", ledger.overflow());
  // With entries missing these three could accuse a correct target.
  if (ledger.overflow() > 0) not_run({2, 3, 6}, lost);
  const Record record(ledger, state);
  const auto run = [&checks](std::size_t i, auto&& check) {
    if (checks[i].not_run.empty()) check(checks[i]);
  };
  run(0, [&](InvariantCheck& check) { confirmed_once(record, check); });
  run(1, [&](InvariantCheck& check) { confirmations_are_tickets(record, check); });
  run(2, [&](InvariantCheck& check) { tickets_were_asked_for(record, check); });
  run(3, [&](InvariantCheck& check) {
    find_overlapping_holds(ledger, options, check);
    holds_cover_confirmations(record, check);
  });
  run(4, [&](InvariantCheck& check) { payments_bought_something(record, check); });
  run(5, [&](InvariantCheck& check) { same_key_same_order(record, check); });
  run(6, [&](InvariantCheck& check) { admitted_in_order(record, options, check); });
  // What was found is true; that nothing more was found is not.
  for (InvariantCheck& check : checks) {
    if (ledger.overflow() > 0 && check.bad == 0 && check.not_run.empty()) check.not_run = lost;
  }
  return checks;
}

}  // namespace stampede
