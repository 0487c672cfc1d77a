#include "harness/topology/http_exchange.hpp"

#include <exception>

#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace stampede {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::uint64_t body_bytes_max = 256ULL << 20;  // tokens of 500,000 users

// The caller's frame outlives this coroutine: it runs its io_context to the end.
asio::awaitable<void> talk(const Endpoint& endpoint, const HttpQuestion& question,
                           std::chrono::milliseconds timeout, HttpAnswer& answer) {
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  stream.expires_after(timeout);
  asio::ip::tcp::resolver resolver(stream.get_executor());
  const auto found = co_await resolver.async_resolve(endpoint.host, std::to_string(endpoint.port),
                                                     asio::use_awaitable);
  co_await stream.async_connect(found, asio::use_awaitable);
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(question.method);
  request.target(question.target);
  request.set(http::field::host, fmt::format("{}:{}", endpoint.host, endpoint.port));
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : question.headers) request.set(name, value);
  request.body() = question.body;
  request.prepare_payload();
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(body_bytes_max);
  co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  answer.status = parser.get().result_int();
  answer.body = std::move(parser.get().body());
}

}  // namespace

HttpAnswer exchange(const Endpoint& endpoint, const HttpQuestion& question,
                    std::chrono::milliseconds timeout) {
  asio::io_context io(1);
  HttpAnswer answer;
  std::exception_ptr failure;
  asio::co_spawn(io, talk(endpoint, question, timeout, answer),
                 [&failure](std::exception_ptr error) { failure = std::move(error); });
  io.run();
  if (failure) std::rethrow_exception(failure);
  return answer;
}

}  // namespace stampede
