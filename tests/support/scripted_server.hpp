// A loopback HTTP and WebSocket server that follows a script: it answers, waits, resets, cuts a
// body in half, or talks garbage. It has one thread, so a script that sleeps freezes the whole
// server, as a stalled process would. Its WebSocket side is Boost.Beast's: an implementation that
// our client shares no code with.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace test {

struct Seen {
  std::string method, target;
  std::string head;  // all lines of the header
  std::string body;
  std::uint64_t number = 0;             // of the request, from 0
  std::uint64_t connection = 0;         // from 0
  std::uint64_t nth_on_connection = 0;  // from 0
};

struct Reply {
  enum class Kind : std::uint8_t { answer, half_body, garbage, reset, close, silence };
  Kind kind = Kind::answer;
  unsigned status = 200;
  std::string body = "{}";
  std::string headers;                 // whole lines, each with CR LF
  std::chrono::milliseconds delay{0};  // of this answer alone
  bool close_after = false;            // the connection, without saying so beforehand
  bool in_pieces = false;              // a few bytes at a time
  std::string raw;                     // the whole answer instead, byte for byte
};

// What to do after a message, or after the connection was made (text == nullopt).
struct WsReply {
  std::vector<std::string> texts;
  bool ping = false;
  std::optional<std::uint16_t> close_code;
  bool drop = false;  // the TCP connection, without a close frame
};

class ScriptedServer {
 public:
  using HttpScript = std::function<Reply(const Seen&)>;
  using WsScript = std::function<WsReply(const std::optional<std::string>& text)>;
  // Scripts are called on the server's thread. Without a WebSocket script the HTTP script answers
  // upgrades.
  explicit ScriptedServer(HttpScript http, WsScript websocket = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  std::atomic<std::uint64_t> connections{0}, requests{0}, pongs{0};
  std::atomic<std::uint64_t> websockets_closed{0};  // by the client, with a close frame
  std::atomic<unsigned> close_code{0};              // of the last such frame

 private:
  using Tcp = boost::asio::ip::tcp;
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(Tcp::socket socket, std::uint64_t connection);
  boost::asio::awaitable<bool> answer(Tcp::socket& socket, Reply reply);
  boost::asio::awaitable<void> talk(Tcp::socket socket, std::string head);

  HttpScript http_;
  WsScript websocket_;
  boost::asio::io_context io_;
  Tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

// A loopback port that nobody listens on.
std::uint16_t unused_port();

}  // namespace test
