#include "tests/support/mysql_proxy.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <string_view>

namespace asio = boost::asio;

namespace test {

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

// A test's connection ends in any way it likes.
void ignore_end(std::exception_ptr) {}

}  // namespace

struct MysqlProxy::Pair {
  Tcp::socket client, database;
  bool mute = false;  // the next answer is the end

  // A child process may hold copies of the sockets: the end is told, not left to the last close.
  void close() {
    boost::system::error_code ignored;
    client.shutdown(Tcp::socket::shutdown_both, ignored);
    database.shutdown(Tcp::socket::shutdown_both, ignored);
    client.close(ignored);
    database.close(ignored);
  }
};

MysqlProxy::MysqlProxy(std::uint16_t database_port)
    : database_port_(database_port),
      acceptor_(io_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()) {
  asio::co_spawn(io_, accept(), ignore_end);
  thread_ = std::jthread([this] { io_.run(); });
}

MysqlProxy::~MysqlProxy() { io_.stop(); }

asio::awaitable<void> MysqlProxy::accept() {
  while (true) {
    Tcp::socket client = co_await acceptor_.async_accept(asio::use_awaitable);
    if (away_) continue;
    auto pair = std::make_shared<Pair>(Pair{std::move(client), Tcp::socket(io_)});
    const Tcp::endpoint database(asio::ip::address_v4::loopback(), database_port_);
    const auto [error] = co_await pair->database.async_connect(database, as_values);
    if (error) continue;
    pair->client.set_option(Tcp::no_delay(true));
    pair->database.set_option(Tcp::no_delay(true));
    asio::co_spawn(io_, forward_questions(pair), ignore_end);
    asio::co_spawn(io_, forward_answers(pair), ignore_end);
  }
}

asio::awaitable<void> MysqlProxy::forward_questions(PairPtr pair) {
  // A text query is its length, its number, the command 3 and its words.
  constexpr std::string_view commit(
      "\x11\0\0\0\x03"
      "COMMIT AND CHAIN",
      21);
  std::array<char, 16 * 1024> bytes{};
  while (true) {
    const auto [error, size] =
        co_await pair->client.async_read_some(asio::buffer(bytes), as_values);
    if (error || away_) break;
    const std::string_view said(bytes.data(), size);
    if (said == commit && next_ != Break::none) {
      ++broken_;
      const Break how = next_.exchange(Break::none);
      if (how == Break::commit) break;
      pair->mute = true;
      away_ = how == Break::away;
    }
    const auto [unsent, sent] =
        co_await asio::async_write(pair->database, asio::buffer(said), as_values);
    if (unsent) break;
  }
  pair->close();
}

asio::awaitable<void> MysqlProxy::forward_answers(PairPtr pair) {
  std::array<char, 16 * 1024> bytes{};
  while (true) {
    const auto [error, size] =
        co_await pair->database.async_read_some(asio::buffer(bytes), as_values);
    if (error || pair->mute) break;
    const auto [unsent, sent] =
        co_await asio::async_write(pair->client, asio::buffer(bytes, size), as_values);
    if (unsent) break;
  }
  pair->close();
}

}  // namespace test
