#include "tests/integration/target_games/games_fixture.hpp"

namespace boxoffice {

Instance::Instance(asio::io_context& io, const Config& config, Metrics& metrics, Switches& switches,
                   OrderSignals& signals)
    : redis(io, "127.0.0.1", config.redis_port),
      mysql(io, config, 8),
      events(make_event_store(mysql, metrics)),
      catalogue(*events),
      seats(make_seat_holds(redis, switches, metrics)),
      directory(make_hold_directory(redis)),
      ledger(make_seat_ledger(mysql, metrics)),
      leases(make_leases(redis)),
      queue(make_queue_places(redis, metrics)),
      thread{io,     config,     metrics, switches, redis,  mysql, *events,          catalogue,
             *seats, *directory, *ledger, *leases,  *queue, 0,     stop.get_token(), &signals},
      auctions(make_auction_store(io, mysql, switches, metrics)),
      book(make_auction_book(redis, switches, metrics)),
      practice(make_practice_store(mysql, metrics)),
      boards(make_practice_boards(redis, metrics)) {
  owners = {add_auction_routes(thread, table), add_practice_routes(thread, table),
            add_order_routes(thread, table), add_payment_routes(thread, table)};
}

Instance::~Instance() = default;

void GamesFixture::SetUp() {
  OrderFixture::SetUp();
  if (IsSkipped()) return;
  config.roles = {"auction", "practice", "order", "payment"};
  sql("UPDATE events SET mode='AUCTION',max_per_user=1 WHERE id=7");
  add_instance();
}

void GamesFixture::TearDown() {
  for (const auto& one : instances) one->stop.request_stop();
  OrderFixture::TearDown();
  run_for(Millis(250));  // loops notice the stop
}

Instance& GamesFixture::add_instance() {
  instances.push_back(std::make_unique<Instance>(io, config, metrics, switches, signals));
  run(io, instances.back()->redis.wait_connected(in(Millis(5000))));
  return *instances.back();
}

Task<Reply> GamesFixture::perform(Instance& at, Call request) {
  HttpRequest http;
  http.method = request.method;
  const std::string path = request.path.substr(0, request.path.find('?'));
  const std::string query =
      path.size() < request.path.size() ? request.path.substr(path.size() + 1) : "";
  http.path = path;
  http.query = query;
  http.body = request.body;
  http.trace_id = "0123456789abcdef0123456789abcdef";
  http.deadline = Clock::now() + Millis(10000);
  if (request.user != 0) http.caller = Caller{request.user, Role::user};
  for (const auto& [name, value] : request.headers) http.headers.emplace_back(name, value);
  const Router router(at.table, Surface::main, config.roles);
  const auto found = router.find(http.method, http.path, http.path_parameters);
  Reply reply;
  if (found.route == nullptr) co_return reply;
  HttpResponse response;
  try {
    response = co_await found.route->handle(http);
  } catch (const StoreUnavailable& down) {
    reply.failure = down.dependency();
  } catch (const std::exception& error) {
    reply.failure = error.what();
  }
  reply.status = reply.failure.empty() ? response.status : 503;
  reply.headers = response.headers;
  if (!response.body.empty()) reply.body = nlohmann::json::parse(response.body);
  co_return reply;
}

std::vector<Reply> GamesFixture::ask_all(std::vector<std::pair<Instance*, Call>> requests) {
  std::vector<Reply> replies(requests.size());
  std::size_t left = requests.size();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    asio::co_spawn(io, perform(*requests[i].first, std::move(requests[i].second)),
                   [&replies, &left, i](const std::exception_ptr& failure, Reply reply) {
                     replies[i] = std::move(reply);
                     if (failure) replies[i].failure = "thrown";
                     --left;
                   });
  }
  const TimePoint end = Clock::now() + std::chrono::seconds(30);
  io.restart();
  while (left > 0 && Clock::now() < end) io.run_one_for(Millis(100));
  EXPECT_EQ(left, 0U) << "calls without an answer";
  return replies;
}

Reply GamesFixture::ask(Instance& at, Call request) {
  std::vector<std::pair<Instance*, Call>> one;
  one.emplace_back(&at, std::move(request));
  return ask_all(std::move(one)).at(0);
}

std::uint64_t GamesFixture::auction(AuctionInfo facts) {
  facts.event = event_id;
  if (facts.start_price == 0) facts.start_price = 10000;
  facts.opens_ms = wall_clock_ms() - 1000;
  facts.closes_ms = facts.opens_ms + 3600000;
  return run(io, instances[0]->auctions->create({facts}));
}

Call GamesFixture::bid_call(std::uint64_t auction, std::uint64_t user, std::uint64_t amount,
                            std::string key) {
  return Call{"POST",
              fmt::format("/api/auctions/{}/bids", auction),
              fmt::format(R"({{"amount":{}}})", amount),
              user,
              {{"Idempotency-Key", std::move(key)}}};
}

Reply GamesFixture::bid(std::uint64_t auction, std::uint64_t user, std::uint64_t amount) {
  return ask(*instances[0], bid_call(auction, user, amount, fmt::format("bid-{}", ++keys_)));
}

void GamesFixture::end_auction(std::uint64_t auction) {
  sql(fmt::format("UPDATE auctions SET closes_at=NOW(3) WHERE id={}", auction));
}

std::string GamesFixture::awards(std::uint64_t auction) {
  return one(
      fmt::format("SELECT COALESCE(GROUP_CONCAT(CONCAT(rank_no,':',user_id,':',slot_no,':',"
                  "amount,':',status) ORDER BY rank_no SEPARATOR ' '),'') FROM "
                  "auction_awards WHERE auction_id={}",
                  auction));
}

}  // namespace boxoffice
