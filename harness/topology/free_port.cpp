#include "harness/topology/free_port.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/topology/topology.hpp"

namespace stampede {
namespace {

// 0 and the port bound, or errno.
int try_bind(std::uint16_t wanted, std::uint16_t* got) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(wanted);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int error = 0;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) < 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    error = errno;
  }
  close(fd);
  if (got) *got = ntohs(address.sin_port);
  return error;
}

// The inode of the socket that listens on the port: field 10 of /proc/net/tcp, state 0A.
std::string listening_inode(const char* table, std::uint16_t port) {
  std::ifstream in(table);
  std::string line;
  std::getline(in, line);
  const std::string end = fmt::format(":{:04X}", port);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state, skip, inode;
    fields >> number >> local >> remote >> state;
    for (int i = 0; i < 5; ++i) fields >> skip;
    fields >> inode;
    if (state == "0A" && local.ends_with(end)) return inode;
  }
  return {};
}

bool holds_socket(const std::filesystem::path& process, const std::string& link) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(process / "fd", error), end; !error && it != end;
       it.increment(error)) {
    std::error_code unreadable;
    if (std::filesystem::read_symlink(it->path(), unreadable).string() == link) return true;
  }
  return false;
}

}  // namespace

std::uint16_t free_port() {
  std::uint16_t port = 0;
  if (const int error = try_bind(0, &port)) {
    throw TopologyError("no free loopback port: " + std::generic_category().message(error));
  }
  return port;
}

std::string port_holder(std::uint16_t port) {
  const int bind_error = try_bind(port, nullptr);
  if (bind_error == 0) return {};
  if (bind_error != EADDRINUSE) return std::generic_category().message(bind_error);
  std::string inode = listening_inode("/proc/net/tcp", port);
  if (inode.empty()) inode = listening_inode("/proc/net/tcp6", port);
  if (inode.empty()) return "in use by an unknown process";
  const std::string link = "socket:[" + inode + "]";
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc", error), end; !error && it != end;
       it.increment(error)) {
    const std::string pid = it->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_socket(it->path(), link)) continue;
    std::string name;
    std::getline(std::ifstream(it->path() / "comm"), name);
    return fmt::format("in use by {} (pid {})", name, pid);
  }
  return "in use by a process of another user";
}

}  // namespace stampede
