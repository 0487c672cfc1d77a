#include "harness/topology/process.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/time.hpp"
#include "harness/topology/guardian.hpp"

namespace stampede {
namespace {

constexpr std::size_t last_words_bytes_max = 2000;
constexpr std::chrono::milliseconds poll_step{5};

std::string error_text(int error) { return std::generic_category().message(error); }

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

// Everything that the child needs, made before the fork: between fork and exec only functions that
// are safe after a fork of a threaded process may run.
struct Prepared {
  std::vector<char*> arguments, environment;
  const char* directory;
  int input, output, report;
  bool dies_with_parent, own_session;
  pid_t parent;
};

[[noreturn]] void give_up(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(report, &error, sizeof error);
  _exit(127);
}

void close_rest_at_exec() {
#ifdef SYS_close_range
  constexpr unsigned cloexec = 4;  // CLOSE_RANGE_CLOEXEC
  if (syscall(SYS_close_range, 3U, ~0U, cloexec) == 0) return;
#endif
  for (int fd = 3; fd < 4096; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void become(const Prepared& p) {
  if (p.own_session ? setsid() < 0 : setpgid(0, 0) < 0) give_up(p.report);
  struct sigaction normal {};
  normal.sa_handler = SIG_DFL;
  for (int s = 1; s < 65; ++s) sigaction(s, &normal, nullptr);  // 9, 19, 32, 33 refuse: no harm
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (p.dies_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != p.parent) _exit(127);  // it died between fork and prctl
  }
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (dup2(p.input, 0) < 0 || dup2(p.output, 1) < 0 || dup2(p.output, 2) < 0) give_up(p.report);
  if (p.directory[0] != '\0' && chdir(p.directory) < 0) give_up(p.report);
  close_rest_at_exec();
  execve(p.arguments[0], p.arguments.data(), p.environment.data());
  give_up(p.report);
}

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int value) : fd(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

std::string describe_status(int status) {
  if (WIFSIGNALED(status)) {
    const int s = WTERMSIG(status);
    return fmt::format("ended by signal {} ({})", s, strsignal(s));
  }
  return fmt::format("exited with status {}", WEXITSTATUS(status));
}

// The fields of /proc/PID/stat after the name, which may itself hold blanks and brackets.
std::vector<std::string> stat_fields(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(in, line);
  std::vector<std::string> fields;
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return fields;
  std::istringstream rest(line.substr(end + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

}  // namespace

pid_t spawn(const SpawnPlan& plan) {
  const Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  int report[2];
  if (null.fd < 0 || pipe2(report, O_CLOEXEC) < 0) {
    throw TopologyError(fmt::format("{}: cannot start it: {}", plan.role, error_text(errno)));
  }
  const Descriptor reading(report[0]);
  Prepared prepared{pointers(plan.arguments),
                    pointers(plan.environment),
                    plan.directory.c_str(),
                    plan.input < 0 ? null.fd : plan.input,
                    plan.output < 0 ? null.fd : plan.output,
                    report[1],
                    plan.dies_with_parent,
                    plan.own_session,
                    getpid()};
  pid_t pid = -1;
  {
    const Descriptor writing(report[1]);
    pid = fork();
    if (pid == 0) become(prepared);
  }
  if (pid < 0) throw TopologyError(fmt::format("{}: fork: {}", plan.role, error_text(errno)));
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(reading.fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    waitpid(pid, nullptr, 0);
    throw TopologyError(
        fmt::format("{}: cannot run {}: {}", plan.role, plan.arguments[0], error_text(error)));
  }
  return pid;
}

Process::Process(const ProcessSpec& spec, Guardian* guardian)
    : role_(spec.role), log_(spec.log), guardian_(guardian) {
  const Descriptor log(
      open(spec.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (log.fd < 0) {
    throw TopologyError(
        fmt::format("{}: cannot write {}: {}", role_, spec.log.string(), error_text(errno)));
  }
  SpawnPlan plan;
  plan.role = role_;
  plan.arguments.push_back(spec.executable.string());
  plan.arguments.insert(plan.arguments.end(), spec.arguments.begin(), spec.arguments.end());
  plan.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      "HOME=" + spec.directory.string(), "LANG=C.UTF-8"};
  plan.environment.insert(plan.environment.end(), spec.environment.begin(), spec.environment.end());
  plan.directory = spec.directory;
  plan.output = log.fd;
  pid_ = spawn(plan);
  if (guardian_) guardian_->watch(pid_);
}

Process::~Process() { stop(std::chrono::seconds{10}); }

bool Process::alive() noexcept { return !wait_for(std::chrono::milliseconds{0}); }

std::optional<int> Process::wait_for(std::chrono::milliseconds longest) noexcept {
  const TimePoint end = now() + longest;
  while (!status_) {
    int status = 0;
    const pid_t got = waitpid(pid_, &status, WNOHANG);
    // ECHILD: somebody else reaped it; all that is left to say is that it is gone.
    if (got == pid_ || (got < 0 && errno == ECHILD)) {
      status_ = status;
      if (guardian_) guardian_->forget(pid_);
      break;
    }
    if (now() >= end) return std::nullopt;
    std::this_thread::sleep_for(poll_step);
  }
  return status_;
}

std::string Process::ending() {
  const std::optional<int> status = wait_for(std::chrono::milliseconds{0});
  return status ? describe_status(*status) : std::string{};
}

std::string Process::last_words() const { return tail_of(log_, 8); }

void Process::stop(std::chrono::milliseconds grace) noexcept {
  if (!alive()) return;
  kill(pid_, SIGTERM);
  if (wait_for(grace)) return;
  kill(-pid_, SIGKILL);  // the child leads its own group, so this reaches only what it started
  [[maybe_unused]] const auto ended = wait_for(std::chrono::seconds{5});
}

std::optional<ProcessUsage> Process::usage() const {
  if (status_) return std::nullopt;
  std::optional<ProcessUsage> usage = usage_of(role_, pid_);
  if (usage) look_closely(*usage);
  return usage;
}

std::optional<ProcessUsage> usage_of(const std::string& role, pid_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  if (fields.size() < 20) return std::nullopt;
  ProcessUsage usage;
  usage.role = role;
  usage.pid = pid;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = (std::stod(fields[11]) + std::stod(fields[12])) / ticks;
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    std::istringstream in(line);
    std::string name;
    std::uint64_t value = 0;
    if (!(in >> name >> value)) continue;
    if (name == "VmRSS:") usage.rss_bytes = value * 1024;
    if (name == "VmHWM:") usage.rss_peak_bytes = value * 1024;
    if (name == "Threads:") usage.threads = value;
  }
  // What reached the disk, not what was written into the cache; another user's is not shown.
  std::ifstream disk(fmt::format("/proc/{}/io", pid));
  std::uint64_t bytes = 0;
  for (std::string name; disk >> name >> bytes;) {
    if (name == "read_bytes:") usage.disk_read_bytes = bytes;
    if (name == "write_bytes:") usage.disk_written_bytes = bytes;
  }
  std::error_code error;
  for (std::filesystem::directory_iterator it(fmt::format("/proc/{}/fd", pid), error), end;
       !error && it != end; it.increment(error)) {
    ++usage.descriptors;
  }
  return usage;
}

void look_closely(ProcessUsage& usage) {
  // /proc/PID/status has the switches of the first thread alone.
  usage.voluntary_switches = usage.involuntary_switches = usage.sockets = 0;
  std::error_code error;
  using Entries = std::filesystem::directory_iterator;
  for (Entries it(fmt::format("/proc/{}/task", usage.pid), error), end; !error && it != end;
       it.increment(error)) {
    std::ifstream status(it->path() / "status");
    for (std::string line; std::getline(status, line);) {
      std::istringstream in(line);
      std::string name;
      std::uint64_t value = 0;
      if (!(in >> name >> value)) continue;
      if (name == "voluntary_ctxt_switches:") usage.voluntary_switches += value;
      if (name == "nonvoluntary_ctxt_switches:") usage.involuntary_switches += value;
    }
  }
  for (Entries it(fmt::format("/proc/{}/fd", usage.pid), error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;  // closed meanwhile
    const auto to = std::filesystem::read_symlink(it->path(), gone);
    if (!gone && to.native().starts_with("socket:")) ++usage.sockets;
  }
}

std::string tail_of(const std::filesystem::path& file, std::size_t lines_max) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::size_t>(in.tellg());
  const std::size_t take = std::min(size, last_words_bytes_max);
  std::string text(take, '\0');
  in.seekg(static_cast<std::streamoff>(size - take));
  in.read(text.data(), static_cast<std::streamsize>(take));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  std::size_t start = text.size();
  for (std::size_t lines = 0; lines < lines_max && start != std::string::npos; ++lines) {
    start = start == 0 ? std::string::npos : text.rfind('\n', start - 1);
  }
  if (start != std::string::npos) text.erase(0, start + 1);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') c = ' ';
  }
  return text;
}

std::optional<unsigned long long> start_time_of(pid_t pid) {
  const std::vector<std::string> fields = stat_fields(pid);
  if (fields.size() < 20 || fields[0] == "Z") return std::nullopt;
  return std::stoull(fields[19]);
}

}  // namespace stampede
