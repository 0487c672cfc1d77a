# The Redis side of the stores. The scripts become a source file whenever one of them changes.
set(lua_names auth_rotate bid bid_restore extend gcra hold lock pend practice practice_rank practice_ranks
              practice_restore practice_undo q_admit q_enter q_leave q_look q_poll q_requeue rebuild release
              restore seat_feed settle sweep unbid unlock unpend)
set(lua_files "")
foreach(name ${lua_names})
  list(APPEND lua_files ${CMAKE_CURRENT_SOURCE_DIR}/lua/${name}.lua)
endforeach()
string(REPLACE ";" "|" lua_list "${lua_files}")
set(lua_source ${CMAKE_CURRENT_BINARY_DIR}/redis_scripts.cpp)
add_custom_command(OUTPUT ${lua_source}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${lua_source} "-DFILES=${lua_list}"
          -P ${CMAKE_CURRENT_SOURCE_DIR}/embed_lua.cmake
  DEPENDS ${lua_files} ${CMAKE_CURRENT_SOURCE_DIR}/embed_lua.cmake
  COMMENT "Embedding the Redis scripts" VERBATIM)

project_library(boxoffice_store_redis
  FILES redis_client.cpp redis_link.cpp redis_seat_holds.cpp redis_hold_in_two_steps.cpp redis_seat_scan.cpp
        redis_seat_mirror.cpp redis_seat_feed.cpp redis_leases.cpp redis_queue_places.cpp
        redis_queue_defects.cpp redis_rate_buckets.cpp ${lua_source}
  LINK boxoffice_seats boxoffice_ground boxoffice_domain PkgConfig::hiredis OpenSSL::Crypto fmt::fmt)
