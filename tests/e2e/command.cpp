#include "tests/e2e/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "test_paths.hpp"

namespace stampede::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void become(const std::vector<std::string>& words, int out, int err) {
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& words,
                          const std::function<void(int)>& while_running,
                          std::chrono::seconds limit) {
  std::array<int, 2> out{}, err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe");
  }
  const pid_t child = fork();
  if (child == 0) become(words, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  if (while_running) while_running(child);
  CommandResult result;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::array<pollfd, 2> watched{{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}}};
  int open_pipes = 2;
  std::array<char, 4096> buffer{};
  while (open_pipes > 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      result.err += "\n[test: ended after the limit]";
      break;
    }
    poll(watched.data(), watched.size(), 100);
    for (pollfd& one : watched) {
      if (one.fd < 0 || one.revents == 0) continue;
      const ssize_t got = read(one.fd, buffer.data(), buffer.size());
      if (got <= 0) {
        one.fd = -1;
        --open_pipes;
      } else {
        (&one == &watched[0] ? result.out : result.err)
            .append(buffer.data(), static_cast<std::size_t>(got));
      }
    }
  }
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string stampede_binary() { return std::string(STAMPEDE_BINARY_DIR) + "/stampede"; }

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "stampede-e2e-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name) << text;
  return path_ / name;
}

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<int> processes_with(const std::string& word) {
  std::vector<int> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (read_file(entry.path() / "cmdline").find(word) == std::string::npos) continue;
    const int id = std::stoi(name);
    if (id != getpid()) found.push_back(id);
  }
  return found;
}

}  // namespace stampede::test
