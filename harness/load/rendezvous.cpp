#include "harness/load/rendezvous.hpp"

#include <algorithm>

namespace stampede {

namespace {

constexpr unsigned group_shift = 32;

constexpr std::uint32_t group_of(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> group_shift);
}
constexpr std::uint32_t waiting_of(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
constexpr std::uint64_t word_of(std::uint32_t group, std::uint32_t waiting) {
  return std::uint64_t{group} << group_shift | waiting;
}

}  // namespace

RendezvousHall::RendezvousHall(const std::vector<RendezvousPoint>& points) : words_(points.size()) {
  for (const RendezvousPoint& point : points) users_.push_back(point.users);
}

RendezvousHall::Arrival RendezvousHall::arrive(std::uint32_t point) noexcept {
  std::atomic<std::uint64_t>& word = words_[point];
  std::uint64_t seen = word.load();
  while (true) {
    const std::uint32_t group = group_of(seen), waiting = waiting_of(seen) + 1;
    const bool completes = waiting >= users_[point];
    const std::uint64_t next = completes ? word_of(group + 1, 0) : word_of(group, waiting);
    if (word.compare_exchange_weak(seen, next)) return {group, completes};
  }
}

bool RendezvousHall::leave(std::uint32_t point, std::uint32_t group) noexcept {
  std::atomic<std::uint64_t>& word = words_[point];
  std::uint64_t seen = word.load();
  while (group_of(seen) == group) {
    if (word.compare_exchange_weak(seen, seen - 1)) return true;
  }
  return false;
}

bool RendezvousHall::close(std::uint32_t point, std::uint32_t group) noexcept {
  std::atomic<std::uint64_t>& word = words_[point];
  std::uint64_t seen = word.load();
  while (group_of(seen) == group) {
    if (word.compare_exchange_weak(seen, word_of(group + 1, 0))) return true;
  }
  return false;
}

void RendezvousHall::release(std::uint32_t point, std::uint32_t group, TimePoint instant,
                             bool complete) {
  for (RendezvousDesk* desk : desks_) {
    desk->loop_.submit([desk, point, group, instant, complete] {
      desk->release(point, group, instant, complete);
    });
  }
}

void RendezvousDesk::arrive(Waiter& waiter) {
  const RendezvousHall::Arrival arrival = hall_.arrive(waiter.point);
  waiter.group = arrival.group;
  waiters_.push_back(&waiter);
  if (!arrival.completes) return;
  hall_.release(waiter.point, waiter.group, now() + RendezvousHall::lead, true);
}

void RendezvousDesk::time_out(const Waiter& waiter) {
  if (!hall_.close(waiter.point, waiter.group)) return;
  hall_.release(waiter.point, waiter.group, now() + RendezvousHall::lead, false);
}

void RendezvousDesk::leave(Waiter& waiter) {
  if (waiter.released) return;
  (void)hall_.leave(waiter.point, waiter.group);
  std::erase(waiters_, &waiter);
}

void RendezvousDesk::release(std::uint32_t point, std::uint32_t group, TimePoint instant,
                             bool complete) {
  std::erase_if(waiters_, [&](Waiter* waiter) {
    if (waiter->point != point || waiter->group != group) return false;
    waiter->released = true;
    waiter->complete = complete;
    waiter->instant = instant;
    waiter->bed->wake();
    return true;
  });
}

}  // namespace stampede
