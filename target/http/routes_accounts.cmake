# Routes of accounts, and refresh tokens.
project_library(boxoffice_routes_accounts
  FILES routes_accounts.cpp routes_venues.cpp refresh_token.cpp
  LINK boxoffice_http boxoffice_routes_admin boxoffice_accounts boxoffice_store_accounts)
