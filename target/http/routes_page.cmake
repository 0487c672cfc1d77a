# The page for people (target/page): bundled by esbuild where `ci/setup` (npm ci) has brought it, and embedded into the
# program. The build needs no network; without esbuild a note takes the page's place.
set(page_folder ${PROJECT_SOURCE_DIR}/target/page)
set(page_out ${CMAKE_CURRENT_BINARY_DIR}/page)
set(esbuild ${PROJECT_SOURCE_DIR}/node_modules/.bin/esbuild)
set(page_sources
  api booking catalogue choice clock countdown dom event_stream main queue_link scope screens/account screens/auction
  screens/checkout screens/event screens/events screens/failure screens/games screens/order screens/practice
  screens/sign_in screens/waiting seat_feed seat_map session text ways)
list(TRANSFORM page_sources REPLACE "(.+)" "${page_folder}/src/\\1.ts")
if(EXISTS ${esbuild})
  add_custom_command(OUTPUT ${page_out}/app.js
    COMMAND ${esbuild} ${page_folder}/src/main.ts --bundle --minify --target=es2022 --format=esm
            --charset=utf8 --log-level=warning --outfile=${page_out}/app.js
    DEPENDS ${page_sources} ${page_folder}/tsconfig.json ${PROJECT_SOURCE_DIR}/package-lock.json
    COMMENT "Bundling the page" VERBATIM)
  set(page_list ${page_folder}/index.html ${page_folder}/style.css ${page_folder}/icon.svg ${page_out}/app.js)
  set(page_coded "")
  foreach(file ${page_list})
    get_filename_component(name ${file} NAME)
    list(APPEND page_coded ${page_out}/${name}.br ${page_out}/${name}.gz)
  endforeach()
  add_custom_command(OUTPUT ${page_coded} ${page_out}/index.html
    COMMAND node ${page_folder}/compress.mjs ${page_out} ${page_list}
    DEPENDS ${page_list} ${page_folder}/compress.mjs
    COMMENT "Compressing the page" VERBATIM)
  # As it is served: with the digests of the other files in their names.
  list(TRANSFORM page_list REPLACE "^.*/index.html$" "${page_out}/index.html")
else()
  message(STATUS "the page is not built: node_modules/.bin/esbuild is not there; ci/setup brings it")
  set(page_list ${page_folder}/unbuilt.html)
endif()
string(REPLACE ";" "|" page_names "${page_list}")
add_custom_command(OUTPUT ${page_out}/page_files.cpp
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${page_out}/page_files.cpp "-DFILES=${page_names}" -DCODED=${page_out}
          -P ${page_folder}/embed_page.cmake
  DEPENDS ${page_list} ${page_coded} ${page_folder}/embed_page.cmake
  COMMENT "Embedding the page" VERBATIM)

project_library(boxoffice_routes_page
  FILES routes_page.cpp content_coding.cpp ${page_out}/page_files.cpp
  LINK boxoffice_http)
