#include "tests/e2e/boxoffice_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "test_paths.hpp"

namespace boxoffice::test {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[noreturn]] void become(std::vector<std::string> words, std::vector<std::string> variables,
                         const std::string& log) {
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  };
  execve(words[0].c_str(), pointers(words).data(), pointers(variables).data());
  _exit(127);
}

}  // namespace

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

std::string boxoffice_binary() { return std::string(STAMPEDE_BINARY_DIR) + "/boxoffice"; }

BoxofficeProcess::BoxofficeProcess(const std::vector<std::string>& arguments,
                                   std::vector<std::string> variables, std::uint16_t port)
    : port_(port != 0 ? port : free_port()), admin_port_(free_port()) {
  std::string name = std::filesystem::temp_directory_path() / "boxoffice-e2e-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
  std::vector<std::string> words{boxoffice_binary(), "--port", std::to_string(port_),
                                 "--admin-port", std::to_string(admin_port_)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  variables.push_back("BOXOFFICE_ADMIN_TOKEN=" + std::string(admin_token));
  if (const char* options = std::getenv("ASAN_OPTIONS")) {
    variables.push_back("ASAN_OPTIONS=" + std::string(options));
  }
  child_ = fork();
  if (child_ == 0) become(words, variables, folder_ + "/log");
}

BoxofficeProcess::~BoxofficeProcess() {
  if (!exit_ && child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void BoxofficeProcess::wait_ready(std::chrono::seconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (wait_exit(0ms)) break;
    try {
      if (RawClient(port_).exchange("GET", "/readyz").status == 200) return;
    } catch (const std::runtime_error&) {
      // Not listening yet.
    }
    std::this_thread::sleep_for(50ms);
  }
  throw std::runtime_error("boxoffice does not get ready:\n" + log());
}

void BoxofficeProcess::signal(int number) const { kill(child_, number); }

void BoxofficeProcess::pause() const {
  kill(child_, SIGSTOP);
  int status = 0;
  waitpid(child_, &status, WUNTRACED);
}

std::optional<int> BoxofficeProcess::wait_exit(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!exit_) {
    int status = 0;
    if (waitpid(child_, &status, WNOHANG) == child_) {
      exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= deadline) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(10ms);
    }
  }
  return exit_;
}

std::string BoxofficeProcess::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_ + "/log").rdbuf();
  return text.str();
}

nlohmann::json Answer::json() const { return nlohmann::json::parse(body, nullptr, false); }

RawClient::RawClient(std::uint16_t port, const char* from)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (from != nullptr) {
    sockaddr_in own = loopback(0);
    inet_pton(AF_INET, from, &own.sin_addr);
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
      close(socket_);
      throw std::runtime_error(std::string("no address ") + from);
    }
  }
  const timeval patience{20, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(socket_);
    throw std::runtime_error("connect to port " + std::to_string(port));
  }
}

RawClient::~RawClient() { close(socket_); }

void RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool RawClient::more() {
  char part[4096];
  const ssize_t count = recv(socket_, part, sizeof part, 0);
  over_ = count == 0 || (count < 0 && errno == ECONNRESET);
  if (count > 0) read_.append(part, static_cast<std::size_t>(count));
  return count > 0;
}

std::string RawClient::take(std::size_t bytes) {
  while (read_.size() < bytes && more()) {
  }
  std::string taken = read_.substr(0, bytes);
  read_.erase(0, taken.size());
  return taken;
}

bool RawClient::closed() {
  while (more()) {
  }
  return over_;
}

Answer RawClient::answer() {
  while (read_.find("\r\n\r\n") == std::string::npos) {
    if (!more()) return {};
  }
  Answer answer;
  answer.head = take(read_.find("\r\n\r\n") + 4);
  answer.status = std::stoi(answer.head.substr(9, 3));
  const auto length = answer.head.find("Content-Length: ");
  if (length != std::string::npos) answer.body = take(std::stoul(answer.head.substr(length + 16)));
  return answer;
}

void RawClient::start(std::string_view method, std::string_view path, std::string_view fields,
                      std::string_view body) const {
  std::string request(method);
  request.append(" ").append(path).append(" HTTP/1.1\r\nHost: x\r\n").append(fields);
  if (!body.empty()) {
    request +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request.append("\r\n").append(body);
  send(request);
}

Answer RawClient::exchange(std::string_view method, std::string_view path, std::string_view fields,
                           std::string_view body) {
  start(method, path, fields, body);
  return answer();
}

}  // namespace boxoffice::test
