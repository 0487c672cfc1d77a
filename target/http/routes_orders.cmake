# The payment provider as a process of its own, seen from its customer.
project_library(boxoffice_provider_client
  FILES provider_client.cpp
  LINK boxoffice_http boxoffice_breaker boxoffice_orders boxoffice_ground boxoffice_domain fmt::fmt)
# Routes of orders and payments, and the courier of simulated webhooks.
project_library(boxoffice_routes_orders
  FILES routes_orders.cpp routes_payments.cpp routes_provider.cpp
        webhook_courier.cpp
  LINK boxoffice_http boxoffice_routes_admin boxoffice_provider_client boxoffice_orders boxoffice_seats boxoffice_store_orders boxoffice_ground
       boxoffice_domain)
