add_suite(NAME target_orders_unit_test LABEL unit
  FILES ${CMAKE_CURRENT_LIST_DIR}/orders_test.cpp ${CMAKE_CURRENT_LIST_DIR}/provider_test.cpp
        ${CMAKE_CURRENT_LIST_DIR}/saga_test.cpp
  LINK boxoffice_orders boxoffice_catalogue boxoffice_ground boxoffice_domain)
