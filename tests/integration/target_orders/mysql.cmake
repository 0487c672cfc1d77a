add_suite(NAME mysql_pool_test LABEL integration
  FILES ${CMAKE_CURRENT_LIST_DIR}/mysql_pool_test.cpp
  LINK boxoffice_store_mysql private_mariadb)
add_suite(NAME catalogue_test LABEL integration
  FILES ${CMAKE_CURRENT_LIST_DIR}/catalogue_test.cpp
  LINK boxoffice_catalogue boxoffice_store_mysql boxoffice_ground private_mariadb)
add_suite(NAME admin_test LABEL integration
  FILES ${CMAKE_CURRENT_LIST_DIR}/admin_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/../target_seats/private_redis.cpp
  LINK boxoffice_routes_admin boxoffice_store_admin boxoffice_store_redis private_mariadb)
