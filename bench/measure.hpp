// What one generator costs in a window of its steady state, and how ratios over rounds are told.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/process.hpp"

namespace bench {

// nginx or the lean server, alone on a core where there are two.
class Server {
 public:
  enum class Kind { nginx, lean };
  // `folder` holds its configuration and what it says. Throws std::runtime_error.
  Server(Kind kind, const std::string& folder, int core);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint64_t requests() const;
  [[nodiscard]] std::uint64_t connections() const;
  [[nodiscard]] double cpu_seconds() const { return process_->cpu_seconds(); }

 private:
  void start_nginx(const std::string& folder, int core);
  std::uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

struct Cost {
  double cpu_seconds_per_request = 0;
  double requests_per_second = 0;
  std::uint64_t resident_bytes = 0;  // at the end of the window
};

// Starts a generator, lets it run warm for `warm` seconds and looks at it over the next `window`.
// The command runs at least half a second longer than both. Throws std::runtime_error.
struct Window {
  double warm = 1, window = 3;
};
Cost measure(const std::vector<std::string>& command, const Server& server, Window window, int core,
             const std::string& error_file);

// "0.97 (0.94 … 1.01)": median, least and most.
std::string spread(std::vector<double> values);
double median(std::vector<double> values);

}  // namespace bench
