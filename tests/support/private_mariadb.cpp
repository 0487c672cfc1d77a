#include "tests/support/private_mariadb.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <mysql.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "test_paths.hpp"

extern char** environ;

namespace boxoffice {

namespace {

namespace fs = std::filesystem;

fs::path make_folder() {
  std::string pattern = (fs::temp_directory_path() / "boxoffice-mariadb-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return pattern;
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::string tail_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  const std::string all = text.str();
  return all.size() > 2000 ? all.substr(all.size() - 2000) : all;
}

fs::path program(const std::string& name) {
  for (const char* folder : {"/usr/sbin", "/usr/bin", "/bin", "/usr/local/bin", "/usr/local/sbin"})
    if (fs::exists(fs::path(folder) / name)) return fs::path(folder) / name;
  return {};
}

pid_t spawn(const std::vector<std::string>& words, const fs::path& log) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("cannot start " + words.front());
  return child;
}

// Held while the template is made, so that tests running side by side make it once.
class FileLock {
 public:
  explicit FileLock(const fs::path& file)
      : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0 || ::flock(fd_, LOCK_EX) != 0)
      throw std::runtime_error("cannot lock " + file.string());
  }
  ~FileLock() { ::close(fd_); }
  FileLock(FileLock&&) = delete;

 private:
  int fd_;
};

void install(const fs::path& folder) {
  const fs::path log = folder / "install.log";
  std::ofstream(folder / "my.cnf") << "[mysqld]\ninnodb_log_file_size=32M\n";
  std::vector<std::string> words{program("mariadb-install-db"),
                                 "--defaults-file=" + (folder / "my.cnf").string(),
                                 "--datadir=" + (folder / "data").string(),
                                 "--skip-test-db",
                                 "--force",
                                 "--skip-name-resolve",
                                 "--auth-root-authentication-method=normal"};
  if (::geteuid() == 0) words.emplace_back("--user=root");
  int status = 0;
  ::waitpid(spawn(words, log), &status, 0);
  if (status != 0) throw std::runtime_error("mariadb-install-db failed:\n" + tail_of(log));
}

// Installing takes most of a second, a copy 20 ms: what was installed is kept in the build folder.
void copy_template(const fs::path& folder) {
  const fs::path kept = MARIADB_TEMPLATE_FOLDER;
  fs::create_directories(kept);
  const FileLock lock(kept / "lock");
  if (!fs::exists(kept / "data.ready")) {
    fs::remove_all(kept / "data");
    install(kept);
    std::ofstream(kept / "data.ready") << "ready\n";
  }
  int status = 0;
  ::waitpid(spawn({program("cp"), "-a", "--sparse=always", (kept / "data").string(),
                   (folder / "data").string()},
                  folder / "copy.log"),
            &status, 0);
  if (status != 0) throw std::runtime_error("copying the data directory failed");
}

struct CloseConnection {
  void operator()(MYSQL* connection) const { mysql_close(connection); }
};

}  // namespace

bool PrivateMariadb::installed() {
  return !program("mariadbd").empty() && !program("mariadb-install-db").empty();
}

PrivateMariadb::PrivateMariadb() : folder_(make_folder()), port_(free_port()) {
  copy_template(folder_);
  start();
}

PrivateMariadb::~PrivateMariadb() {
  stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void PrivateMariadb::start() {
  if (child_ > 0) return;
  std::vector<std::string> words{program("mariadbd"),
                                 "--no-defaults",
                                 "--datadir=" + (folder_ / "data").string(),
                                 "--socket=" + (folder_ / "s").string(),
                                 "--pid-file=" + (folder_ / "pid").string(),
                                 "--port=" + std::to_string(port_),
                                 "--bind-address=127.0.0.1",
                                 "--skip-name-resolve",
                                 "--innodb-log-file-size=32M",
                                 "--innodb-buffer-pool-size=128M",
                                 "--max-connections=300"};
  if (::geteuid() == 0) words.emplace_back("--user=root");
  const fs::path log = folder_ / "server.log";
  child_ = spawn(words, log);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < give_up) {
    try {
      sql("SELECT 1");
      return;
    } catch (const std::runtime_error&) {
      int status = 0;
      if (::waitpid(child_, &status, WNOHANG) == child_) {
        child_ = -1;
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  stop();
  throw std::runtime_error("mariadbd did not start:\n" + tail_of(log));
}

void PrivateMariadb::stop() {
  if (child_ <= 0) return;
  ::kill(child_, SIGTERM);
  for (int i = 0; i < 500; ++i) {
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) == child_) {
      child_ = -1;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  kill();
}

void PrivateMariadb::pause() const { ::kill(child_, SIGSTOP); }
void PrivateMariadb::resume() const { ::kill(child_, SIGCONT); }

void PrivateMariadb::kill() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
}

std::vector<std::vector<std::string>> PrivateMariadb::sql(const std::string& statement,
                                                          const std::string& database) {
  const std::unique_ptr<MYSQL, CloseConnection> connection(mysql_init(nullptr));
  const unsigned tcp = MYSQL_PROTOCOL_TCP;
  mysql_optionsv(connection.get(), MYSQL_OPT_PROTOCOL, &tcp);
  const auto check = [&](bool fine) {
    if (!fine) throw std::runtime_error(mysql_error(connection.get()));
  };
  check(mysql_real_connect(connection.get(), "127.0.0.1", "root", "",
                           database.empty() ? nullptr : database.c_str(), port_, nullptr,
                           0) != nullptr);
  check(mysql_real_query(connection.get(), statement.data(), statement.size()) == 0);
  std::vector<std::vector<std::string>> rows;
  MYSQL_RES* result = mysql_store_result(connection.get());
  if (result == nullptr) return rows;
  while (MYSQL_ROW row = mysql_fetch_row(result)) {
    const unsigned long* lengths = mysql_fetch_lengths(result);
    auto& cells = rows.emplace_back();
    for (unsigned i = 0; i < mysql_num_fields(result); ++i)
      cells.emplace_back(row[i] == nullptr ? "NULL" : std::string(row[i], lengths[i]));
  }
  mysql_free_result(result);
  return rows;
}

}  // namespace boxoffice
