# Every third-party library, found once, as SYSTEM targets.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Lua 5.4 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(re2 REQUIRED re2)
pkg_check_modules(mariadb REQUIRED IMPORTED_TARGET libmariadb)

add_library(lua INTERFACE)
target_include_directories(lua SYSTEM INTERFACE ${LUA_INCLUDE_DIR})
target_link_libraries(lua INTERFACE ${LUA_LIBRARIES})

# Not pkg-config's own target: its -pthread would not fit the precompiled header.
add_library(re2 INTERFACE)
target_link_libraries(re2 INTERFACE ${re2_LINK_LIBRARIES})
