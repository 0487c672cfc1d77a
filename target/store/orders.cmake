# Orders, payments and the outbox in MySQL; the event streams in Redis.
project_library(boxoffice_store_orders
  FILES mysql_event_books.cpp mysql_orders.cpp mysql_order_rows.cpp mysql_payments.cpp mysql_outbox.cpp
        mysql_transaction.cpp redis_streams.cpp
  LINK boxoffice_orders boxoffice_store_mysql boxoffice_store_redis boxoffice_ground fmt::fmt)
