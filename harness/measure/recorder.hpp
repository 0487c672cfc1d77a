// One per worker thread, used only on it: no lock, no allocation in the steady state.
#pragma once

#include <string_view>

#include "harness/measure/snapshot.hpp"

namespace stampede {

class Recorder {
 public:
  Recorder(std::size_t series_count, std::size_t counter_count);

  void begin_request() noexcept;                      // before the first byte is tried
  void record(SeriesId series, const Sample& sample, std::string_view example = {}) noexcept;
  void count(std::uint32_t counter) noexcept;
  void loop_lag(Nanos lag) noexcept;
  SessionCounts& sessions() noexcept { return current_.sessions; }
  void traffic(std::uint64_t in, std::uint64_t out) noexcept;
  void connection() noexcept;
  void ws_frames(std::uint64_t in, std::uint64_t out) noexcept;

  // Everything since the last take.
  Snapshot take();

 private:
  Snapshot current_;
};

}  // namespace stampede
