# Routes of auctions and of the practice room.
project_library(boxoffice_routes_games
  FILES routes_auctions.cpp auction_hub.cpp routes_practice.cpp
  LINK boxoffice_http boxoffice_games boxoffice_store_games boxoffice_routes_orders boxoffice_ground
       boxoffice_domain)
