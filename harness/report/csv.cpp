// The run's seconds as a table that spreadsheets and plotting tools read (RFC 4180).
#include <fmt/format.h>

#include <ostream>

#include "harness/report/run_result.hpp"

namespace stampede {

namespace {

// Milliseconds; nothing where nothing was answered.
std::string ms(const std::optional<std::int64_t>& ns) {
  return ns ? fmt::format("{:.3f}", static_cast<double>(*ns) / 1e6) : "";
}

std::string_view phase_of(const SecondResult& second) {
  if (second.warm_up) return "warm_up";
  return second.drain ? "drain" : "measured";
}

// RFC 4180: a counter is named by the profile.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

void write_csv(const RunResult& run, std::ostream& out) {
  out << "second,phase,requests,transactions,errors,shed,users,in_flight,response_p50_ms,"
         "response_p95_ms,response_p99_ms,at_least,lag_p99_ms,worker_cpu";
  for (const auto& [name, counter] : run.counters) out << ',' << quoted("count_" + name);
  out << "\r\n";
  for (const SecondResult& second : run.seconds) {
    out << fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{:.4f}", second.second,
                       phase_of(second), second.requests, second.transactions, second.errors,
                       second.shed, second.users_alive, second.in_flight,
                       ms(second.response_ns_p50), ms(second.response_ns_p95),
                       ms(second.response_ns_p99), fmt::join(second.at_least, " "),
                       ms(second.lag_ns_p99), second.worker_cpu);
    for (const auto& [name, counter] : run.counters) {
      const auto found = second.counters.find(name);
      // A run of before did not count them by second.
      out << ',' << (found == second.counters.end() ? "" : std::to_string(found->second));
    }
    out << "\r\n";
  }
}

}  // namespace stampede
