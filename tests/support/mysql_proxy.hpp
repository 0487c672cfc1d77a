// Stands between a client and a database on loopback, forwards what both say, and breaks the next
// COMMIT when told to: the only way to see what a client makes of an outcome that it cannot know.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <thread>

namespace test {

class MysqlProxy {
 public:
  enum class Break : std::uint8_t {
    none,
    commit,  // it never reaches the database
    reply,   // the database commits, and its reply is lost
    away     // as `reply`, and from then on nobody is reachable until mend()
  };

  explicit MysqlProxy(std::uint16_t database_port);
  ~MysqlProxy();
  MysqlProxy(const MysqlProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void break_next_commit(Break how) { next_ = how; }
  void mend() { away_ = false; }
  [[nodiscard]] unsigned broken() const noexcept { return broken_; }

 private:
  using Tcp = boost::asio::ip::tcp;
  struct Pair;
  using PairPtr = std::shared_ptr<Pair>;
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> forward_questions(PairPtr pair);
  boost::asio::awaitable<void> forward_answers(PairPtr pair);

  std::uint16_t database_port_;
  std::atomic<Break> next_{Break::none};
  std::atomic<bool> away_{false};
  std::atomic<unsigned> broken_{0};
  boost::asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

}  // namespace test
