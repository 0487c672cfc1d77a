# Workers of orders and payments: relay, consumers, sweeper, refunds, reconciler.
project_library(boxoffice_worker_orders
  FILES book_effects.cpp order_workers.cpp order_sweeper.cpp outbox_relay.cpp settle_effect.cpp stream_consumer.cpp
        worker_loop.cpp
  LINK boxoffice_orders boxoffice_provider_client boxoffice_seats boxoffice_store_orders boxoffice_ground boxoffice_domain
       fmt::fmt)
add_library(boxoffice_workers_orders ALIAS boxoffice_worker_orders)
