# The routes that anybody may read and those of the admin port.
project_library(boxoffice_routes_admin
  FILES routes_events.cpp seat_stream.cpp routes_admin.cpp admin_games.cpp admin_json.cpp json_fields.cpp
        shared_switches.cpp admin_faults.cpp
  LINK boxoffice_http boxoffice_admin boxoffice_catalogue boxoffice_seat_feed boxoffice_seats boxoffice_store_admin
       boxoffice_store_games boxoffice_provider_client)
