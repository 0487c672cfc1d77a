# Routes of reservations and of the waiting room.
project_library(boxoffice_routes_seats
  FILES hold_stages.cpp routes_reservations.cpp routes_queue.cpp ws_queue.cpp
  LINK boxoffice_http boxoffice_seats boxoffice_ground boxoffice_domain)
