# Seats, holds and the waiting room: use cases that know no HTTP, SQL or Redis.
project_library(boxoffice_seats
  FILES hold_id.cpp entry_pass.cpp seat_rebuild.cpp reservations.cpp waiting_room.cpp
  LINK boxoffice_catalogue boxoffice_ground boxoffice_domain OpenSSL::Crypto fmt::fmt)
