# The MySQL side of the stores. The schema becomes a source file whenever it changes.
set(schema_source ${CMAKE_CURRENT_BINARY_DIR}/schema_text.cpp)
add_custom_command(OUTPUT ${schema_source}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${schema_source} -DFILE=${CMAKE_CURRENT_SOURCE_DIR}/schema.sql
          -P ${CMAKE_CURRENT_SOURCE_DIR}/embed_sql.cmake
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/schema.sql ${CMAKE_CURRENT_SOURCE_DIR}/embed_sql.cmake
  COMMENT "Embedding the schema" VERBATIM)

project_library(boxoffice_store_mysql
  FILES mysql.cpp mysql_session.cpp mysql_events.cpp schema.cpp ${schema_source}
  LINK boxoffice_breaker boxoffice_seats boxoffice_domain boxoffice_ground PkgConfig::mariadb)
project_library(boxoffice_store_admin
  FILES mysql_admin.cpp mysql_audit.cpp mysql_seed.cpp admin_keys.cpp redis_switch_board.cpp
  LINK boxoffice_admin boxoffice_store_mysql boxoffice_store_redis)
