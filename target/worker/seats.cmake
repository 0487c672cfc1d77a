# Workers of seats and waiting rooms: admission, hold sweeper, rebuild, reconciler.
project_library(boxoffice_worker_seats
  FILES seat_workers.cpp seat_repair.cpp
  LINK boxoffice_worker_orders boxoffice_seats boxoffice_ground boxoffice_domain fmt::fmt)
add_library(boxoffice_workers_seats ALIAS boxoffice_worker_seats)
