// SessionStore on Redis: one key per log-in, auth:rt:<session>, with the generation that is next.
#include "target/account_parts.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

std::string key_of(const std::string& session) { return "auth:rt:" + session; }

class RedisSessions final : public SessionStore {
 public:
  explicit RedisSessions(RedisClient& redis) : redis_(redis) {}

  Task<void> start(Session session, Millis ttl) override {
    std::vector<std::string> words{"SET", key_of(session.id), std::to_string(session.generation),
                                   "PX", std::to_string(ttl.count())};
    const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
    if (reply.kind == RedisReply::Kind::error) throw StoreUnavailable("redis", reply.text);
  }

  Task<Rotation> rotate(Session session, Millis ttl) override {
    std::vector<std::string> keys{key_of(session.id)};
    std::vector<std::string> arguments{std::to_string(session.generation),
                                       std::to_string(ttl.count())};
    const RedisReply reply = co_await redis_.eval(Script::auth_rotate, std::move(keys),
                                                  std::move(arguments), redis_deadline());
    const std::string_view result = reply.elements.empty() ? "" : reply.elements[0].str();
    if (result == "OK") co_return Rotation::done;
    co_return result == "REUSED" ? Rotation::reused : Rotation::gone;
  }

  Task<void> end(std::string session) override {
    std::vector<std::string> words{"DEL", key_of(session)};
    const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
    if (reply.kind == RedisReply::Kind::error) throw StoreUnavailable("redis", reply.text);
  }

 private:
  RedisClient& redis_;
};

}  // namespace

std::unique_ptr<SessionStore> make_session_store(RedisClient& redis) {
  return std::make_unique<RedisSessions>(redis);
}

}  // namespace boxoffice
