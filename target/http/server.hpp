// The sockets of one thread: listeners, the connections they bring, the deadline clock, the drain.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <list>
#include <string>

#include "target/http/lane.hpp"

namespace boxoffice {

class HttpServer {
 public:
  // What is referred to must outlive the server; `table` must not change any more.
  HttpServer(asio::io_context& io, const Config& config, Metrics& metrics, const Switches& switches,
             ServerLoad& load, const RouteTable& table, const ServerLimits& limits = {});
  ~HttpServer();
  HttpServer(HttpServer&&) = delete;

  // Port 0 takes a free one; the port that was taken. `shared`: other threads listen there too.
  // Throws boost::system::system_error (address_in_use among others).
  std::uint16_t listen(const std::string& host, std::uint16_t port, Surface surface, bool shared);

  // Stops accepting, lets what is in flight be answered, closes the idle and the WebSockets (1012);
  // what is left at `until` is cut. True: nothing had to be cut.
  Task<bool> drain(TimePoint until);

  [[nodiscard]] std::size_t open_connections() const noexcept { return lane_.watched.size(); }

 private:
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  struct Listener {
    Acceptor acceptor;
    Surface surface;
    Timer pause;
  };

  Task<void> accept_loop(Listener& listener);
  void welcome(Socket socket, Surface surface);
  Task<void> deadline_loop();
  void stop_accepting();

  Lane lane_;
  std::list<Listener> listeners_;
  Timer deadline_clock_;
  std::uint32_t loops_ = 0;  // of ours still running
};

// Whether somebody listens there already; shared ports hide that from a plain bind.
boost::system::error_code probe_port(const std::string& host, std::uint16_t port);

}  // namespace boxoffice
