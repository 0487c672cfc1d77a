#include "target/service/practice.hpp"

#include <fmt/format.h>

#include <cmath>
#include <exception>

#include "target/domain/unavailable.hpp"
#include "target/service/order.hpp"

namespace boxoffice {

namespace {

constexpr Millis known_for{1000}, restore_within{2000};
constexpr std::size_t known_max = 10000;
constexpr int tries_max = 3;

No no_such_room() { return refused(Refusal::not_found, "there is no such practice room"); }

}  // namespace

double top_percent(const PracticeRank& rank) noexcept {
  if (rank.all == 0) return 100;
  const double share = static_cast<double>(rank.not_above) / static_cast<double>(rank.all);
  return std::round(share * 10000) / 100;
}

Task<Decision<PracticeRoomPtr>> PracticeHall::find(std::uint64_t room) {
  const auto known = known_.find(room);
  if (known != known_.end() && Clock::now() - known->second.read < known_for)
    co_return known->second.room;
  PracticeRoomPtr found = co_await store_.find(room);
  if (found == nullptr) co_return no_such_room();
  if (known_.size() >= known_max) known_.clear();
  known_[room] = {found, Clock::now()};
  co_return found;
}

Task<Decision<PracticeView>> PracticeHall::look(std::uint64_t room) {
  const auto found = co_await find(room);
  if (!found) co_return found.error();
  PracticeView view{*found, co_await boards_.look(*found)};
  co_return view;
}

// The records of the cycle, written once however many tries found them missing.
Task<void> PracticeHall::restore(PracticeRoomPtr room) {
  const PracticeBoard board = co_await boards_.look(room);  // which cycle it is Redis says
  const std::uint64_t cycle = board.cycle;
  const std::pair key{room->id, cycle};
  if (const auto under_way = restoring_.find(key); under_way != restoring_.end()) {
    Wait wait = under_way->second;
    co_await wait.done();
    co_return;
  }
  Wait wait(io_, Clock::now() + restore_within);
  restoring_.emplace(key, wait);
  std::exception_ptr failure;
  try {
    TakenSeats taken = co_await store_.taken(room->id, cycle);
    co_await boards_.restore(room, cycle, std::move(taken));
  } catch (...) {
    failure = std::current_exception();
  }
  restoring_.erase(key);
  wait.wake();
  if (failure) std::rethrow_exception(failure);
}

Task<Decision<PracticeResult>> PracticeHall::confirm(std::uint64_t room, PracticeTry wanted) {
  const auto found = co_await find(room);
  if (!found) co_return found.error();
  for (int attempt = 1;; ++attempt) {
    const Decision<PracticeSeat> seat = co_await boards_.take(*found, wanted);
    const bool missing = !seat && seat.error().refusal == Refusal::rebuilding;
    if (missing && attempt < tries_max) {
      co_await restore(*found);
      continue;
    }
    if (!seat) {
      metrics_.count("practice", "result", row_of(seat.error().refusal).code);
      co_return seat.error();
    }
    co_return co_await store_record(*found, wanted, *seat);
  }
}

Task<Decision<PracticeResult>> PracticeHall::store_record(PracticeRoomPtr room, PracticeTry wanted,
                                                          PracticeSeat seat) {
  PracticeResult result;
  result.record = {0,           room->id,         seat.cycle,       wanted.user,
                   wanted.seat, seat.duration_ms, wanted.fence != 0};
  RecordStored stored = RecordStored::done;
  std::exception_ptr failure;
  try {
    stored = co_await store_.store(result.record);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure || stored != RecordStored::done) {
    UndoKeeps keeps = UndoKeeps::nothing;
    if (!failure) keeps = stored == RecordStored::seat_taken ? UndoKeeps::seat : UndoKeeps::user;
    try {
      co_await boards_.undo(room, seat.cycle, wanted, keeps);
    } catch (const StoreUnavailable&) {
      metrics_.saga("practice", "UNDO_FAILED");  // over with the cycle
    }
    if (failure) std::rethrow_exception(failure);
    if (stored == RecordStored::user_served) co_return refused(Refusal::quota_exceeded);
    No no = refused(Refusal::seat_held, fmt::format("seat {} is taken", wanted.seat));
    no.seat = wanted.seat;
    no.seat_state = "SOLD";
    co_return no;
  }
  metrics_.count("practice", "result", result.record.bot ? "BOT" : "CONFIRMED");
  if (result.record.bot) co_return result;
  // The record is stored: without Redis its rank is read later, and the tree is mended.
  try {
    const PracticeRank mine = co_await rank(room, seat.duration_ms, true);
    result.top_percent = top_percent(mine);
    result.total = mine.all;
  } catch (const StoreUnavailable&) {
    metrics_.saga("practice", "RANK_DEFERRED");
  }
  co_return result;
}

Task<PracticeRank> PracticeHall::rank(PracticeRoomPtr room, std::int64_t duration_ms, bool add) {
  auto rank = co_await boards_.rank(room, duration_ms, add);
  if (!rank) {
    // The database has the record already: the tree is written with it, not added to.
    co_await boards_.restore_ranks(room, co_await store_.durations(room->id));
    rank = co_await boards_.rank(room, duration_ms, false);
  }
  co_return rank.value_or(PracticeRank{});
}

Task<Decision<PracticeResult>> PracticeHall::record(std::uint64_t room, std::uint64_t id,
                                                    std::uint64_t user) {
  const auto found = co_await find(room);
  if (!found) co_return found.error();
  const auto record = co_await store_.record(room, id);
  if (!record) co_return refused(Refusal::not_found, "there is no such record");
  if (record->user != user) co_return refused(Refusal::forbidden);
  PracticeResult result;
  result.record = *record;
  const PracticeRank mine = co_await rank(*found, record->duration_ms, false);
  result.top_percent = top_percent(mine);
  result.total = mine.all;
  co_return result;
}

Task<Decision<std::vector<PracticeRecord>>> PracticeHall::leaderboard(std::uint64_t room,
                                                                      std::uint32_t count) {
  const auto found = co_await find(room);
  if (!found) co_return found.error();
  co_return co_await store_.leaderboard(room, std::min(count, leaderboard_max));
}

Task<bool> PracticeHall::mend_ranks(PracticeRoomPtr room) {
  const std::uint64_t stored = co_await store_.people_records(room->id);
  const auto rank = co_await boards_.rank(room, room->open_ms, false);
  if (rank && rank->all == stored) co_return false;
  co_await boards_.restore_ranks(room, co_await store_.durations(room->id));
  co_return true;
}

}  // namespace boxoffice
