project_library(boxoffice_catalogue
  FILES catalogue.cpp seat_map.cpp wall_time.cpp
  LINK boxoffice_domain)
