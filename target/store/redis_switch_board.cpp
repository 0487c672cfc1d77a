#include <fmt/format.h>

#include <charconv>

#include "target/admin_parts.hpp"

namespace boxoffice {

namespace {

constexpr Millis redis_time_limit{2000};
constexpr std::int64_t alive_for_ms = 2000, forgotten_after_ms = 60000;
const std::string switches_key = "admin:switches", instances_key = "admin:instances";

std::uint64_t natural(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

RedisCall words(std::vector<std::string> list) { return {std::nullopt, std::move(list), {}}; }

class RedisSwitchBoard final : public SwitchBoard {
 public:
  explicit RedisSwitchBoard(RedisClient& redis) : redis_(redis) {}

  Task<std::uint64_t> publish(std::string text) override {
    const std::uint64_t version = co_await clock_us();
    std::vector<std::string> set{"HSET", switches_key,   "version", std::to_string(version),
                                 "text", std::move(text)};
    const RedisReply done = co_await redis_.command(std::move(set), deadline());
    if (done.kind == RedisReply::Kind::error) throw StoreUnavailable("redis", done.text);
    co_return version;
  }

  Task<std::optional<SwitchNote>> look(std::string instance, std::uint64_t version) override {
    const std::uint64_t now_ms = co_await clock_us() / 1000;
    std::vector<RedisCall> calls;
    calls.push_back(words({"HMGET", switches_key, "version", "text"}));
    calls.push_back(
        words({"HSET", instances_key, std::move(instance), fmt::format("{} {}", version, now_ms)}));
    const auto replies = co_await redis_.pipeline(std::move(calls), deadline());
    const auto& found = replies.at(0).elements;
    if (found.size() != 2 || found[0].is_nil()) co_return std::nullopt;
    co_return SwitchNote{natural(found[0].text), found[1].text};
  }

  Task<bool> followed(std::uint64_t version) override {
    std::vector<std::string> ask{"HGETALL", instances_key};
    const RedisReply all = co_await redis_.command(std::move(ask), deadline());
    const auto now = static_cast<std::int64_t>(co_await clock_us() / 1000);
    bool followed = true;
    for (std::size_t i = 0; i + 1 < all.elements.size(); i += 2) {
      const std::string& told = all.elements[i + 1].text;
      const auto space = std::min(told.find(' '), told.size() - 1);
      const auto age = now - static_cast<std::int64_t>(natural(told.substr(space + 1)));
      if (age < alive_for_ms && natural(told) < version) followed = false;
      if (age > forgotten_after_ms) {
        std::vector<std::string> forget{"HDEL", instances_key, all.elements[i].text};
        (void)co_await redis_.command(std::move(forget), deadline());
      }
    }
    co_return followed;
  }

 private:
  // Who is alive is told by one clock for all, whatever their own say.
  Task<std::uint64_t> clock_us() {
    std::vector<std::string> ask{"TIME"};
    const RedisReply time = co_await redis_.command(std::move(ask), deadline());
    if (time.elements.size() != 2) throw StoreUnavailable("redis", "time: " + time.text);
    co_return natural(time.elements[0].text) * 1000000 + natural(time.elements[1].text);
  }
  static TimePoint deadline() { return Clock::now() + redis_time_limit; }
  RedisClient& redis_;
};

}  // namespace

std::unique_ptr<SwitchBoard> make_switch_board(RedisClient& redis) {
  return std::make_unique<RedisSwitchBoard>(redis);
}

}  // namespace boxoffice
