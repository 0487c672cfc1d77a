add_suite(NAME target_accounts_unit_test LABEL unit
  FILES ${CMAKE_CURRENT_LIST_DIR}/password_test.cpp
  LINK boxoffice_accounts)
