// Counters that the kernel keeps of this machine, this process and this thread. Each reader takes
// the root of the file system, so that a test can plant a text; what is not there is absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "harness/measure/self_measure.hpp"

namespace stampede {

struct MachineCounters {
  // /proc/stat, first line: ticks of all cores.
  struct Cpu {
    std::uint64_t total = 0, steal = 0, softirq = 0;
    std::uint64_t idle = 0;  // with what waits for a disk
  };
  std::optional<Cpu> cpu;
  std::optional<std::uint64_t> memory_bytes, memory_available_bytes;  // /proc/meminfo
  // /proc/diskstats of whole disks: what lies upon them (partitions, loops, volumes) is in these.
  std::optional<std::uint64_t> disk_read_bytes, disk_written_bytes;
  std::optional<std::uint64_t> throttled;  // nr_throttled of the control group, v2 or v1
  std::optional<std::uint64_t> listen_overflows, tcp_timeouts, syn_retransmits;  // netstat TcpExt
  std::optional<std::uint64_t> retransmits;                                      // snmp Tcp
  // TcpExt: segments that came and found no room (TCPRcvQDrop and its kin).
  std::optional<std::uint64_t> receive_drops;
};
[[nodiscard]] MachineCounters read_machine(const std::filesystem::path& root = "/");
// What happened between two readings. A counter that went back (a reset) counts as 0.
[[nodiscard]] MachineUse between(const MachineCounters& before, const MachineCounters& after);

struct ThreadCounters {
  std::optional<std::uint64_t> waited_ns;  // schedstat, field 2: ready to run, waiting for a core
  std::uint64_t involuntary_switches = 0, major_faults = 0;
};
// Of the calling thread.
[[nodiscard]] ThreadCounters read_thread(const std::filesystem::path& root = "/");

// A value of a /proc/net file: pairs of lines "Name: key key …" and "Name: value value …".
[[nodiscard]] std::optional<std::uint64_t> paired_value(std::string_view text,
                                                        std::string_view name,
                                                        std::string_view key);
// The value behind "key " at the start of a line.
[[nodiscard]] std::optional<std::uint64_t> keyed_value(std::string_view text, std::string_view key);

}  // namespace stampede
