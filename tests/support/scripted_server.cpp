#include "tests/support/scripted_server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace test {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

// A test's connection ends in any way it likes; what matters is what the client made of it.
void ignore_end(std::exception_ptr) {}

std::size_t content_length(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::size_t at = head.find("content-length:");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 15));
}

std::string text_of(const Reply& reply) {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n" + reply.headers;
  if (reply.status == 204 || reply.status == 304) return text + "\r\n";
  return text + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
}

}  // namespace

ScriptedServer::ScriptedServer(HttpScript http, WsScript websocket)
    : http_(std::move(http)),
      websocket_(std::move(websocket)),
      acceptor_(io_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()) {
  acceptor_.listen(4096);
  asio::co_spawn(io_, accept(), ignore_end);
  thread_ = std::jthread([this] { io_.run(); });
}

ScriptedServer::~ScriptedServer() { io_.stop(); }

asio::awaitable<void> ScriptedServer::accept() {
  while (true) {
    Tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    socket.set_option(Tcp::no_delay(true));
    asio::co_spawn(io_, serve(std::move(socket), connections++), ignore_end);
  }
}

asio::awaitable<void> ScriptedServer::serve(Tcp::socket socket, std::uint64_t connection) {
  std::string input;
  for (std::uint64_t nth = 0;; ++nth) {
    const std::size_t head_size = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(input), "\r\n\r\n", asio::use_awaitable);
    Seen seen;
    seen.head = input.substr(0, head_size);
    input.erase(0, head_size);
    if (websocket_ && seen.head.find("Upgrade: websocket") != std::string::npos) {
      co_await talk(std::move(socket), std::move(seen.head));
      co_return;
    }
    const std::size_t length = content_length(seen.head);
    if (input.size() < length) {
      co_await asio::async_read(socket, asio::dynamic_buffer(input),
                                asio::transfer_exactly(length - input.size()), asio::use_awaitable);
    }
    seen.body = input.substr(0, length);
    input.erase(0, length);
    const std::size_t space = seen.head.find(' ');
    seen.method = seen.head.substr(0, space);
    seen.target = seen.head.substr(space + 1, seen.head.find(' ', space + 1) - space - 1);
    seen.number = requests++;
    seen.connection = connection;
    seen.nth_on_connection = nth;
    Reply reply = http_(seen);
    const bool goes_on = co_await answer(socket, std::move(reply));
    if (!goes_on) co_return;
  }
}

asio::awaitable<bool> ScriptedServer::answer(Tcp::socket& socket, Reply reply) {
  if (reply.delay.count() > 0 || reply.kind == Reply::Kind::silence) {
    asio::steady_timer timer(
        io_, reply.kind == Reply::Kind::silence ? std::chrono::hours(1) : reply.delay);
    co_await timer.async_wait(asio::use_awaitable);
  }
  std::string text = reply.raw.empty() ? text_of(reply) : reply.raw;
  if (reply.kind == Reply::Kind::garbage) text = "SSH-2.0-this is not HTTP\r\n\r\n";
  if (reply.kind == Reply::Kind::half_body) text.resize(text.size() - (reply.body.size() + 1) / 2);
  if (reply.kind == Reply::Kind::reset) {
    socket.set_option(asio::socket_base::linger(true, 0));
    socket.close();  // its destructor would not reset
    co_return false;
  }
  if (reply.kind == Reply::Kind::close) co_return false;
  const std::size_t piece = reply.in_pieces ? 7 : text.size();
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const auto part = asio::buffer(text.data() + at, std::min(piece, text.size() - at));
    co_await asio::async_write(socket, part, asio::use_awaitable);
    if (reply.in_pieces) {
      asio::steady_timer timer(io_, std::chrono::milliseconds(1));
      co_await timer.async_wait(asio::use_awaitable);
    }
  }
  co_return reply.kind == Reply::Kind::answer && !reply.close_after;
}

asio::awaitable<void> ScriptedServer::talk(Tcp::socket socket, std::string head) {
  beast::http::request_parser<beast::http::string_body> parser;
  beast::error_code error;
  parser.put(asio::buffer(head), error);
  beast::websocket::stream<Tcp::socket> stream(std::move(socket));
  stream.control_callback([this](beast::websocket::frame_type kind, beast::string_view) {
    if (kind == beast::websocket::frame_type::pong) ++pongs;
  });
  co_await stream.async_accept(parser.get(), asio::use_awaitable);
  std::optional<std::string> said;
  while (true) {
    const WsReply reply = websocket_(said);
    for (const std::string& text : reply.texts) {
      co_await stream.async_write(asio::buffer(text), asio::use_awaitable);
    }
    if (reply.ping) co_await stream.async_ping({}, asio::use_awaitable);
    if (reply.drop) co_return;
    if (reply.close_code) {
      const beast::websocket::close_reason reason(*reply.close_code);
      co_await stream.async_close(reason, asio::use_awaitable);
      co_return;
    }
    beast::flat_buffer buffer;
    try {
      co_await stream.async_read(buffer, asio::use_awaitable);
    } catch (const boost::system::system_error&) {
      if (stream.reason()) {
        close_code = stream.reason().code;
        ++websockets_closed;
      }
      co_return;
    }
    said = beast::buffers_to_string(buffer.data());
  }
}

std::uint16_t unused_port() {
  asio::io_context io;
  const asio::ip::tcp::acceptor acceptor(
      io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  return acceptor.local_endpoint().port();
}

}  // namespace test
