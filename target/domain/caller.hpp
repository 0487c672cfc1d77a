// Who asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace boxoffice {

// In the order of what they may do.
enum class Role : std::uint8_t { user, company, admin };
struct Caller {
  std::uint64_t user = 0;
  Role role = Role::user;
};

std::string_view name_of(Role role) noexcept;  // USER COMPANY ADMIN
std::optional<Role> role_of(std::string_view name) noexcept;

}  // namespace boxoffice
