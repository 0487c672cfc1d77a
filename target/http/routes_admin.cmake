# The routes that anybody may read and those of the admin port.
project_library(boxoffice_routes_admin
  FILES routes_events.cpp
  LINK boxoffice_http boxoffice_catalogue)
