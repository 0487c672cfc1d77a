#include "harness/load/machine_counters.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace stampede {

namespace {

namespace fs = std::filesystem;

std::optional<std::string> text_of(const fs::path& path) {
  std::ifstream in(path);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = line.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t\n"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// Calls visit(line) for each line until it returns false.
template <class Visit>
void each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (!visit(text.substr(0, end))) return;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guest is in user already.
std::optional<MachineCounters::Cpu> read_cpu(const fs::path& root) {
  const auto text = text_of(root / "proc/stat");
  if (!text) return std::nullopt;
  const auto words = words_of(std::string_view(*text).substr(0, text->find('\n')));
  if (words.size() < 9 || words[0] != "cpu") return std::nullopt;
  MachineCounters::Cpu cpu;
  for (std::size_t i = 1; i < 9; ++i) {
    const auto ticks = number(words[i]);
    if (!ticks) return std::nullopt;
    cpu.total += *ticks;
    if (i == 4 || i == 5) cpu.idle += *ticks;
    if (i == 7) cpu.softirq = *ticks;
    if (i == 8) cpu.steal = *ticks;
  }
  return cpu;
}

// Version 2: "0::/path"; version 1: "4:cpu,cpuacct:/path". The first cpu.stat with nr_throttled, of
// the group or of those around it.
std::optional<std::uint64_t> read_throttled(const fs::path& root) {
  const auto groups = text_of(root / "proc/self/cgroup");
  if (!groups) return std::nullopt;
  std::optional<std::uint64_t> found;
  each_line(*groups, [&](std::string_view line) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) return true;
    const std::string controllers(line.substr(first + 1, second - first - 1));
    const bool version_2 = controllers.empty();
    if (!version_2 && controllers.find("cpu") == std::string::npos) return true;
    const fs::path base = root / "sys/fs/cgroup" / (version_2 ? "" : controllers);
    fs::path group = base / fs::path(line.substr(second + 1)).relative_path();
    for (int level = 0; level < 16 && !found; ++level) {
      if (const auto text = text_of(group / "cpu.stat")) found = keyed_value(*text, "nr_throttled");
      if (group == base || !group.has_relative_path()) break;
      group = group.parent_path();
    }
    return !found;
  });
  return found;
}

// "MemTotal:       16316412 kB"
void read_memory(const fs::path& root, MachineCounters& into) {
  const auto text = text_of(root / "proc/meminfo");
  if (!text) return;
  const auto bytes = [&text](std::string_view key) -> std::optional<std::uint64_t> {
    const auto kilobytes = keyed_value(*text, key);
    return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
  };
  into.memory_bytes = bytes("MemTotal:");
  into.memory_available_bytes = bytes("MemAvailable:");
}

// "253 0 vda reads merged sectors_read ms writes merged sectors_written …"; a sector is 512 bytes
// whatever the disk's own are. Partitions have no folder in /sys/block; volumes lie upon disks that
// are counted already, and compressed memory is no disk.
void read_disks(const fs::path& root, MachineCounters& into) {
  constexpr std::array<std::string_view, 5> no_disks{"loop", "ram", "zram", "dm-", "md"};
  constexpr std::uint64_t sector = 512;
  const auto text = text_of(root / "proc/diskstats");
  if (!text) return;
  each_line(*text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 10) return true;
    const std::string_view name = words[2];
    const bool is_disk =
        std::ranges::none_of(no_disks, [&](auto prefix) { return name.starts_with(prefix); });
    std::error_code error;
    if (!is_disk || !fs::exists(root / "sys/block" / name, error)) return true;
    const auto read = number(words[5]), written = number(words[9]);
    if (!read || !written) return true;
    into.disk_read_bytes = into.disk_read_bytes.value_or(0) + *read * sector;
    into.disk_written_bytes = into.disk_written_bytes.value_or(0) + *written * sector;
    return true;
  });
}

template <class T>
std::optional<std::uint64_t> difference(const std::optional<T>& before,
                                        const std::optional<T>& after) {
  if (!before || !after) return std::nullopt;
  return *after >= *before ? *after - *before : 0;
}

}  // namespace

