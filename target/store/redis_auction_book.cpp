// The book of an auction on Redis: one script per bid, and the stream of its notes.
#include <charconv>

#include "target/auction_parts.hpp"
#include "target/store/redis_seat_keys.hpp"

namespace boxoffice {

namespace {

constexpr std::size_t restored_per_call = 500;
constexpr std::uint64_t sequence_jump = 10000;
constexpr std::int64_t rebuild_retry_ms = 200;
constexpr std::size_t notes_per_read = 1000;
constexpr std::uint64_t score_unit = 16777216;

std::string auction_key(const AuctionInfo& auction, std::string_view suffix) {
  return fmt::format("{{a{}.{}}}:{}", auction.id, auction.epoch, suffix);
}

std::vector<std::string> auction_keys(const AuctionInfo& auction) {
  std::vector<std::string> keys;
  for (const char* suffix : {"ar", "ab", "ac", "aq", "ag"})
    keys.push_back(auction_key(auction, suffix));
  return keys;
}

std::string_view word_of(BidRule rule) {
  if (rule == BidRule::beat_top) return "BEAT_TOP";
  return rule == BidRule::beat_cutoff ? "BEAT_CUTOFF" : "OWN_RAISE";
}

std::uint64_t natural(const RedisReply& reply) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(reply.number(), 0));
}

// A score may be written as 1.5e+12.
std::uint64_t amount_of_score(const RedisReply& reply) {
  double score = 0;
  std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), score);
  return static_cast<std::uint64_t>(score) / score_unit;
}

// The amount of the one member of a ZREVRANGE … WITHSCORES; 0: there is none.
std::uint64_t amount_in(const RedisReply& range) {
  return range.elements.size() == 2 ? amount_of_score(range.elements[1]) : 0;
}

No refusal_of(const RedisReply& reply) {
  const std::string_view word = reply.elements.at(0).str();
  No no;
  if (word == "NOAUCTION") {
    no.refusal = Refusal::rebuilding;
    no.retry_after_ms = rebuild_retry_ms;
  } else if (word == "EARLY") {
    no.refusal = Refusal::auction_not_open;
    no.retry_after_ms = reply.elements.at(1).number();
  } else if (word == "CLOSED") {
    no.refusal = Refusal::auction_closed;
  } else if (word == "NOPASS") {
    no.refusal = Refusal::pass_expired;
  } else if (word == "NOBIDS") {
    no.refusal = Refusal::bid_limit;
    no.detail = fmt::format("all {} bids are used", reply.elements.at(1).number());
  } else if (word == "LOW") {
    no.refusal = Refusal::bid_too_low;
    no.floor = reply.elements.at(1).number();
    no.detail = fmt::format("a bid must be at least {}", no.floor);
  } else {
    throw StoreUnavailable("redis", fmt::format("bid: unexpected answer {}", word));
  }
  return no;
}

std::string user_list(const std::vector<std::uint64_t>& users) {
  return fmt::format("{}", fmt::join(users, ","));
}

std::vector<std::uint64_t> users_of(std::string_view list) {
  std::vector<std::uint64_t> users;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    std::uint64_t user = 0;
    const auto [next, error] = std::from_chars(at, end, user);
    if (error != std::errc{}) break;
    users.push_back(user);
    at = next + 1;
  }
  return users;
}

AuctionNote::Kind kind_of(std::string_view word) {
  if (word == "offer") return AuctionNote::Kind::offer;
  if (word == "settled") return AuctionNote::Kind::settled;
  return word == "closed" ? AuctionNote::Kind::closed : AuctionNote::Kind::out;
}

class RedisAuctionBook final : public AuctionBook {
 public:
  RedisAuctionBook(RedisClient& redis, const Switches& switches, Metrics& metrics)
      : redis_(redis), switches_(switches), metrics_(metrics) {}

  Task<Decision<BidTaken>> bid(AuctionPtr auction, std::uint64_t user, std::uint64_t amount,
                               std::int64_t pass_end_ms) override;
  Task<void> unbid(AuctionPtr auction, std::uint64_t user, BidTaken taken) override;
  Task<std::int64_t> now_ms() override { return redis_now_ms(redis_, redis_deadline()); }
  Task<AuctionTick> tick(AuctionPtr auction) override;
  Task<Standing> standing(AuctionPtr auction, std::uint64_t user) override;
  Task<void> restore(AuctionPtr auction, std::vector<StoredBid> bids) override;
  Task<void> forget(AuctionPtr auction) override;
  Task<void> tell(AuctionPtr auction, AuctionNote note) override;
  Task<std::string> newest_note(AuctionPtr auction) override;
  Task<AuctionNews> news(AuctionPtr auction, std::string& cursor) override;

