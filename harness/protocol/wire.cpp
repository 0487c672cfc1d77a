#include "harness/protocol/wire.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>

#include "harness/protocol/answer_extras.hpp"
#include "harness/protocol/resolver.hpp"
#include "harness/protocol/tls.hpp"
#include "harness/protocol/websocket_client.hpp"

namespace stampede {

namespace {
constexpr std::size_t spare_exchanges_max = 1024;
constexpr std::size_t kept_capacity_max = 64 << 10;
}  // namespace

void Sleeper::wake() {
  if (waiting_) loop_.post(std::exchange(waiting_, nullptr));
}

void KeptHeaders::add(std::string_view name, std::string_view value) {
  if (count_ == entries_.size()) entries_.emplace_back();
  Entry& entry = entries_[count_++];
  entry.first.assign(name);
  entry.second.assign(value);
}

std::size_t KeptHeaders::memory() const noexcept {
  std::size_t bytes = entries_.capacity() * sizeof(Entry);
  for (const Entry& entry : entries_) bytes += entry.first.capacity() + entry.second.capacity();
  return bytes;
}

bool KeptHeaders::operator==(const KeptHeaders& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

Exchange::Exchange() = default;
Exchange::~Exchange() = default;

void Exchange::reset() {
  request.clear();
  repeatable = head = false;
  keep_body = true;
  body_max = body_size_max;
  failure = Failure::none;
  wanted_headers = {};
  wants = nullptr;
  memory = nullptr;
  forget_answer();
}

void Exchange::forget_answer() {
  outcome = Outcome::ok;
  status = 0;
  sent = first_byte = done = TimePoint{};
  body.clear();
  body_bytes = 0;
  headers.clear();
  problem.clear();
  carry.clear();
  if (wants != nullptr) wants->forget_answer();
}

AnswerExtras& Exchange::extras() {
  if (!extras_) extras_ = std::make_unique<AnswerExtras>();
  extras_->forget_answer();
  extras_->decode = extras_->cookies = false;
  return *extras_;
}

void AddressList::add(const asio::ip::tcp::endpoint& endpoint) {
  const SocketAddress address(endpoint);
  if (std::ranges::find(all, address) != all.end()) return;
  const auto family_of = [](const SocketAddress& each) { return each.protocol().family(); };
  if (family_of(address) == AF_INET) {
    const auto v4 = std::ranges::count(all, AF_INET, family_of);
    all.insert(all.begin() + v4, address);
  } else {
    all.push_back(address);
  }
  preferred = static_cast<std::size_t>(std::ranges::count(all, family_of(all.front()), family_of));
}

void AddressList::add_unix(const std::string& path) {
  all.emplace_back(asio::local::stream_protocol::endpoint(path));
  preferred = all.size();
}

Wire::Wire(EventLoop& loop, ServerAddress server, std::uint64_t seed)
    : loop_(loop),
      server_(std::move(server)),
      timers_(loop),
      scratch_(std::make_unique<std::array<char, scratch_size>>()),
      mask_state_(seed | 1) {
  if (server_.tls) tls_ = std::make_unique<TlsContext>(*server_.tls, server_.tls_host);
  for (const asio::ip::address& source : server_.sources) {
    (source.is_v4() ? sources_v4_ : sources_v6_).push_back(source);
  }
}

Wire::~Wire() = default;

Resolver& Wire::resolver() {
  if (!resolver_) resolver_ = std::make_unique<Resolver>(loop_);
  return *resolver_;
}

std::uint32_t Wire::next_mask() noexcept {
  // Masks protect proxies from hostile pages (RFC 6455 §10.3); a load generator needs only that
  // they vary.
  mask_state_ ^= mask_state_ << 13;
  mask_state_ ^= mask_state_ >> 7;
  mask_state_ ^= mask_state_ << 17;
  return static_cast<std::uint32_t>(mask_state_ >> 32);
}

Wire::BorrowedExchange Wire::borrow() {
  if (spare_.empty()) return BorrowedExchange(new Exchange, GiveBack{this});
  Exchange* exchange = spare_.back().release();
  spare_.pop_back();
  exchange->reset();
  return BorrowedExchange(exchange, GiveBack{this});
}

void Wire::give_back(Exchange* exchange) {
  std::unique_ptr<Exchange> owned(exchange);
  if (spare_.size() >= spare_exchanges_max) return;
  const std::size_t kept = exchange->request.capacity() + exchange->body.capacity() +
                           exchange->carry.capacity() + exchange->headers.memory();
  if (kept > kept_capacity_max) return;
  spare_.push_back(std::move(owned));
}

int Wire::open_socket(const SocketAddress& address, boost::system::error_code& error) {
  const auto failed = [&error] { error = {errno, boost::system::system_category()}; };
  error = {};
  const int family = address.protocol().family();
  const int socket = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) failed();
  if (socket < 0 || family == AF_UNIX) return socket;
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto& sources = family == AF_INET ? sources_v4_ : sources_v6_;
  if (sources.empty()) return socket;
  const SocketAddress source(asio::ip::tcp::endpoint(sources[sources_used_++ % sources.size()], 0));
  // The port is chosen at connect time, when the whole four-tuple is known; bind alone would
  // reserve it.
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(socket, source.data(), static_cast<socklen_t>(source.size())) != 0) failed();
  return socket;
}

void Wire::enlist(WebSocketClient& client) {
  client.roster_place = websockets_.size();
  websockets_.push_back(&client);
}

void Wire::strike_off(WebSocketClient& client) noexcept {
  websockets_[client.roster_place] = websockets_.back();
  websockets_[client.roster_place]->roster_place = client.roster_place;
  websockets_.pop_back();
}

void Wire::close_websockets() {
  for (WebSocketClient* client : std::vector<WebSocketClient*>(websockets_)) client->abort();
}

Failure failure_of_connect(const boost::system::error_code& error) noexcept {
  switch (error.value()) {
    case ECONNREFUSED:
    case ENOENT:  // of a Unix-domain socket
      return Failure::refused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EACCES:
    case EPERM:
      return Failure::unreachable;
    case ETIMEDOUT:
    case EAGAIN:  // of a Unix-domain socket: the server's queue is full
      return Failure::connect_timeout;
    case EMFILE:
    case ENFILE:
      return Failure::out_of_descriptors;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return Failure::out_of_ports;
    case ECONNRESET:
      return Failure::reset;
    default:
      return Failure::other;
  }
}

std::string describe_connect_error(const boost::system::error_code& error, Failure failure) {
  std::string text = error.message();
  if (failure == Failure::out_of_descriptors) {
    text += " (raise the limit: ulimit -n)";
  } else if (failure == Failure::out_of_ports) {
    text += " (no free local port: keep connections alive, or widen net.ipv4.ip_local_port_range)";
  } else if (failure == Failure::bad_source) {
    text += " (a source address that is not of this machine)";
  }
  return text;
}

}  // namespace stampede
