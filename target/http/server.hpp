// The sockets of one thread: listeners, the connections they bring, the deadline clock, the drain.
#pragma once

#include <memory>
#include <string>

#include "target/http/lane.hpp"

namespace boxoffice {

class HttpServer {
 public:
  // What is referred to must outlive `io`, because connections end with it at the latest; `table`
  // must not change any more.
  HttpServer(asio::io_context& io, const Config& config, Metrics& metrics, const Switches& switches,
             ServerLoad& load, const RouteTable& table, const ServerLimits& limits = {});
  // Cuts what is left; on the io_context's thread, or when that does not run. `io` must still be
  // there, and may go on running.
  ~HttpServer();
  HttpServer(HttpServer&&) = delete;

  // Port 0 takes a free one; the port that was taken. `shared`: other threads listen there too.
  // Throws boost::system::system_error (address_in_use among others).
  std::uint16_t listen(const std::string& host, std::uint16_t port, Surface surface, bool shared);

  // Stops accepting, lets what is in flight be answered, closes the idle and the WebSockets (1012);
  // what is left at `until` is cut. True: nothing had to be cut.
  Task<bool> drain(TimePoint until);

  [[nodiscard]] std::size_t open_connections() const noexcept;

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // shared with the loops, which end after the server
};

// Whether somebody listens there already; shared ports hide that from a plain bind.
boost::system::error_code probe_port(const std::string& host, std::uint16_t port);

}  // namespace boxoffice
