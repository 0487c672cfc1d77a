#include "harness/topology/guardian.hpp"

#include <cerrno>
#include <csignal>
#include <thread>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/time.hpp"
#include "harness/topology/process.hpp"

namespace stampede {
namespace {

// A shell is used, not a fork of the harness: it keeps nothing of the harness's memory or
// descriptors, and it starts the same whether or not the harness already has threads. Lines it
// reads: "watch PID STARTTIME", "forget PID". At the end of input it acts and exits. Subtle: a pid
// may have been given to another process meanwhile; the start time tells them apart.
constexpr const char* script = R"sh(
trap '' INT TERM HUP QUIT PIPE
directory=$1
list=
started() {
  line=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- ${line##*)}
  [ "$1" = Z ] || echo "${20}"
}
while read -r verb pid start; do
  case $verb in
    watch) list="$list $pid:$start" ;;
    forget) kept=
      for one in $list; do [ "${one%%:*}" = "$pid" ] || kept="$kept $one"; done
      list=$kept ;;
  esac
done
for one in $list; do
  [ "$(started "${one%%:*}")" = "${one#*:}" ] && kill -s KILL -- "-${one%%:*}" 2>/dev/null
done
tries=0
for one in $list; do
  while [ $tries -lt 200 ] && [ "$(started "${one%%:*}")" = "${one#*:}" ]; do
    sleep 0.02; tries=$((tries + 1))
  done
done
case $directory in
  */stampede-??????) rm -rf -- "$directory" ;;
esac
)sh";

}  // namespace

Guardian::Guardian(const std::filesystem::path& directory) {
  int ends[2];
  // A socket pair serves as the pipe: writing to a guardian that is gone must not raise SIGPIPE.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    throw TopologyError("guardian: socketpair: " + std::generic_category().message(errno));
  }
  pipe_ = ends[1];
  SpawnPlan plan;
  plan.role = "guardian";
  plan.arguments = {"/bin/sh", "-c", script, "stampede-guardian", directory.string()};
  plan.environment = {"PATH=/usr/bin:/bin", "LANG=C"};
  plan.directory = "/";
  plan.input = ends[0];
  plan.dies_with_parent = false;
  plan.own_session = true;  // a Ctrl-C at the terminal is not for it
  try {
    pid_ = spawn(plan);
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[0]);
}

Guardian::~Guardian() {
  close(pipe_);
  // It removes the directory, which takes milliseconds; the bound is for a disk that hangs.
  const TimePoint end = now() + std::chrono::seconds{10};
  while (waitpid(pid_, nullptr, WNOHANG) == 0 && now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

void Guardian::watch(pid_t group_leader) noexcept { tell("watch", group_leader); }
void Guardian::forget(pid_t group_leader) noexcept { tell("forget", group_leader); }

void Guardian::tell(const char* verb, pid_t pid) noexcept {
  try {
    const auto start = start_time_of(pid);
    const std::string line = fmt::format("{} {} {}\n", verb, pid, start.value_or(0));
    // If the guardian is gone, the children still have their parent-death signal.
    [[maybe_unused]] const ssize_t sent = send(pipe_, line.data(), line.size(), MSG_NOSIGNAL);
  } catch (...) {  // no memory: as above
  }
}

}  // namespace stampede
