# Routes of reservations and of the waiting room.
project_library(boxoffice_routes_seats
  FILES routes_reservations.cpp
  LINK boxoffice_http boxoffice_seats boxoffice_ground boxoffice_domain)
