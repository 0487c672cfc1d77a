# build_info.hpp: version, commit (with "+changes" when the tree is not clean) and compiler, for the report.
execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} describe --always --dirty=+changes
                OUTPUT_VARIABLE STAMPEDE_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT STAMPEDE_COMMIT)
  set(STAMPEDE_COMMIT "unknown")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/build_info.hpp.in
               ${PROJECT_BINARY_DIR}/generated/build_info.hpp @ONLY)
