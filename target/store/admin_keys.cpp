// AdminKeys on Redis.
#include <charconv>

#include "target/admin_parts.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

std::uint64_t natural(const RedisReply& reply) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(reply.number(), 0));
}

RedisCall words(std::vector<std::string> list) {
  RedisCall call;
  call.words = std::move(list);
  return call;
}

// One group of XINFO GROUPS: names and values by turns. `lag` is nil when Redis does not know it.
std::uint64_t group_backlog(const RedisReply& group) {
  std::uint64_t backlog = 0;
  for (std::size_t i = 0; i + 1 < group.elements.size(); i += 2) {
    const std::string_view name = group.elements[i].str();
    if (name == "pending" || name == "lag") backlog += natural(group.elements[i + 1]);
  }
  return backlog;
}

// "cmdstat_evalsha:calls=12,usec=345,…" of INFO commandstats.
std::uint64_t info_figure(std::string_view info, std::string_view line, std::string_view name) {
  std::size_t at = info.find(line);
  if (at == std::string_view::npos) return 0;
  at = info.find(name, at);
  if (at == std::string_view::npos) return 0;
  std::uint64_t figure = 0;
  std::from_chars(info.data() + at + name.size(), info.data() + info.size(), figure);
  return figure;
}

class RedisAdminKeys final : public AdminKeys {
 public:
  explicit RedisAdminKeys(RedisClient& redis) : redis_(redis) {}

  Task<void> drop_event(std::uint64_t event, std::uint32_t epoch) override {
    std::vector<std::string> marker{"UNLINK", event_key(event, epoch, "ok")};
    (void)co_await redis_.command(std::move(marker), redis_deadline());
    std::vector<std::string> rest =
        event_keys(event, epoch,
                   {"st", "bm", "ex", "uq", "vr", "ev", "hd", "rb", "qw", "qh", "qa", "qs", "qn",
                    "qe", "qp", "qg", "qx"});
    rest.insert(rest.begin(), "UNLINK");
    (void)co_await redis_.command(std::move(rest), redis_deadline());
  }

  Task<std::vector<EventFigures>> figures(std::vector<EventInfo> events) override {
    std::vector<RedisCall> calls;
    for (const EventInfo& event : events) {
      for (const char* key : {"qw", "qa", "ex"})
        calls.push_back(words({"ZCARD", event_key(event.id, event.epoch, key)}));
    }
    std::vector<EventFigures> figures;
    if (calls.empty()) co_return figures;
    const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
    for (std::size_t i = 0; i < events.size(); ++i) {
      figures.push_back({events[i].id, natural(replies.at(3 * i)), natural(replies.at(3 * i + 1)),
                         natural(replies.at(3 * i + 2))});
    }
    co_return figures;
  }

  Task<std::uint64_t> stream_backlog() override {
    std::vector<RedisCall> calls;
    for (const char* stream : {"st:order", "st:pay"})
      calls.push_back(words({"XINFO", "GROUPS", stream}));
    const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
    std::uint64_t backlog = 0;
    for (const RedisReply& stream : replies)  // a stream that is not there is an error: no groups
      for (const RedisReply& group : stream.elements) backlog += group_backlog(group);
    co_return backlog;
  }

  Task<Figures> script_figures() override {
    std::vector<std::string> info{"INFO", "commandstats"};
    const RedisReply reply = co_await redis_.command(std::move(info), redis_deadline());
    Figures figures;
    figures.emplace_back("evalshaCalls", info_figure(reply.str(), "cmdstat_evalsha:", "calls="));
    figures.emplace_back("evalshaMicros", info_figure(reply.str(), "cmdstat_evalsha:", "usec="));
    co_return figures;
  }

 private:
  RedisClient& redis_;
};

}  // namespace

std::unique_ptr<AdminKeys> make_admin_keys(RedisClient& redis) {
  return std::make_unique<RedisAdminKeys>(redis);
}

}  // namespace boxoffice
