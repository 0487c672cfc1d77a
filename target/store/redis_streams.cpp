// Event streams in Redis: st:<stream>, one consumer group per kind of effect, st:dead.
#include <algorithm>
#include <charconv>

#include "target/order_parts.hpp"

namespace boxoffice {

namespace {

constexpr auto command_time = std::chrono::seconds(2);
constexpr auto stream_length_max = "1000000";  // a safety net; trim() is what keeps streams short

std::string key_of(const std::string& stream) { return "st:" + stream; }

[[noreturn]] void throw_reply(const RedisReply& reply) {
  throw StoreUnavailable("redis", reply.text);
}
bool is_error(const RedisReply& reply) { return reply.kind == RedisReply::Kind::error; }
bool is_no_group(const RedisReply& reply) {
  return is_error(reply) && reply.text.starts_with("NOGROUP");
}

// [id, [field, value, …]]; an entry that was trimmed away has nil for its fields.
StreamEntry entry_of(const std::string& stream, const RedisReply& reply) {
  StreamEntry entry;
  entry.stream = stream;
  if (reply.elements.empty()) return entry;
  entry.id = reply.elements[0].text;
  if (reply.elements.size() < 2) return entry;
  const auto& fields = reply.elements[1].elements;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    if (fields[i].text == "oid")
      entry.outbox_id = static_cast<std::uint64_t>(fields[i + 1].number());
    if (fields[i].text == "t") entry.type = fields[i + 1].text;
    if (fields[i].text == "p") entry.payload = fields[i + 1].text;
  }
  return entry;
}

// Entry ids are two numbers; as text they do not sort.
std::pair<std::uint64_t, std::uint64_t> id_parts(const std::string& id) {
  std::uint64_t first = 0, second = 0;
  const char* const end = id.data() + id.size();
  const char* const dash = std::from_chars(id.data(), end, first).ptr;
  if (dash < end) std::from_chars(dash + 1, end, second);
  return {first, second};
}

class RedisStreams final : public EventStreams {
 public:
  explicit RedisStreams(RedisClient& redis) : redis_(redis) {}

  Task<std::vector<std::string>> append(std::vector<OutboxRow> rows) override;
  Task<bool> create_group(std::string stream, std::string group) override;
  Task<StreamRead> read(std::string group, std::string consumer, std::vector<std::string> streams,
                        std::uint32_t count, Millis block) override;
  Task<void> acknowledge(std::string group, std::vector<StreamEntry> entries) override;
  Task<StreamClaim> claim(std::string stream, std::string group, std::string consumer, Millis idle,
                          std::uint32_t deliveries_max) override;
  Task<void> bury(std::string group, StreamEntry entry) override;
  Task<std::uint64_t> pending(std::string stream, std::string group) override;
  Task<void> trim(std::string stream) override;

 private:
  Task<RedisReply> run(std::vector<std::string> words, Millis extra = Millis(0));
  Task<std::optional<std::string>> oldest_needed(std::string stream);

