# Routes of orders and payments, and the courier of simulated webhooks.
project_library(boxoffice_routes_orders
  FILES routes_orders.cpp routes_payments.cpp webhook_courier.cpp
  LINK boxoffice_http boxoffice_orders boxoffice_seats boxoffice_store_orders boxoffice_ground
       boxoffice_domain)
