#include "harness/run/notify.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "harness/time.hpp"

namespace stampede {
namespace {

constexpr std::chrono::milliseconds poll_step{10};

struct SpawnSettings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    // A group of its own, so that all of it can be ended; and no signals blocked by us.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(SpawnSettings&&) = delete;
};

std::vector<std::string> environment_with(const Facts& facts) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("STAMPEDE_")) all.emplace_back(*entry);
  }
  for (const auto& [fact, value] : facts) all.push_back(fact + "=" + value);
  return all;
}

std::string ending(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) == 0) return {};
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace

std::string notify(const std::string& command, const Facts& facts,
                   std::chrono::milliseconds longest) {
  std::vector<std::string> words{"/bin/sh", "-c", command}, names = environment_with(facts);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  };
  SpawnSettings settings;
  pid_t child = -1;
  const int failed = posix_spawn(&child, words[0].c_str(), &settings.files, &settings.attributes,
                                 pointers(words).data(), pointers(names).data());
  if (failed != 0) return "cannot start /bin/sh: " + std::generic_category().message(failed);
  int status = 0;
  for (const TimePoint end = now() + longest; now() < end;) {
    if (waitpid(child, &status, WNOHANG) == child) return ending(status);
    std::this_thread::sleep_for(poll_step);
  }
  kill(-child, SIGKILL);
  waitpid(child, &status, 0);
  return fmt::format("did not end within {} s and was killed",
                     std::chrono::duration<double>(longest).count());
}

}  // namespace stampede
