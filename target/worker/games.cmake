# Workers of auctions and of the practice room.
project_library(boxoffice_workers_games
  FILES auction_workers.cpp practice_workers.cpp
  LINK boxoffice_games boxoffice_store_games boxoffice_worker_orders boxoffice_ground boxoffice_domain
       fmt::fmt)
