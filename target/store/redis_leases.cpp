// Leases (lock.lua, with a fence) and the directory of client-chosen hold ids.
#include <fmt/ranges.h>
#include <openssl/rand.h>

#include <charconv>
#include <sstream>

#include "target/parts.hpp"
#include "target/service/hold_id.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr auto lost_order_ms = "60000";

std::string random_owner() {
  std::array<unsigned char, 8> noise{};
  if (RAND_bytes(noise.data(), static_cast<int>(noise.size())) != 1) std::abort();
  std::string owner;
  for (const unsigned char byte : noise) owner += fmt::format("{:02x}", byte);
  return owner;
}

class RedisLeases final : public Leases {
 public:
  explicit RedisLeases(RedisClient& redis) : redis_(redis) {}

  Task<std::optional<std::uint64_t>> acquire(std::string name, Millis ttl) override {
    std::vector<std::string> keys{"lk:" + name, "fn:" + name};
    std::vector<std::string> arguments{owner_, std::to_string(ttl.count())};
    const RedisReply reply =
        co_await redis_.eval(Script::lock, std::move(keys), std::move(arguments), redis_deadline());
    std::optional<std::uint64_t> fence;
    if (reply.integer > 0) fence = static_cast<std::uint64_t>(reply.integer);
    co_return fence;
  }

  Task<void> release(std::string name) override {
    std::vector<std::string> keys{"lk:" + name};
    std::vector<std::string> arguments{owner_};
    (void)co_await redis_.eval(Script::unlock, std::move(keys), std::move(arguments),
                               redis_deadline());
  }

 private:
  RedisClient& redis_;
  std::string owner_ = random_owner();
};

class RedisHoldDirectory final : public HoldDirectory {
 public:
  explicit RedisHoldDirectory(RedisClient& redis) : redis_(redis) {}

  Task<std::optional<std::uint64_t>> event_of(std::string hold_id) override {
    std::optional<std::uint64_t> event = event_of_hold_id(hold_id);
    if (event || !is_hold_id(hold_id)) co_return event;
    std::vector<std::string> words{"GET", "hold:" + hold_id};
    const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
    if (reply.kind != RedisReply::Kind::string) co_return event;
    std::uint64_t number = 0;  // "event:seats"
    std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), number);
    event = number;
    co_return event;
  }

  Task<void> keep_lost(Lost lost) override {
    const Hold& hold = lost.hold;
    std::vector<std::string> words{
        "SET", "un:" + hold.id,
        fmt::format("{} {} {} {} {} {} {}", lost.order, hold.user, hold.event, hold.epoch,
                    hold.fence, hold.expires_ms, fmt::join(hold.seats, " ")),
        "PX", lost_order_ms};
    (void)co_await redis_.command(std::move(words), redis_deadline());
  }

  Task<std::optional<Lost>> lost_order(std::string hold_id) override {
    std::vector<std::string> words{"GET", "un:" + hold_id};
    const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
    std::optional<Lost> lost;
    if (reply.kind != RedisReply::Kind::string) co_return lost;
    std::istringstream fields(reply.text);
    lost.emplace();
    Hold& hold = lost->hold;
    hold.id = std::move(hold_id);
    fields >> lost->order >> hold.user >> hold.event >> hold.epoch >> hold.fence >> hold.expires_ms;
    for (std::uint32_t seat = 0; fields >> seat;) hold.seats.push_back(seat);
    if (hold.seats.empty()) lost.reset();
    co_return lost;
  }

 private:
  RedisClient& redis_;
};

}  // namespace

std::unique_ptr<Leases> make_leases(RedisClient& redis) {
  return std::make_unique<RedisLeases>(redis);
}

std::unique_ptr<HoldDirectory> make_hold_directory(RedisClient& redis) {
  return std::make_unique<RedisHoldDirectory>(redis);
}

}  // namespace boxoffice
