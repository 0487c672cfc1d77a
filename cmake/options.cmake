# project_options: the one target that carries warnings, sanitizers and definitions. Link it PRIVATE.
option(STAMPEDE_WERROR "treat warnings as errors" OFF)
set(STAMPEDE_SANITIZE "" CACHE STRING "sanitizers for every target, such as address,undefined or thread")

add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_options(project_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Needed by ccache: a precompiled header must not carry its inputs' time stamps.
  target_compile_options(project_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  target_link_options(project_options INTERFACE -fuse-ld=lld)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It takes Asio's own operators new and delete of a coroutine's frame, once inlined, for a pair that does not match.
  target_compile_options(project_options INTERFACE -Wno-mismatched-new-delete)
endif()
if(STAMPEDE_WERROR)
  target_compile_options(project_options INTERFACE -Werror)
endif()
if(STAMPEDE_SANITIZE)
  target_compile_options(project_options INTERFACE -fsanitize=${STAMPEDE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(project_options INTERFACE -fsanitize=${STAMPEDE_SANITIZE})
endif()

# Coverage for libFuzzer everywhere; the programs themselves are in tests/fuzz.
option(STAMPEDE_FUZZ "build the fuzz targets instead of the tests; needs clang" OFF)
if(STAMPEDE_FUZZ)
  target_compile_options(project_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# project_library(name FILES... [LINK libs...]): a static library that shares the precompiled header (of STAMPEDE_PCH).
set(STAMPEDE_PCH asio_pch)
function(project_library name)
  cmake_parse_arguments(arg "NO_PCH" "" "FILES;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_FILES})
  target_link_libraries(${name} PRIVATE project_options PUBLIC ${arg_LINK})
  if(NOT arg_NO_PCH)
    target_link_libraries(${name} PUBLIC asio)
    target_precompile_headers(${name} REUSE_FROM ${STAMPEDE_PCH})
  endif()
endfunction()
