#include "harness/measure/recorder.hpp"

#include <utility>

namespace stampede {

namespace {

constexpr TimePoint never{};

// With R, S and G taken from the same three instants the sum holds by itself; what can go wrong is
// their order, which makes a part negative.
bool is_ordered(const Sample& sample) noexcept {
  if (sample.sent == never) return sample.first_byte == never && sample.intended <= sample.done;
  if (sample.sent < sample.intended || sample.done < sample.sent) return false;
  return sample.first_byte == never ||
         (sample.sent <= sample.first_byte && sample.first_byte <= sample.done);
}

SeriesSnapshot take_series(SeriesSnapshot& series) {
  SeriesSnapshot out;
  if (series.count() == 0) return out;
  for (std::size_t i = 0; i < outcome_count; ++i) {
    out.outcomes[i] = std::exchange(series.outcomes[i], 0);
    out.response[i] = series.response[i].take();
  }
  out.service = series.service.take();
  out.service_censored = series.service_censored.take();
  out.lag = series.lag.take();
  out.first_byte = series.first_byte.take();
  return out;
}

}  // namespace

Recorder::Recorder(std::size_t series_count, std::size_t counter_count, ResidenceBooks* books)
    : books_(books) {
  current_.series.resize(series_count);
  current_.counters.resize(counter_count);
}

void Recorder::begin_request(TimePoint due) noexcept {
  ++current_.requests_begun;
  if (books_ != nullptr) books_->enter(due);
}

void Recorder::begin_derived(const Sample& sample) noexcept {
  begin_request(sample.intended);
  if (books_ != nullptr) books_->discount(sample.sent, sample.done);
}

void Recorder::record(SeriesId series, const Sample& sample, std::string_view example) noexcept {
  SeriesSnapshot& into = current_.series[series];
  const auto outcome = static_cast<std::size_t>(sample.outcome);
  ++into.outcomes[outcome];
  if (sample.status != 0 && sample.status <= status_max) ++statuses_[sample.status];
  if (!is_ordered(sample)) ++current_.identity_broken;
  if (books_ != nullptr) books_->leave(sample.intended, sample.sent, sample.done);
  into.response[outcome].record(sample.done - sample.intended);
  if (sample.sent != never) {
    into.lag.record(sample.sent - sample.intended);
    if (is_answered(sample.outcome)) into.service.record(sample.done - sample.sent);
    if (is_censored(sample.outcome)) into.service_censored.record(sample.done - sample.sent);
    if (sample.first_byte != never) into.first_byte.record(sample.first_byte - sample.sent);
  }
  if (!example.empty() && is_error(sample.outcome) && current_.example[outcome].empty()) {
    current_.example[outcome] = example.substr(0, example_bytes_max);
  }
}

void Recorder::count(std::uint32_t counter) noexcept { ++current_.counters[counter]; }

void Recorder::loop_lag(Nanos lag) noexcept { current_.loop_lag.record(lag); }

void Recorder::traffic(std::uint64_t in, std::uint64_t out) noexcept {
  current_.bytes_in += in;
  current_.bytes_out += out;
}

void Recorder::connection() noexcept { ++current_.connections; }

void Recorder::redirects(std::uint64_t followed) noexcept { current_.redirects += followed; }

void Recorder::ws_frames(std::uint64_t in, std::uint64_t out) noexcept {
  current_.ws_frames_in += in;
  current_.ws_frames_out += out;
}

Snapshot Recorder::take() {
  Snapshot out;
  out.series.reserve(current_.series.size());
  for (SeriesSnapshot& series : current_.series) out.series.push_back(take_series(series));
  for (std::uint16_t status = 0; status <= status_max; ++status) {
    if (statuses_[status] == 0) continue;
    out.statuses.push_back({status, std::exchange(statuses_[status], 0)});
  }
  out.counters.resize(current_.counters.size());
  out.counters.swap(current_.counters);
  out.sessions = std::exchange(current_.sessions, {});
  out.requests_begun = std::exchange(current_.requests_begun, 0);
  out.loop_lag = current_.loop_lag.take();
  out.identity_broken = std::exchange(current_.identity_broken, 0);
  out.bytes_in = std::exchange(current_.bytes_in, 0);
  out.bytes_out = std::exchange(current_.bytes_out, 0);
  out.connections = std::exchange(current_.connections, 0);
  out.redirects = std::exchange(current_.redirects, 0);
  out.ws_frames_in = std::exchange(current_.ws_frames_in, 0);
  out.ws_frames_out = std::exchange(current_.ws_frames_out, 0);
  out.streams = std::exchange(current_.streams, {});
  out.connecting = std::exchange(current_.connecting, {});
  out.failures = std::exchange(current_.failures, {});
  out.example = std::exchange(current_.example, {});
  return out;
}

}  // namespace stampede