 private:
  Task<RedisReply> run(Script script, const AuctionInfo& auction,
                       std::vector<std::string> arguments);
  // The defect bid_get_then_incr: between the look and the bid others of the person get in.
  Task<bool> looks_free(AuctionPtr auction, std::uint64_t user);

  RedisClient& redis_;
  const Switches& switches_;
  Metrics& metrics_;
};

Task<RedisReply> RedisAuctionBook::run(Script script, const AuctionInfo& auction,
                                       std::vector<std::string> arguments) {
  const TimePoint start = Clock::now();
  RedisReply reply = co_await redis_.eval(script, auction_keys(auction), std::move(arguments),
                                          start + redis_time_limit);
  metrics_.redis_script(script_name(script), Clock::now() - start);
  co_return reply;
}

Task<Decision<BidTaken>> RedisAuctionBook::bid(AuctionPtr auction, std::uint64_t user,
                                               std::uint64_t amount, std::int64_t pass_end_ms) {
  std::vector<std::string> arguments{std::to_string(user), std::to_string(amount),
                                     std::to_string(pass_end_ms)};
  if (switches_.bid_get_then_incr) {
    const bool free = co_await looks_free(auction, user);
    if (!free) co_return refused(Refusal::bid_limit);
    arguments.emplace_back("uncounted");
  }
  const RedisReply reply = co_await run(Script::bid, *auction, std::move(arguments));
  const auto& said = reply.elements;
  if (said.empty() || said[0].str() != "OK" || said.size() < 9) co_return refusal_of(reply);
  BidTaken taken;
  taken.number = static_cast<std::uint32_t>(said[1].number());
  taken.sequence = natural(said[2]);
  taken.rank = static_cast<std::uint32_t>(said[3].number());
  taken.cutoff = natural(said[4]);
  taken.bids_left = static_cast<std::uint32_t>(said[5].number());
  taken.pushed_out = natural(said[6]);
  taken.amount_before = natural(said[7]);
  taken.sequence_before = natural(said[8]);
  co_return taken;
}

Task<bool> RedisAuctionBook::looks_free(AuctionPtr auction, std::uint64_t user) {
  std::vector<std::string> words{"HGET", auction_key(*auction, "ac"), std::to_string(user)};
  const RedisReply used = co_await redis_.command(std::move(words), redis_deadline());
  co_return natural(used) < auction->bids_max;
}

Task<void> RedisAuctionBook::unbid(AuctionPtr auction, std::uint64_t user, BidTaken taken) {
  std::vector<std::string> arguments{std::to_string(user), std::to_string(taken.sequence),
                                     std::to_string(taken.amount_before),
                                     std::to_string(taken.sequence_before)};
  (void)co_await run(Script::unbid, *auction, std::move(arguments));
}

Task<AuctionTick> RedisAuctionBook::tick(AuctionPtr auction) {
  const std::string ranks = auction_key(*auction, "ar");
  const std::string last = std::to_string(auction->slots - 1);
  std::vector<RedisCall> calls(5);
  calls[0].words = {"ZREVRANGE", ranks, "0", "0", "WITHSCORES"};
  calls[1].words = {"ZREVRANGE", ranks, last, last, "WITHSCORES"};
  calls[2].words = {"ZCARD", ranks};
  calls[3].words = {"TIME"};
  calls[4].words = {"EXISTS", auction_key(*auction, "ag")};
  const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
  AuctionTick tick;
  tick.top = amount_in(replies.at(0));
  tick.cutoff = amount_in(replies.at(1));
  tick.bidders = natural(replies.at(2));
  tick.known = replies.at(4).integer == 1;
  tick.left_ms = std::max<std::int64_t>(auction->closes_ms - time_of(replies.at(3)), 0);
  co_return tick;
}

