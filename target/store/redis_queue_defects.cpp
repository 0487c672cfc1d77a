// The defects of waiting rooms, around the one that has none: queue_timestamp_score,
// queue_nonatomic_pop, queue_set_ttl, queue_not_enforced. Only in lab mode, to prove that the
// harness sees them.
#include "target/faults.hpp"
#include "target/parts.hpp"
#include "target/service/queue_feed.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::uint32_t everybody = 1'000'000;
constexpr std::size_t popped_max = 50;

class FaultyQueue final : public QueuePlaces {
 public:
  FaultyQueue(std::unique_ptr<QueuePlaces> sound, RedisClient& redis, const Switches& switches)
      : sound_(std::move(sound)), redis_(redis), switches_(switches) {}

  Task<Decision<Place>> enter(EventPtr event, std::uint64_t user, double random) override {
    auto place = co_await sound_->enter(event, user, random);
    const bool waits = place && place->fresh && place->state == Place::State::waiting;
    if (waits && switches_.queue_timestamp_score) co_await place_by_clock(event, user, *place);
    co_return place;
  }
  Task<Decision<Place>> enter_again(EventPtr event, std::uint64_t user, double random,
                                    KnownPlace known) override {
    co_return co_await sound_->enter_again(std::move(event), user, random, known);
  }
  Task<Place> look(EventPtr event, std::uint64_t user, bool heartbeat) override {
    co_return co_await sound_->look(std::move(event), user, heartbeat);
  }
  Task<bool> leave(std::uint64_t event, std::uint32_t epoch, std::uint64_t user,
                   bool completed) override {
    co_return co_await sound_->leave(event, epoch, user, completed);
  }
  Task<Admission> admit(EventPtr event) override;
  QueueFeed* feed() override { return sound_->feed(); }

 private:
  Task<void> place_by_clock(EventPtr event, std::uint64_t user, Place& place);
  Task<void> pop_twice(EventPtr event);

  std::unique_ptr<QueuePlaces> sound_;
  RedisClient& redis_;
  const Switches& switches_;
};

// All who come within a second share a score; Redis sorts those by their name.
Task<void> FaultyQueue::place_by_clock(EventPtr event, std::uint64_t user, Place& place) {
  const std::string waiting = event_key(event->id, event->epoch, "qw");
  const std::string name = std::to_string(user);
  const auto now = wall_clock().time_since_epoch();
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  std::vector<RedisCall> calls(2);
  calls[0].words = {"ZADD", waiting, "XX", std::to_string(second), name};
  calls[1].words = {"ZRANK", waiting, name};
  const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
  if (!replies[1].is_nil()) place.position = replies[1].number() + 1;
}

Task<Admission> FaultyQueue::admit(EventPtr event) {
  if (switches_.queue_nonatomic_pop) co_await pop_twice(event);
  if (!switches_.queue_set_ttl && !switches_.queue_not_enforced)
    co_return co_await sound_->admit(std::move(event));
  EventInfo changed = *event;
  if (switches_.queue_set_ttl) changed.queue.lease_ms = day_ms;
  if (switches_.queue_not_enforced) {
    changed.queue.cap = everybody;
    changed.queue.rate = changed.queue.burst = everybody;
  }
  co_return co_await sound_->admit(std::make_shared<const EventInfo>(std::move(changed)));
}

// Two instances read the first of the queue, and each removes as many as it read: who stood behind
// them is removed, too, and admitted by nobody.
Task<void> FaultyQueue::pop_twice(EventPtr event) {
  const auto key = [&event](std::string_view suffix) {
    return event_key(event->id, event->epoch, suffix);
  };
  const auto count = static_cast<std::int64_t>(
      std::clamp<double>(event->queue.rate / 10, 1, static_cast<double>(popped_max)));
  const std::string last = std::to_string(count - 1);
  std::vector<RedisCall> calls(2);
  calls[0].words = {"TIME"};
  calls[1].words = {"ZRANGE", key("qw"), "0", last};
  const auto seen = co_await redis_.pipeline(std::move(calls), redis_deadline());
  const auto& first = seen[1].elements;
  if (first.empty()) co_return;
  const std::int64_t now =
      seen[0].elements.at(0).number() * 1000 + seen[0].elements.at(1).number() / 1000;
  const std::string lease = std::to_string(now + event->queue.lease_ms);
  const std::string pass = std::to_string(now + event->queue.pass_ttl_ms);
  std::vector<RedisCall> pops;
  const auto add = [&pops](std::vector<std::string> words) {
    pops.emplace_back();
    pops.back().words = std::move(words);
  };
  const std::string read = std::to_string(first.size() - 1);
  add({"ZREMRANGEBYRANK", key("qw"), "0", read});
  add({"ZREMRANGEBYRANK", key("qw"), "0", read});
  std::string users;
  for (const RedisReply& user : first) {
    add({"ZADD", key("qa"), lease, user.text});
    add({"HSET", key("qp"), user.text, pass});
    add({"ZREM", key("qh"), user.text});
    users += (users.empty() ? "" : ",") + user.text;
  }
  add({"HINCRBY", key("qs"), "admitted", std::to_string(first.size())});
  add({"XADD", key("qe"), "MAXLEN", "~", "5000", "*", "u", users, "p", pass});
  (void)co_await redis_.pipeline(std::move(pops), redis_deadline());
}

}  // namespace

std::unique_ptr<QueuePlaces> plant_queue_defects(std::unique_ptr<QueuePlaces> queue,
                                                 RedisClient& redis, const Switches& switches) {
  return std::make_unique<FaultyQueue>(std::move(queue), redis, switches);
}

}  // namespace boxoffice
