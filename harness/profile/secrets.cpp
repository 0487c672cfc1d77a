#include "harness/profile/secrets.hpp"

#include <filesystem>
#include <fstream>

namespace stampede {

namespace {

struct Found {
  std::string value, problem, hint;
};

Found from_environment(const SecretSpec& secret, const EnvironmentLookup& environment) {
  auto value = environment ? environment(secret.environment) : std::nullopt;
  if (value) return {std::move(*value), "", ""};
  return {"", "the environment has no variable " + secret.environment,
          "export " + secret.environment + "=…"};
}

Found from_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {"", "there is no file " + path, ""};
  std::ifstream in(path, std::ios::binary);
  std::string value(secret_bytes_max + 3, '\0');
  in.read(value.data(), static_cast<std::streamsize>(value.size()));
  if (in.bad() || (!in && !in.eof())) return {"", "cannot read " + path, "who may read it?"};
  value.resize(static_cast<std::size_t>(in.gcount()));
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  return {std::move(value), "", ""};
}

void check(Found& found) {
  if (!found.problem.empty()) return;
  if (found.value.size() < secret_bytes_min) {
    found.problem = found.value.empty()
                        ? "it is empty"
                        : "it is shorter than " + std::to_string(secret_bytes_min) + " characters";
    found.hint = "so short a text cannot be kept out of reports";
  } else if (found.value.size() > secret_bytes_max) {
    found.problem = "it is longer than " + std::to_string(secret_bytes_max) + " bytes";
  } else if (found.value.find('\0') != std::string::npos) {
    found.problem = "it holds a NUL";
  }
}

}  // namespace

std::string path_beside(const std::string& profile_file, const std::string& path) {
  const std::filesystem::path wanted(path);
  if (wanted.is_absolute()) return path;
  return (std::filesystem::path(profile_file).parent_path() / wanted).string();
}

Diagnostics resolve_secrets(Profile& profile, const EnvironmentLookup& environment) {
  Diagnostics problems;
  for (SecretSpec& secret : profile.secrets) {
    Found found = secret.environment.empty() ? from_file(path_beside(profile.file, secret.file))
                                             : from_environment(secret, environment);
    check(found);
    if (found.problem.empty()) {
      secret.value = std::move(found.value);
    } else {
      problems.push_back({profile.file, secret.place,
                          "secret \"" + secret.name + "\": " + found.problem, found.hint});
    }
  }
  return problems;
}

}  // namespace stampede
