# Orders and payments: the use cases and the interfaces of the stores they need.
project_library(boxoffice_orders
  FILES order.cpp order_ids.cpp order_signals.cpp order_watch.cpp orders.cpp payment_provider.cpp payments.cpp
        seat_settler.cpp simulated_provider.cpp webhook_signature.cpp
  LINK boxoffice_catalogue boxoffice_ground boxoffice_domain OpenSSL::Crypto fmt::fmt)
