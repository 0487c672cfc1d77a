// One per worker thread, used only on it: no lock, no allocation in the steady state.
#pragma once

#include <string_view>

#include "harness/measure/residence.hpp"
#include "harness/measure/snapshot.hpp"

namespace stampede {

class Recorder {
 public:
  static constexpr std::size_t example_bytes_max = 240;

  // `books`: entries and exits are told to them too; they outlive the recorder.
  Recorder(std::size_t series_count, std::size_t counter_count, ResidenceBooks* books = nullptr);

  // Before the first byte is tried. `due`: the `intended` of the sample that will be recorded.
  void begin_request(TimePoint due) noexcept;
  // Instead, for a figure made of what was seen (a gap between events): recorded at once, it was
  // never in flight.
  void begin_derived(const Sample& sample) noexcept;
  // `example` describes an error for people; the first of each outcome since the last take is kept.
  void record(SeriesId series, const Sample& sample, std::string_view example = {}) noexcept;
  // Why a request got no answer; the first text of each class since the last take is kept.
  void failure(Failure failure, std::string_view text) { current_.failures.add(failure, text); }
  void connecting(const ConnectionFigures& figures) { current_.connecting += figures; }
  void count(std::uint32_t counter) noexcept;
  void loop_lag(Nanos lag) noexcept;
  SessionCounts& sessions() noexcept { return current_.sessions; }
  void traffic(std::uint64_t in, std::uint64_t out) noexcept;
  void connection() noexcept;
  void redirects(std::uint64_t followed) noexcept;
  void ws_frames(std::uint64_t in, std::uint64_t out) noexcept;
  void streams(const StreamCounts& counts) { current_.streams += counts; }

  // Everything since the last take, in compact form: costs what was recorded, and keeps the
  // buckets.
  Snapshot take();

 private:
  Snapshot current_;
  std::array<std::uint64_t, status_max + 1> statuses_{};
  ResidenceBooks* books_;
};

}  // namespace stampede
