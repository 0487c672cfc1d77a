# Accounts in MySQL, their sessions in Redis.
project_library(boxoffice_store_accounts
  FILES mysql_accounts.cpp mysql_venues.cpp redis_sessions.cpp
  LINK boxoffice_accounts boxoffice_store_admin boxoffice_store_orders boxoffice_store_mysql boxoffice_store_redis)
