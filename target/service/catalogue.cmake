# What may be read, and what an operator may do.
project_library(boxoffice_catalogue
  FILES catalogue.cpp seat_map.cpp instant.cpp wall_time.cpp
  LINK boxoffice_ground boxoffice_domain fmt::fmt)
project_library(boxoffice_admin
  FILES admin.cpp admin_audit.cpp
  LINK boxoffice_catalogue boxoffice_seats boxoffice_ground boxoffice_domain)
