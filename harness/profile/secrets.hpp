// Fetches the secrets that a profile names. Separate from reading, because the environment is
// handed in from main.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "harness/profile/profile.hpp"

namespace stampede {

// A shorter one could not be told from other text in a report.
inline constexpr std::size_t secret_bytes_min = 4;
inline constexpr std::size_t secret_bytes_max = std::size_t{8} << 10U;

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// A path of a profile, as its author meant it: relative to the profile's own folder.
std::string path_beside(const std::string& profile_file, const std::string& path);

// Sets the values of profile.secrets. What is missing, empty, too short or too long is a problem at
// its place; no message holds a value. One line break at the end of a file is not part of it.
[[nodiscard]] Diagnostics resolve_secrets(Profile& profile, const EnvironmentLookup& environment);

}  // namespace stampede