  RedisClient& redis_;
};

Task<RedisReply> RedisStreams::run(std::vector<std::string> words, Millis extra) {
  co_return co_await redis_.command(std::move(words), Clock::now() + command_time + extra);
}

Task<std::vector<std::string>> RedisStreams::append(std::vector<OutboxRow> rows) {
  std::vector<RedisCall> calls;
  calls.reserve(rows.size());
  for (OutboxRow& row : rows) {
    RedisCall call;
    call.words = {"XADD",
                  key_of(row.stream),
                  "MAXLEN",
                  "~",
                  stream_length_max,
                  "*",
                  "oid",
                  std::to_string(row.id),
                  "t",
                  std::move(row.type),
                  "p",
                  std::move(row.payload)};
    calls.push_back(std::move(call));
  }
  const auto replies = co_await redis_.pipeline(std::move(calls), Clock::now() + command_time);
  std::vector<std::string> ids;
  for (const RedisReply& reply : replies) ids.push_back(is_error(reply) ? "" : reply.text);
  co_return ids;
}

Task<bool> RedisStreams::create_group(std::string stream, std::string group) {
  std::vector<std::string> words{"XGROUP",         "CREATE", key_of(stream),
                                 std::move(group), "0",      "MKSTREAM"};
  const auto reply = co_await run(std::move(words));
  const bool there = is_error(reply) && reply.text.starts_with("BUSYGROUP");
  if (is_error(reply) && !there) throw_reply(reply);
  co_return !there;
}

Task<StreamRead> RedisStreams::read(std::string group, std::string consumer,
                                    std::vector<std::string> streams, std::uint32_t count,
                                    Millis block) {
  std::vector<std::string> words{"XREADGROUP",        "GROUP", std::move(group),
                                 std::move(consumer), "COUNT", std::to_string(count)};
  if (block > Millis(0)) {
    words.emplace_back("BLOCK");
    words.push_back(std::to_string(block.count()));
  }
  words.emplace_back("STREAMS");
  for (const std::string& stream : streams) words.push_back(key_of(stream));
  for (std::size_t i = 0; i < streams.size(); ++i) words.emplace_back(">");
  const auto reply = co_await run(std::move(words), block);
  StreamRead read;
  if (is_error(reply)) {
    // A stream that vanishes while a reader is blocked on it answers UNBLOCKED or NOGROUP.
    read.no_group = is_no_group(reply) || reply.text.starts_with("UNBLOCKED");
    if (!read.no_group) throw_reply(reply);
    co_return read;
  }
  for (const RedisReply& stream : reply.elements) {
    if (stream.elements.size() < 2) continue;
    const std::string name = stream.elements[0].text.substr(3);
    for (const RedisReply& entry : stream.elements[1].elements) {
      read.entries.push_back(entry_of(name, entry));
    }
  }
  co_return read;
}

Task<void> RedisStreams::acknowledge(std::string group, std::vector<StreamEntry> entries) {
  std::vector<RedisCall> calls;
  for (StreamEntry& entry : entries) {
    RedisCall* call = nullptr;
    for (RedisCall& known : calls) {
      if (known.words[1] == key_of(entry.stream)) call = &known;
    }
    if (call == nullptr) {
      calls.emplace_back();
      call = &calls.back();
      call->words = {"XACK", key_of(entry.stream), group};
    }
    call->words.push_back(std::move(entry.id));
  }
  if (calls.empty()) co_return;
  const auto replies = co_await redis_.pipeline(std::move(calls), Clock::now() + command_time);
  for (const RedisReply& reply : replies) {
    if (is_error(reply)) throw_reply(reply);
  }
}

Task<StreamClaim> RedisStreams::claim(std::string stream, std::string group, std::string consumer,
                                      Millis idle, std::uint32_t deliveries_max) {
  StreamClaim claimed;
  const std::string idle_text = std::to_string(idle.count());
  std::vector<std::string> claim_words{"XAUTOCLAIM", key_of(stream), group,   consumer,
                                       idle_text,    "0-0",          "COUNT", "64"};
  const auto reply = co_await run(std::move(claim_words));
  claimed.no_group = is_no_group(reply);
  if (claimed.no_group) co_return claimed;
  if (is_error(reply) || reply.elements.size() < 2) throw_reply(reply);
  if (reply.elements[1].elements.empty()) co_return claimed;

  // XAUTOCLAIM does not tell how often an entry was delivered: XPENDING does, for all of ours.
  const auto& entries = reply.elements[1].elements;
  std::vector<std::string> pending_words{"XPENDING",
                                         key_of(stream),
                                         group,
                                         entries.front().elements.at(0).text,
                                         entries.back().elements.at(0).text,
                                         "1000",
                                         consumer};
  const auto pending = co_await run(std::move(pending_words));
  if (is_error(pending)) throw_reply(pending);
  for (const RedisReply& one : entries) {
    StreamEntry entry = entry_of(stream, one);
    std::int64_t deliveries = 1;
    for (const RedisReply& row : pending.elements) {
      if (row.elements.size() >= 4 && row.elements[0].text == entry.id) {
        deliveries = row.elements[3].integer;
      }
    }
    const bool dead = deliveries > static_cast<std::int64_t>(deliveries_max);
    (dead ? claimed.dead : claimed.again).push_back(std::move(entry));
  }
  co_return claimed;
}

Task<void> RedisStreams::bury(std::string group, StreamEntry entry) {
  std::vector<std::string> words{"XADD",   "st:dead",
                                 "MAXLEN", "~",
                                 "100000", "*",
                                 "group",  group,
                                 "stream", entry.stream,
                                 "id",     entry.id,
                                 "oid",    std::to_string(entry.outbox_id),
                                 "t",      entry.type,
                                 "p",      entry.payload};
  const auto reply = co_await run(std::move(words));
  if (is_error(reply)) throw_reply(reply);
  std::vector<StreamEntry> buried;
  buried.push_back(std::move(entry));
  co_await acknowledge(std::move(group), std::move(buried));
}

Task<std::uint64_t> RedisStreams::pending(std::string stream, std::string group) {
  std::vector<std::string> words{"XPENDING", key_of(stream), std::move(group)};
  const auto reply = co_await run(std::move(words));
  if (is_error(reply) || reply.elements.empty()) co_return 0;
  co_return static_cast<std::uint64_t>(reply.elements[0].integer);
}

// The smallest id that some group still needs: its oldest pending entry, else what it was given
// last.
Task<std::optional<std::string>> RedisStreams::oldest_needed(std::string stream) {
  std::vector<std::string> words{"XINFO", "GROUPS", key_of(stream)};
  const auto groups = co_await run(std::move(words));
  std::optional<std::string> oldest;
  if (is_error(groups)) co_return oldest;
  for (const RedisReply& group : groups.elements) {
    std::string name, needed;
    for (std::size_t i = 0; i + 1 < group.elements.size(); i += 2) {
      if (group.elements[i].text == "name") name = group.elements[i + 1].text;
      if (group.elements[i].text == "last-delivered-id") needed = group.elements[i + 1].text;
    }
    std::vector<std::string> pending_words{"XPENDING", key_of(stream), name};
    const auto pending = co_await run(std::move(pending_words));
    if (!is_error(pending) && pending.elements.size() >= 2 && pending.elements[0].integer > 0) {
      needed = pending.elements[1].text;
    }
    if (!oldest || id_parts(needed) < id_parts(*oldest)) oldest = needed;
  }
  co_return oldest;
}

Task<void> RedisStreams::trim(std::string stream) {
  const auto oldest = co_await oldest_needed(stream);
  if (!oldest) co_return;
  std::vector<std::string> words{"XTRIM", key_of(stream), "MINID", "~", *oldest};
  const auto reply = co_await run(std::move(words));
  if (is_error(reply)) throw_reply(reply);
}

}  // namespace

std::unique_ptr<EventStreams> make_event_streams(RedisClient& redis) {
  return std::make_unique<RedisStreams>(redis);
}

}  // namespace boxoffice
