#include "harness/topology/private_mariadb.hpp"

#include <cerrno>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/time.hpp"
#include "harness/topology/guardian.hpp"
#include "harness/topology/stores.hpp"

namespace stampede {
namespace {

// Bump when the way the template is built changes: it is part of the cache key.
constexpr int template_generation = 1;

// Settings that shape the files on disk: the template is built with them.
std::string file_settings() {
  return "innodb_log_file_size=64M\n"
         "innodb_data_file_path=ibdata1:12M:autoextend\n"
         "character_set_server=utf8mb4\n"
         "skip-log-bin\n"
         "performance_schema=OFF\n";
}

std::string as_user() { return geteuid() == 0 ? "user=root\n" : ""; }

void write_file(const std::filesystem::path& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  const bool written =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) close(fd);
  if (!written) {
    throw TopologyError(fmt::format("mariadb: cannot write {}: {}", file.string(),
                                    std::generic_category().message(error)));
  }
}

// Runs a short program to its end; throws with its last words unless it exits with 0.
void run_to_end(const ProcessSpec& spec, Guardian* guardian, std::chrono::milliseconds longest) {
  Process process(spec, guardian);
  if (!process.wait_for(longest)) {
    throw TopologyError(fmt::format(
        "{}: {} did not end within {} s", spec.role, spec.executable.filename().string(),
        std::chrono::duration_cast<std::chrono::seconds>(longest).count()));
  }
  const std::string ending = process.ending();
  if (ending != "exited with status 0") {
    throw TopologyError(fmt::format("{}: {} {}; last words:\n{}", spec.role,
                                    spec.executable.filename().string(), ending,
                                    process.last_words()));
  }
}

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

// An exclusive lock on a file, for as long as the object lives.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& file)
      : fd_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)) {
    int result = fd_ < 0 ? -1 : 0;
    while (result == 0 && (result = flock(fd_, LOCK_EX)) < 0 && errno == EINTR) result = 0;
    if (result < 0) {
      const int error = errno;
      if (fd_ >= 0) close(fd_);
      throw TopologyError(fmt::format("mariadb: cannot lock {}: {}", file.string(),
                                      std::generic_category().message(error)));
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { close(fd_); }

 private:
  int fd_;
};

std::string version_of(const MariadbPlan& plan, Guardian* guardian) {
  const std::filesystem::path log = plan.directory / "version.log";
  run_to_end({"mariadb", plan.server, {"--no-defaults", "--version"}, {}, plan.directory, log},
             guardian, std::chrono::seconds{20});
  return tail_of(log, 1);
}

void build_template(const MariadbPlan& plan, const std::filesystem::path& building,
                    Guardian* guardian) {
  const std::filesystem::path settings = plan.directory / "install.cnf";
  write_file(settings, fmt::format("[mysqld]\ndatadir={}\ntmpdir={}\n{}{}", building.string(),
                                   plan.directory.string(), file_settings(), as_user()));
  ProcessSpec spec{"mariadb",
                   plan.install,
                   {"--defaults-file=" + settings.string(), "--skip-test-db", "--force",
                    "--skip-name-resolve", "--auth-root-authentication-method=normal"},
                   {},
                   plan.directory,
                   plan.directory / "install.log"};
  if (geteuid() == 0) spec.arguments.emplace_back("--user=root");
  run_to_end(spec, guardian, std::chrono::seconds{60});
}

}  // namespace

std::filesystem::path mariadb_template(const MariadbPlan& plan, Guardian* guardian,
                                       const std::function<void(std::string)>& progress) {
  const std::string key = fmt::format("{}\n{}\n{}{}", template_generation,
                                      version_of(plan, guardian), file_settings(), as_user());
  const std::filesystem::path ready = plan.cache / fmt::format("mariadb-{:016x}", fnv1a(key));
  std::error_code error;
  std::filesystem::create_directories(plan.cache, error);
  if (error) {
    throw TopologyError(fmt::format("mariadb: cannot create the cache directory {}: {}",
                                    plan.cache.string(), error.message()));
  }
  if (std::filesystem::exists(ready)) return ready;
  const FileLock lock(ready.string() + ".lock");
  if (std::filesystem::exists(ready)) return ready;  // built by another meanwhile
  const TimePoint begin = now();
  const std::filesystem::path building = ready.string() + ".building";
  std::filesystem::remove_all(building);  // left behind by a run that was killed
  std::filesystem::create_directory(building);
  std::filesystem::permissions(building, std::filesystem::perms::owner_all);
  build_template(plan, building, guardian);
  // The rename makes it whole or absent for everybody.
  std::filesystem::rename(building, ready);
  progress(fmt::format("mariadb template built in {:.1f} s", to_seconds(now() - begin)));
  return ready;
}

ProcessSpec prepare_mariadb(const MariadbPlan& plan, Guardian* guardian,
                            const std::function<void(std::string)>& progress) {
  const std::filesystem::path source = mariadb_template(plan, guardian, progress);
  const std::filesystem::path data = plan.directory / "data";
  run_to_end({"mariadb",
              "/bin/cp",
              {"-a", "--sparse=always", "--", source.string(), data.string()},
              {},
              plan.directory,
              plan.directory / "copy.log"},
             guardian, std::chrono::seconds{60});
  const std::string dir = plan.directory.string();
  const MysqlEndpoint& e = plan.endpoint;
  // Executed by the server before it listens: the installation's root users, who have no password,
  // go. Our password is hexadecimal: no quoting needed.
  write_file(
      plan.directory / "init.sql",
      fmt::format("DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\nFLUSH PRIVILEGES;\n"
                  "CREATE DATABASE IF NOT EXISTS `{0}` CHARACTER SET utf8mb4;\n"
                  "CREATE USER '{1}'@'%' IDENTIFIED BY '{2}';\n"
                  "GRANT ALL ON `{0}`.* TO '{1}'@'%';\n",
                  e.database, e.user, e.password));
  // The pool holds what the longest profile writes (soak: 310 MB): once it is full the server looks
  // for pages to give up, at the cost of the cores that the run measures. Untouched memory is free.
  write_file(
      plan.directory / "my.cnf",
      fmt::format(
          "[mysqld]\ndatadir={0}/data\nsocket={0}/s\npid-file={0}/pid\ntmpdir={0}\n"
          "init-file={0}/init.sql\nport={1}\nbind-address=127.0.0.1\n"
          "skip-name-resolve\nskip-symbolic-links\nlocal-infile=0\n"
          "innodb_flush_log_at_trx_commit=1\ninnodb_buffer_pool_size=1G\n"
          "innodb_fast_shutdown=2\nmax_connections=500\nback_log=500\n"
          "thread_cache_size=200\nthread_handling=pool-of-threads\nthread_pool_size=2\n{2}{3}",
          dir, e.port, file_settings(), as_user()));
  return {"mariadb", plan.server,    {"--defaults-file=" + dir + "/my.cnf"},
          {},        plan.directory, plan.directory / "mariadb.log"};
}

bool mariadb_ready(const MysqlEndpoint& endpoint) {
  try {
    SqlConnection sql(endpoint, std::chrono::seconds{2});
    return !sql.rows("SELECT 1").empty();
  } catch (const StoreProblem&) {
    return false;
  }
}

}  // namespace stampede
