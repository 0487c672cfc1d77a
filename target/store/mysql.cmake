project_library(boxoffice_store_mysql
  FILES mysql.cpp mysql_session.cpp
  LINK PkgConfig::mariadb)
