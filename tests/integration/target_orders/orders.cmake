add_suite(NAME target_orders_test LABEL integration TIMEOUT 60
  FILES ${CMAKE_CURRENT_LIST_DIR}/order_fixture.cpp ${CMAKE_CURRENT_LIST_DIR}/orders_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/defects_test.cpp ${CMAKE_CURRENT_LIST_DIR}/lost_commit_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/payments_test.cpp ${CMAKE_CURRENT_LIST_DIR}/order_defects_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/outbox_test.cpp ${CMAKE_CURRENT_LIST_DIR}/groups_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/../target_seats/private_redis.cpp
        ${CMAKE_CURRENT_LIST_DIR}/provider_process_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/rate_limits_test.cpp ${CMAKE_CURRENT_LIST_DIR}/breakers_test.cpp
        ${PROJECT_SOURCE_DIR}/tests/e2e/boxoffice_process.cpp
  DEPENDS boxoffice
  LINK boxoffice_rate_limits boxoffice_routes_orders boxoffice_worker_orders boxoffice_http boxoffice_store_orders
       boxoffice_store_mysql boxoffice_store_redis boxoffice_orders boxoffice_seats
       boxoffice_catalogue boxoffice_ground boxoffice_domain private_mariadb mysql_proxy)
