# What every part may use to leave a dependency alone.
project_library(boxoffice_breaker FILES circuit_breaker.cpp LINK boxoffice_domain)
# Seats, holds and the waiting room: use cases that know no HTTP, SQL or Redis.
project_library(boxoffice_seats
  FILES hold_id.cpp entry_pass.cpp rate_limits.cpp seat_rebuild.cpp reservations.cpp waiting_room.cpp
  LINK boxoffice_breaker boxoffice_catalogue boxoffice_ground boxoffice_domain OpenSSL::Crypto fmt::fmt)
# What several threads read of the live seats together.
project_library(boxoffice_seat_feed
  FILES shared_seat_feed.cpp
  LINK boxoffice_orders boxoffice_catalogue boxoffice_domain)
