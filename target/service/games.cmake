# Auctions and the practice room: the use cases and the interfaces of the stores they need.
project_library(boxoffice_games
  FILES auctions.cpp practice.cpp
  LINK boxoffice_orders boxoffice_seats boxoffice_catalogue boxoffice_ground boxoffice_domain fmt::fmt)
