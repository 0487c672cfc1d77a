#include "harness/run/run_directory.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace stampede {
namespace {

namespace fs = std::filesystem;
constexpr const char* reserve_name = ".reserve";
constexpr off_t reserve_bytes =
    8 << 20;  // more than run.json, junit.xml and summary.md of a long run

std::string reason(const fs::path& path) {
  const int error = errno;
  std::string text = fmt::format("cannot write {}: {}", path.string(), std::strerror(error));
  text += error == ENOSPC || error == EDQUOT
              ? "; free some space there, or choose another folder with --out"
              : "; choose a folder that you may write with --out";
  return text;
}

std::string make_reserve(const fs::path& directory) {
  const fs::path path = directory / reserve_name;
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return reason(path);
  const int error = posix_fallocate(file, 0, reserve_bytes);
  close(file);
  if (error == 0 || error == EOPNOTSUPP || error == EINVAL) return {};
  errno = error;
  return reason(path);
}

}  // namespace

boost::system::result<RunDirectory, RunDirectory::Refusal> RunDirectory::make(
    const fs::path& root, const fs::path& exact, std::string_view name) {
  const auto refuse = [](std::string text) { return Refusal{ExitCode::topology, std::move(text)}; };
  std::error_code error;
  fs::path path = exact;
  if (!exact.empty()) {
    if (fs::exists(exact / "run.json", error)) {
      return Refusal{ExitCode::usage,
                     fmt::format("--out {}: the folder holds a run already ({}), and no run is "
                                 "overwritten\nhint: choose another folder, or remove this one",
                                 exact.string(), (exact / "run.json").string())};
    }
    fs::create_directories(exact, error);
  } else {
    const auto stamp = fmt::format("{:%Y%m%d-%H%M%S}", fmt::gmtime(std::time(nullptr)));
    fs::create_directories(root, error);
    for (int attempt = 1; attempt < 1000; ++attempt) {
      path = root / (attempt == 1 ? fmt::format("{}-{}", stamp, name)
                                  : fmt::format("{}-{}-{}", stamp, name, attempt));
      if (mkdir(path.c_str(), 0755) == 0) break;
      if (errno != EEXIST) return refuse(reason(path));
    }
  }
  if (error) {
    errno = error.value();
    return refuse(reason(path));
  }
  if (std::string problem = make_reserve(path); !problem.empty()) return refuse(problem);
  return RunDirectory(fs::absolute(path));
}

std::string RunDirectory::write(const std::string& file, std::string_view text) const {
  const fs::path target = path_ / file;
  const fs::path temporary = path_ / (file + ".tmp");
  const int descriptor = open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (descriptor < 0) return reason(target);
  std::string problem;
  while (!text.empty() && problem.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      problem = reason(target);
    } else {
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  if (problem.empty() && fsync(descriptor) != 0) problem = reason(target);
  close(descriptor);
  if (problem.empty() && rename(temporary.c_str(), target.c_str()) != 0) problem = reason(target);
  if (!problem.empty()) unlink(temporary.c_str());
  return problem;
}

void RunDirectory::release_reserve() const noexcept { unlink((path_ / reserve_name).c_str()); }

}  // namespace stampede