Task<Standing> RedisAuctionBook::standing(AuctionPtr auction, std::uint64_t user) {
  const std::string member = std::to_string(user);
  std::vector<RedisCall> calls(4);
  calls[0].words = {"HGET", auction_key(*auction, "ab"), member};
  calls[1].words = {"HGET", auction_key(*auction, "ac"), member};
  calls[2].words = {"ZREVRANK", auction_key(*auction, "ar"), member};
  calls[3].words = {"EXISTS", auction_key(*auction, "ag")};
  const auto replies = co_await redis_.pipeline(std::move(calls), redis_deadline());
  Standing standing;
  standing.known = replies.at(3).integer == 1;
  standing.amount = natural(replies.at(0));
  standing.bids = static_cast<std::uint32_t>(natural(replies.at(1)));
  if (!replies.at(2).is_nil()) standing.rank = static_cast<std::uint32_t>(replies[2].integer) + 1;
  co_return standing;
}

Task<void> RedisAuctionBook::restore(AuctionPtr auction, std::vector<StoredBid> bids) {
  for (std::size_t start = 0; start < bids.size(); start += restored_per_call) {
    std::vector<std::string> arguments{"bids"};
    const std::size_t end = std::min(bids.size(), start + restored_per_call);
    for (std::size_t i = start; i < end; ++i) {
      for (const std::uint64_t number :
           {bids[i].user, bids[i].amount, bids[i].sequence, std::uint64_t{bids[i].count}})
        arguments.push_back(std::to_string(number));
    }
    (void)co_await run(Script::bid_restore, *auction, std::move(arguments));
  }
  std::vector<std::string> settings{
      "open",  std::to_string(sequence_jump),        "open",  std::to_string(auction->opens_ms),
      "close", std::to_string(auction->closes_ms),   "slots", std::to_string(auction->slots),
      "start", std::to_string(auction->start_price), "step",  std::to_string(auction->min_step),
      "max",   std::to_string(auction->bids_max),    "rule",  std::string(word_of(auction->rule))};
  (void)co_await run(Script::bid_restore, *auction, std::move(settings));
}

Task<void> RedisAuctionBook::forget(AuctionPtr auction) {
  std::vector<std::string> words{"UNLINK", auction_key(*auction, "ag")};
  (void)co_await redis_.command(std::move(words), redis_deadline());
}

Task<void> RedisAuctionBook::tell(AuctionPtr auction, AuctionNote note) {
  const char* kind = "out";
  if (note.kind == AuctionNote::Kind::offer) kind = "offer";
  if (note.kind == AuctionNote::Kind::closed) kind = "closed";
  if (note.kind == AuctionNote::Kind::settled) kind = "settled";
  std::vector<std::string> words{"XADD",   auction_key(*auction, "an"),
                                 "MAXLEN", "~",
                                 "20000",  "*",
                                 "k",      kind,
                                 "c",      std::to_string(note.cutoff),
                                 "u",      user_list(note.users)};
  (void)co_await redis_.command(std::move(words), redis_deadline());
}

Task<std::string> RedisAuctionBook::newest_note(AuctionPtr auction) {
  std::vector<std::string> words{"XREVRANGE", auction_key(*auction, "an"), "+", "-", "COUNT", "1"};
  const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
  if (reply.elements.empty() || reply.elements[0].elements.empty()) co_return std::string("0-0");
  co_return reply.elements[0].elements[0].text;
}

// [[name, [[id, [k, kind, u, users]], …]]]; nil: no news
Task<AuctionNews> RedisAuctionBook::news(AuctionPtr auction, std::string& cursor) {
  std::vector<std::string> words{
      "XREAD", "COUNT", std::to_string(notes_per_read), "STREAMS", auction_key(*auction, "an"),
      cursor};
  const RedisReply reply = co_await redis_.command(std::move(words), redis_deadline());
  AuctionNews news;
  for (const RedisReply& stream : reply.elements) {
    if (stream.elements.size() != 2) continue;
    for (const RedisReply& entry : stream.elements[1].elements) {
      if (entry.elements.size() != 2) continue;
      const auto& fields = entry.elements[1].elements;
      AuctionNote note;
      note.at_ms = entry.elements[0].number();  // "ms-n"
      for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        if (fields[i].str() == "k") note.kind = kind_of(fields[i + 1].str());
        if (fields[i].str() == "c") note.cutoff = natural(fields[i + 1]);
        if (fields[i].str() == "u") note.users = users_of(fields[i + 1].str());
      }
      news.notes.push_back(std::move(note));
      cursor = entry.elements[0].text;
    }
  }
  co_return news;
}

}  // namespace

std::unique_ptr<AuctionBook> make_auction_book(RedisClient& redis, const Switches& switches,
                                               Metrics& metrics) {
  return std::make_unique<RedisAuctionBook>(redis, switches, metrics);
}

}  // namespace boxoffice
