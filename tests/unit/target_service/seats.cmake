add_suite(NAME target_seats_unit_test LABEL unit
  FILES circuit_breaker_test.cpp entry_pass_test.cpp hold_id_test.cpp waiting_room_test.cpp seat_repair_test.cpp rate_limits_test.cpp
  LINK boxoffice_worker_seats boxoffice_store_redis boxoffice_store_mysql boxoffice_seats
       boxoffice_ground boxoffice_domain)
add_suite(NAME shared_seat_feed_test LABEL unit
  FILES shared_seat_feed_test.cpp
  LINK boxoffice_seat_feed boxoffice_catalogue boxoffice_domain)