std::optional<std::uint64_t> paired_value(std::string_view text, std::string_view name,
                                          std::string_view key) {
  std::optional<std::size_t> column;
  std::optional<std::uint64_t> found;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.empty() || words[0] != name) return true;
    if (!column) {
      const auto at = std::ranges::find(words, key);
      if (at == words.end()) return false;
      column = static_cast<std::size_t>(at - words.begin());
      return true;
    }
    if (*column < words.size()) found = number(words[*column]);
    return false;
  });
  return found;
}

std::optional<std::uint64_t> keyed_value(std::string_view text, std::string_view key) {
  std::optional<std::uint64_t> found;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2 || words[0] != key) return true;
    found = number(words[1]);
    return false;
  });
  return found;
}

// Absent where the kernel does not count the first of them.
std::optional<std::uint64_t> read_receive_drops(std::string_view netstat) {
  std::optional<std::uint64_t> sum = paired_value(netstat, "TcpExt:", "TCPRcvQDrop");
  for (const char* kin : {"TCPBacklogDrop", "PFMemallocDrop", "TCPOFODrop", "TCPZeroWindowDrop",
                          "RcvPruned", "OfoPruned"}) {
    if (sum) *sum += paired_value(netstat, "TcpExt:", kin).value_or(0);
  }
  return sum;
}

MachineCounters read_machine(const fs::path& root) {
  MachineCounters out;
  out.cpu = read_cpu(root);
  out.throttled = read_throttled(root);
  read_memory(root, out);
  read_disks(root, out);
  if (const auto text = text_of(root / "proc/net/netstat")) {
    out.listen_overflows = paired_value(*text, "TcpExt:", "ListenOverflows");
    out.tcp_timeouts = paired_value(*text, "TcpExt:", "TCPTimeouts");
    out.syn_retransmits = paired_value(*text, "TcpExt:", "TCPSynRetrans");
    out.receive_drops = read_receive_drops(*text);
  }
  if (const auto text = text_of(root / "proc/net/snmp")) {
    out.retransmits = paired_value(*text, "Tcp:", "RetransSegs");
  }
  return out;
}

MachineUse between(const MachineCounters& before, const MachineCounters& after) {
  MachineUse use;
  if (before.cpu && after.cpu && after.cpu->total > before.cpu->total) {
    const double total = static_cast<double>(after.cpu->total - before.cpu->total);
    const auto share = [total](std::uint64_t from, std::uint64_t to) {
      return to > from ? static_cast<double>(to - from) / total : 0;
    };
    use.steal_share = share(before.cpu->steal, after.cpu->steal);
    use.softirq_share = share(before.cpu->softirq, after.cpu->softirq);
    use.busy_share = std::max(0.0, 1 - share(before.cpu->idle, after.cpu->idle));
  }
  use.memory_bytes = after.memory_bytes;
  if (after.memory_bytes && after.memory_available_bytes) {
    use.memory_used_bytes = difference(after.memory_available_bytes, after.memory_bytes);
  }
  use.disk_read_bytes = difference(before.disk_read_bytes, after.disk_read_bytes);
  use.disk_written_bytes = difference(before.disk_written_bytes, after.disk_written_bytes);
  use.throttled = difference(before.throttled, after.throttled);
  use.listen_overflows = difference(before.listen_overflows, after.listen_overflows);
  use.tcp_timeouts = difference(before.tcp_timeouts, after.tcp_timeouts);
  use.syn_retransmits = difference(before.syn_retransmits, after.syn_retransmits);
  use.retransmits = difference(before.retransmits, after.retransmits);
  use.receive_drops = difference(before.receive_drops, after.receive_drops);
  return use;
}

ThreadCounters read_thread(const fs::path& root) {
  ThreadCounters out;
  if (const auto text = text_of(root / "proc/thread-self/schedstat")) {
    const auto words = words_of(*text);
    if (words.size() >= 2) out.waited_ns = number(words[1]);
  }
  rusage usage{};
  if (getrusage(RUSAGE_THREAD, &usage) == 0) {
    out.involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
    out.major_faults = static_cast<std::uint64_t>(usage.ru_majflt);
  }
  return out;
}

}  // namespace stampede
