# Auctions and the practice room in MySQL; their Redis side is among the others.
project_library(boxoffice_store_games
  FILES mysql_auctions.cpp mysql_auction_awards.cpp redis_auction_book.cpp
        mysql_practice.cpp redis_practice.cpp
  LINK boxoffice_games boxoffice_store_orders boxoffice_store_mysql boxoffice_store_redis
       boxoffice_ground fmt::fmt)
