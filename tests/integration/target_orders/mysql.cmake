add_suite(NAME mysql_pool_test LABEL integration
  FILES ${CMAKE_CURRENT_LIST_DIR}/mysql_pool_test.cpp
  LINK boxoffice_store_mysql private_mariadb)
