// The folder of one run: made new, never overwritten. A reserve file keeps room on the disk, so
// that the run file can still be written when something else filled it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "harness/exit_code.hpp"

namespace stampede {

class RunDirectory {
 public:
  // root/<UTC time>-<name>[-2…]; or exactly `exact` when it is not empty (must not hold a run yet).
  // What kept it from being made. The text is for people: which path, why, what to do.
  struct Refusal {
    ExitCode code = ExitCode::topology;  // or usage: it holds a run already
    std::string text;
  };
  static boost::system::result<RunDirectory, Refusal> make(const std::filesystem::path& root,
                                                           const std::filesystem::path& exact,
                                                           std::string_view name);
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::string id() const { return path_.filename().string(); }

  // Writes to a temporary name, syncs, renames: a reader never sees half a file. "" or the reason
  // why not.
  [[nodiscard]] std::string write(const std::string& file, std::string_view text) const;
  // Gives the kept room back; call before the last writes.
  void release_reserve() const noexcept;

 private:
  explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace stampede
