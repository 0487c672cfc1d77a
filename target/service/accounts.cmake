# Accounts: sign-up, log-in, sessions; passwords and the threads that hash them.
project_library(boxoffice_accounts
  FILES accounts.cpp venues.cpp password.cpp password_pool.cpp
  LINK boxoffice_admin boxoffice_domain OpenSSL::Crypto fmt::fmt)
