#include "target/domain/caller.hpp"

namespace boxoffice {

std::string_view name_of(Role role) noexcept {
  switch (role) {
    case Role::company:
      return "COMPANY";
    case Role::admin:
      return "ADMIN";
    case Role::user:
      break;
  }
  return "USER";
}

std::optional<Role> role_of(std::string_view name) noexcept {
  if (name == "USER") return Role::user;
  if (name == "COMPANY") return Role::company;
  if (name == "ADMIN") return Role::admin;
  return std::nullopt;
}

}  // namespace boxoffice
