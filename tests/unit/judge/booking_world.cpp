#include "booking_world.hpp"

namespace stampede {
namespace {
constexpr std::int64_t epoch_ms = 1'700'000'000'000;  // wall clock when ours says 0
}

BookingWorld::BookingWorld(std::uint64_t seed, Bug bug) : bug_(bug), random_(seed) {
  skew_ = between(-40, 40);
  options.wall_offset = std::chrono::milliseconds{epoch_ms};
  for (std::uint64_t event = 1; event <= 2; ++event) {
    rooms_[event].seats.resize(seats_per_event);
    at(2000, [this, event] { admit(event); });
  }
  for (std::uint64_t user = 1; user <= users; ++user) {
    at(between(0, 3000), [this, user] { begin_session(user); });
  }
}

void BookingWorld::run() {
  while (!agenda_.empty()) {
    const auto first = agenda_.begin();
    now_ = first->first;
    const std::function<void()> action = std::move(first->second);
    agenda_.erase(first);
    action();
  }
  write_state();
}

void BookingWorld::exchange(const SessionPtr& session, LedgerKind kind, const Effect& effect,
                            const Next& then) {
  LedgerEntry entry;
  entry.kind = kind;
  entry.user = session->user;
  entry.session = session->number;
  entry.event = session->event;
  entry.invoked = local(now_);
  // What the client itself says in the request is known whatever becomes of the answer.
  entry.seats = session->seats;
  if (kind == LedgerKind::hold || kind == LedgerKind::release || kind == LedgerKind::extend) {
    entry.key = session->hold;
  } else if (kind == LedgerKind::order) {
    entry.reference = session->key;
  } else if (kind == LedgerKind::payment) {
    entry.reference = session->order;
  } else {
    entry.key = session->order;
  }
  if (kind == LedgerKind::payment || kind == LedgerKind::enter || kind == LedgerKind::leave) {
    entry.seats.clear();
    if (kind != LedgerKind::payment) entry.key.clear();
  }
  const bool request_lost = chance(0.02), answer_lost = chance(0.04);
  const Ms effect_at = now_ + between(1, chance(0.1) ? 900 : 60);
  const Ms done_at = request_lost || answer_lost ? now_ + 1000 : effect_at + between(1, 80);
  auto shared = std::make_shared<LedgerEntry>(std::move(entry));
  if (!request_lost) {
    at(effect_at, [this, shared, effect, answer_lost, done_at, then] {
      Answer answer;
      effect(*shared, answer);
      shared->certainty = answer_lost ? Certainty::unknown : answer.certainty;
      shared->outcome = answer_lost                              ? Outcome::timed_out
                        : answer.certainty == Certainty::applied ? Outcome::ok
                                                                 : Outcome::conflict;
      if (answer_lost) {  // what the answer would have told is not known
        shared->fence = 0;
        shared->expires_ms = 0;
        shared->state.clear();
        if (shared->kind == LedgerKind::order) shared->key.clear();
      }
      at(std::max(done_at, now_), [this, shared, then] {
        shared->completed = local(now_);
        unknown += shared->certainty == Certainty::unknown ? 1 : 0;
        ledger.append(*shared);
        then(*shared);
      });
    });
    return;
  }
  at(done_at, [this, shared, then] {
    shared->certainty = Certainty::unknown;
    shared->outcome = Outcome::timed_out;
    shared->completed = local(now_);
    ++unknown;
    ledger.append(*shared);
    then(*shared);
  });
}

void BookingWorld::begin_session(std::uint64_t user) {
  if (now_ > end_of_load) return;
  auto session = std::make_shared<Session>();
  session->number = next_session_++;
  session->user = user;
  session->event = chance(0.6) ? 1 : 2;
  enter(session);
}

void BookingWorld::enter(const SessionPtr& session) {
  exchange(
      session, LedgerKind::enter,
      [this, session](LedgerEntry& entry, Answer&) {
        Room& room = rooms_[session->event];
        if (room.admitted.contains(session->user)) return;
        for (std::size_t i = 0; i < room.waiting.size(); ++i) {
          if (room.waiting[i].user == session->user) {
            entry.position = static_cast<std::int64_t>(i + 1);
            return;
          }
        }
        room.waiting.push_back({session->user, session, now_});
        ++room.counters["entered"];
        entry.position = static_cast<std::int64_t>(room.waiting.size());
      },
      [this, session](const LedgerEntry& entry) {
        if (chance(0.05)) return leave(session);
        if (chance(0.05)) return at(now_ + between(500, 2000), [this, session] { enter(session); });
        if (rooms_[session->event].admitted.contains(session->user) && entry.position == 0) {
          return look_around(session, 0);
        }
        const Ms began = now_;
        const Ms heard = std::max(now_, session->admitted_at) + between(1, 900);
        at(heard, [this, session, began] { await_admission(session, began); });
      });
}

// The socket tells of the admission some time after it happened, if it ever does.
void BookingWorld::await_admission(const SessionPtr& session, Ms began) {
  if (!rooms_[session->event].admitted.contains(session->user)) {
    if (now_ - began > 30'000) return leave(session);
    return at(now_ + between(50, 400), [this, session, began] { await_admission(session, began); });
  }
  const Ms told = now_ + between(1, 900);
  at(told, [this, session, began] {
    LedgerEntry admitted;
    admitted.kind = LedgerKind::admitted;
    admitted.certainty = Certainty::applied;
    admitted.user = session->user;
    admitted.session = session->number;
    admitted.event = session->event;
    admitted.invoked = local(began);
    admitted.completed = local(now_);
    ledger.append(admitted);
    look_around(session, 0);
  });
}

void BookingWorld::admit(std::uint64_t event) {
  Room& room = rooms_[event];
  for (int n = static_cast<int>(between(0, 3)); n > 0 && !room.waiting.empty(); --n) {
    if (room.admitted.size() >= 10) break;
    const auto first =
        bug_ == Bug::last_come_first_served ? room.waiting.end() - 1 : room.waiting.begin();
    const Place place = *first;
    room.waiting.erase(first);
    room.admitted.insert(place.user);
    place.session->admitted_at = now_;
  }
  if (now_ < end_of_load) at(now_ + 800, [this, event] { admit(event); });
}

void BookingWorld::look_around(const SessionPtr& session, int tries) {
  if (tries > 4) return leave(session);
  session->hold = fmt::format("{:032x}", next_hold_++);
  session->seats.clear();
  const auto first = static_cast<std::uint32_t>(between(0, seats_per_event - 1));
  session->seats.push_back(first);
  if (chance(0.4)) session->seats.push_back((first + 1) % seats_per_event);
  exchange(
      session, LedgerKind::hold,
      [this, session](LedgerEntry& entry, Answer& answer) {
        Room& room = rooms_[session->event];
        for (const std::uint32_t n : session->seats) {
          const Seat& seat = room.seats[n];
          if (bug_ == Bug::holds_overlap && seat.kind == 'H') continue;
          if (seat.kind == 'P' || seat.kind == 'S' || (seat.kind == 'H' && seat.expires > now_)) {
            answer.certainty = Certainty::not_applied;
            return;
          }
        }
        const std::uint64_t fence = ++room.fence;
        for (const std::uint32_t n : session->seats) {
          if (room.seats[n].kind == 'H') ++holds_lapsed;
          room.seats[n] = {'H', session->user, 0, fence, session->hold, now_ + hold_ttl};
        }
        entry.fence = fence;
        entry.expires_ms = epoch_ms + skew_ + now_ + hold_ttl;
      },
      [this, session, tries](const LedgerEntry& entry) {
        const Ms think = between(50, 1500);
        if (entry.certainty == Certainty::applied) {
          return at(now_ + think, [this, session] { keep_or_release(session); });
        }
        at(now_ + think, [this, session, tries] { look_around(session, tries + 1); });
      });
}

void BookingWorld::free_seats(std::uint64_t event, const std::string& hold) {
  for (Seat& seat : rooms_[event].seats) {
    if (seat.kind == 'H' && seat.hold == hold) seat = Seat{};
  }
}

void BookingWorld::keep_or_release(const SessionPtr& session) {
  const double what = std::uniform_real_distribution<>(0, 1)(random_);
  if (what < 0.15) {
    return at(now_ + hold_ttl + between(0, 3000), [this, session] { look_around(session, 2); });
  }
  if (what < 0.35) {
    return exchange(
        session, LedgerKind::release,
        [this, session](LedgerEntry&, Answer&) { free_seats(session->event, session->hold); },
        [this, session](const LedgerEntry&) { leave(session); });
  }
  if (what < 0.5) {
    return exchange(
        session, LedgerKind::extend,
        [this, session](LedgerEntry& entry, Answer& answer) {
          bool extended = false;
          for (Seat& seat : rooms_[session->event].seats) {
            if (seat.kind != 'H' || seat.hold != session->hold || seat.expires <= now_) continue;
            seat.expires = now_ + hold_ttl;
            extended = true;
          }
          if (!extended)
            answer.certainty = Certainty::not_applied;
          else
            entry.expires_ms = epoch_ms + skew_ + now_ + hold_ttl;
        },
        [this, session](const LedgerEntry&) {
          at(now_ + between(100, 3500), [this, session] { keep_or_release(session); });
        });
  }
  session->key = fmt::format("key-{}", next_hold_++);
  session->order.clear();
  at(now_ + between(50, 1500), [this, session] { place_order(session, false); });
}

void BookingWorld::place_order(const SessionPtr& session, bool again) {
  exchange(
      session, LedgerKind::order,
      [this, session](LedgerEntry& entry, Answer& answer) {
        for (const auto& [id, order] : orders_) {
          if (order.key != session->key) continue;
          entry.key = std::to_string(id);
          return;
        }
        std::vector<std::uint32_t> mine;
        Room& room = rooms_[session->event];
        for (const std::uint32_t n : session->seats) {
          const Seat& seat = room.seats[n];
          if (seat.kind == 'H' && seat.hold == session->hold && seat.expires > now_) {
            mine.push_back(n);
          }
        }
        if (mine.size() != session->seats.size()) {
          answer.certainty = Certainty::not_applied;
          return;
        }
        const std::uint64_t id = next_order_++;
        Order order;
        order.stored.id = id;
        order.stored.user = session->user;
        order.stored.event = session->event;
        order.stored.epoch = 1;
        order.stored.status = "PAYMENT_PENDING";
        order.stored.hold_id = session->hold;
        order.stored.seat_qty = static_cast<std::uint32_t>(mine.size());
        order.stored.amount = 1000 * mine.size();
        order.stored.all_seats = order.stored.live_seats = mine;
        order.key = session->key;
        order.expires = now_ + pay_window;
        for (const std::uint32_t n : mine) {
          room.seats[n].kind = 'P';
          room.seats[n].order = id;
        }
        orders_[id] = order;
        entry.key = std::to_string(id);
        at(order.expires, [this, id] {
          if (orders_[id].stored.status != "PAYMENT_PENDING") return;
          ++orders_expired;
          end_order(orders_[id], "EXPIRED");
        });
      },
      [this, session, again](const LedgerEntry& entry) {
        if (entry.certainty == Certainty::applied) {
          session->order = entry.key;
          if (!again && chance(0.15)) return place_order(session, true);  // a nervous double click
          return at(now_ + between(50, 4000), [this, session] { pay(session); });
        }
        if (entry.certainty == Certainty::unknown && chance(0.5)) {
          return place_order(session, true);
        }
        leave(session);
      });
}

void BookingWorld::end_order(Order& order, const char* status) {
  order.stored.status = status;
  order.stored.live_seats.clear();
  for (const std::uint32_t n : order.stored.all_seats) {
    Seat& seat = rooms_[order.stored.event].seats[n];
    if (seat.order == order.stored.id) seat = Seat{};
  }
}

void BookingWorld::pay(const SessionPtr& session) {
  if (chance(0.1)) return leave(session);  // lets the order expire
  exchange(
      session, LedgerKind::payment,
      [this, session](LedgerEntry& entry, Answer& answer) {
        Order& order = orders_[std::stoull(session->order)];
        if (order.stored.status != "PAYMENT_PENDING") {
          answer.certainty = Certainty::not_applied;
          return;
        }
        StoredPayment payment;
        payment.id = payments_.size() + 1;
        payment.order = order.stored.id;
        payment.amount = order.stored.amount;
        payment.key = fmt::format("pay{}", payment.id);
        const bool approved = chance(0.8);
        payment.status = approved ? "DONE" : "ABORTED";
        entry.key = payment.key;
        entry.state = payment.status;
        payments_.push_back(payment);
        if (!approved) {
          ++orders_declined;
          return end_order(order, "CANCELLED");
        }
        if (bug_ == Bug::sale_forgotten && chance(0.3)) {
          entry.state = "DONE";
          return;
        }
        order.stored.status = "CONFIRMED";
        for (const std::uint32_t n : order.stored.all_seats) {
          rooms_[order.stored.event].seats[n].kind = 'S';
        }
      },
      [this, session](const LedgerEntry&) {
        if (chance(0.1)) return leave(session);  // never reads the result
        read_result(session);
      });
}

void BookingWorld::read_result(const SessionPtr& session) {
  exchange(
      session, LedgerKind::confirmed,
      [this, session](LedgerEntry& entry, Answer&) {
        entry.state = orders_[std::stoull(session->order)].stored.status;
      },
      [this, session](const LedgerEntry& entry) {
        if (entry.state == "CONFIRMED" && chance(0.15)) {
          return at(now_ + between(100, 3000), [this, session] { cancel(session); });
        }
        leave(session);
      });
}

void BookingWorld::cancel(const SessionPtr& session) {
  exchange(
      session, LedgerKind::cancel,
      [this, session](LedgerEntry& entry, Answer& answer) {
        Order& order = orders_[std::stoull(session->order)];
        if (order.stored.status != "CONFIRMED") {
          answer.certainty = Certainty::not_applied;
          return;
        }
        ++refunds;
        entry.state = "REFUND_PENDING";
        end_order(order, "REFUNDED");
        for (StoredPayment& payment : payments_) {
          if (payment.order == order.stored.id) payment.status = "CANCELED";
        }
      },
      [this, session](const LedgerEntry&) { leave(session); });
}

void BookingWorld::leave(const SessionPtr& session) {
  const Next next = [this, session](const LedgerEntry&) {
    at(now_ + between(10, 2000), [this, session] { begin_session(session->user); });
  };
  if (chance(0.2)) return next({});  // without a word
  exchange(
      session, LedgerKind::leave,
      [this, session](LedgerEntry&, Answer&) {
        Room& room = rooms_[session->event];
        const auto gone = std::erase_if(
            room.waiting, [&session](const Place& p) { return p.user == session->user; });
        room.counters["left"] +=
            static_cast<std::int64_t>(gone + room.admitted.erase(session->user));
      },
      next);
}

void BookingWorld::write_state() {
  state.have_sql = state.have_redis = true;
  for (const char* id : {"A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9"}) {
    state.sql_checks.push_back({id, id, 0, {}});
  }
  for (const auto& [id, order] : orders_) {
    state.orders.push_back(order.stored);
    for (const std::uint32_t n : order.stored.live_seats) {
      state.tickets.push_back({order.stored.event, 1, id, order.stored.user, n});
    }
  }
  state.payments = payments_;
  for (auto& [id, room] : rooms_) {
    RedisEvent event;
    event.event = id;
    event.epoch = 1;
    event.seats = seats_per_event;
    event.now_ms = epoch_ms + skew_ + now_;
    event.marker = true;
    event.bitmap.assign(seats_per_event / 4, '\0');
    for (std::uint32_t n = 0; n < seats_per_event; ++n) {
      const Seat& seat = room.seats[n];
      if (seat.kind != 'S') continue;  // holds have been swept, no order is pending
      event.states[n] = fmt::format("S:{}:{}", seat.user, seat.order);
      event.bitmap[n / 4] = static_cast<char>(static_cast<unsigned char>(event.bitmap[n / 4]) |
                                              (2U << (6 - 2 * (n % 4))));
      ++event.quota[seat.user];
    }
    for (const Place& place : room.waiting) {
      event.waiting[std::to_string(place.user)] = static_cast<double>(place.invoked);
    }
    for (const std::uint64_t user : room.admitted) {
      event.admitted[std::to_string(user)] = static_cast<double>(event.now_ms);
    }
    event.queue_counters = room.counters;
    state.redis.push_back(std::move(event));
  }
}

}  // namespace stampede
