# Seats, holds and the waiting room: use cases that know no HTTP, SQL or Redis.
project_library(boxoffice_seats
  FILES hold_id.cpp
  LINK boxoffice_domain OpenSSL::Crypto fmt::fmt)
