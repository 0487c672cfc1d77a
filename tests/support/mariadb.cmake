# A MariaDB of the test's own.
project_library(private_mariadb NO_PCH FILES ${CMAKE_CURRENT_LIST_DIR}/private_mariadb.cpp
  LINK PkgConfig::mariadb)
# What loses a COMMIT between a client and its database.
project_library(mysql_proxy FILES ${CMAKE_CURRENT_LIST_DIR}/mysql_proxy.cpp)
