// The whole of boxoffice on one thread, without a port: what a client would send over TCP goes
// through a pair of sockets into the real connection, parser, router and handlers.
//
// Without stores (the rule): Redis and MySQL are not there, and the catalogue knows four events by
// heart; every handler is reached, and most end with 503 at their first question to a store.
// With STAMPEDE_FUZZ_STORES set the rig starts a Redis and a MariaDB of its own and seeds them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "target/http/router.hpp"

namespace boxoffice::fuzz {

class RoutesRig {
 public:
  // Made on first use, never taken apart: suspended coroutines refer to each other.
  static RoutesRig& instance();

  // Sends `bytes`, cut into pieces as `seed` says, ends the sending side and gives what came back
  // until the server ended too.
  std::string talk(Surface surface, std::string_view bytes, unsigned seed);
  // Replaces @user, @other, @company, @operator (bearer tokens), @admin (the operator's token),
  // @pass, @place (of the waiting room), @time (now, in seconds) and @sign (the signature of a
  // webhook with the id "fuzz" and everything after the next empty line as its body).
  [[nodiscard]] std::string fill_in(std::string_view text) const;
  // True when nothing that was begun is still open.
  bool quiet();
  void forget_switches();  // what an input switched is switched back

 private:
  RoutesRig();
  struct Parts;
  Parts* parts_;
};

}  // namespace boxoffice::fuzz
