#include "target/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

namespace boxoffice {
namespace {

// Bound of every table below: routes and scripts are few, so only a bug reaches it.
constexpr std::size_t series_max = 4096;

using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

const prometheus::Histogram::BucketBoundaries& buckets() {
  static const prometheus::Histogram::BucketBoundaries bounds{
      0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
      0.1,    0.2,    0.5,    1,     2,     5,     10,   30};
  return bounds;
}

struct Help {
  std::string_view name, text;
};
constexpr Help help_table[] = {
    {"http_requests_total", "Answered requests by role, route pattern, status and problem code."},
    {"http_request_seconds", "From the first byte of a request to its answer being written."},
    {"inflight", "Requests being handled, by role."},
    {"redis_script_seconds", "One script of Redis, with the way there and back."},
    {"mysql_tx_seconds", "One named transaction of the database."},
    {"mysql_pool_wait_seconds", "Wait for a free database connection."},
    {"hold_total", "Hold attempts by result."},
    {"order_total", "Orders by result."},
    {"payment_total", "Payments by result."},
    {"saga_total", "Steps of the order saga by result."},
    {"queue_waiting", "People in the waiting room."},
    {"queue_active", "People admitted and not gone."},
    {"queue_admitted_total", "Admissions."},
    {"queue_ghosts_total", "Places given up after silence."},
    {"requeued_total", "Admitted users sent back to the tail after losing holds."},
    {"queue_wait_seconds", "From entering the waiting room to the admission."},
    {"push_lag_seconds", "From an admission to its message on the socket."},
    {"ws_clients", "Open WebSockets."},
    {"sse_clients", "Open event streams."},
    {"sse_dropped_total", "Event streams that were cut, by reason."},
    {"sse_joined_total", "Event streams by how they began: new, resumed, resync."},
    {"sse_events_total", "Changes of seats sent, counted per client."},
    {"sse_lag_seconds", "From a change of a seat to its message on the streams, flush included."},
    {"signup_total", "Sign-ups by result."},
    {"login_total", "Log-ins by result."},
    {"password_waiting", "Passwords that are being hashed or wait for it."},
    {"queue_lapsed_total", "Admitted users whose slot lapsed after silence."},
    {"holds_expired_seats_total", "Seats freed because their hold was over."},
    {"webhook_total", "Webhooks of the payment provider by result."},
    {"webhook_courier_total", "Webhooks sent by the simulated provider, by result."},
    {"mysql_connections", "Open database connections, by thread."},
    {"mysql_connections_max", "Limit of database connections of one thread."},
    {"worker_failures_total", "Turns of a worker loop that failed, by loop."},
    {"redelivered_total", "Entries delivered again, by consumer group."},
    {"connections", "Open connections, WebSockets among them."},
    {"connections_refused_total", "Connections closed at once because there were too many."},
    {"accept_errors_total", "Failed accepts by error; the server goes on after each."},
    {"ws_dropped_total", "WebSockets that were cut, by reason."},
    {"outbox_age_seconds", "Age of the oldest row that was not sent."},
    {"stream_pending", "Delivered and not acknowledged entries by consumer group."},
    {"dead_total", "Messages given up after too many tries."},
    {"repair_total", "Repairs of the reconciler by kind; 0 in a run without faults."},
    {"breaker_state", "0 closed, 1 half open, 2 open, by dependency."},
    {"lease_owner", "1 where this instance holds the lease, by name."},
    {"metrics_dropped_total", "Observations without a series because there were too many series."},
    {"process_cpu_seconds_total", "User and system time of the process."},
    {"process_open_fds", "Open file descriptors."},
    {"process_max_fds", "Limit of open file descriptors."},
    {"process_resident_memory_bytes", "Resident memory."},
    {"process_virtual_memory_bytes", "Virtual memory."},
    {"process_threads", "Threads of the process."},
    {"process_disk_read_bytes_total", "Bytes the process had read from disks."},
    {"process_disk_written_bytes_total", "Bytes the process had written to disks."},
    {"process_start_time_seconds", "Start of the process since the epoch."},
};

std::string help_of(std::string_view name) {
  for (const Help& row : help_table) {
    if (row.name == name) return std::string(row.text);
  }
  return "A figure of boxoffice: " + std::string(name) + ".";
}

// The library throws on a bad name; a metric must never break what it measures.
std::string clean_name(std::string_view name) {
  std::string clean(name);
  for (char& c : clean) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fine) c = '_';
  }
  if (clean.empty() || (clean.front() >= '0' && clean.front() <= '9')) clean.insert(0, "_");
  return clean;
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

// Series by name and labels. A known one costs one shared lock and one look-up, no allocation.
template <class Metric>
class Table {
 public:
  template <class Make>
  Metric* find_or_make(std::string_view name, Pairs labels, const Make& make) {
    thread_local std::string key;
    key.assign(name);
    for (const auto& [label, value] : labels) {
      key += '\x1f';
      key += label;
      key += '\x1f';
      key += value;
    }
    {
      const std::shared_lock lock(mutex_);
      const auto known = series_.find(std::string_view(key));
      if (known != series_.end()) return known->second;
    }
    const std::lock_guard lock(mutex_);
    const auto known = series_.find(std::string_view(key));
    if (known != series_.end()) return known->second;
    if (series_.size() >= series_max) return nullptr;
    prometheus::Labels owned;
    for (const auto& [label, value] : labels) owned.emplace(clean_name(label), value);
    Metric* made = make(clean_name(name), owned);
    series_.emplace(key, made);
    return made;
  }

 private:
  std::shared_mutex mutex_;
  std::unordered_map<std::string, Metric*, TextHash, std::equal_to<>> series_;
};

double seconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double>(took).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  Table<prometheus::Counter> counters;
  Table<prometheus::Gauge> gauges;
  Table<prometheus::Histogram> histograms;
  std::mutex scrape;
  double started =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();

  prometheus::Counter* counter_of(std::string_view name, Pairs labels) {
    return counters.find_or_make(name, labels, [this](const std::string& clean, const auto& owned) {
      return &prometheus::BuildCounter()
                  .Name(clean)
                  .Help(help_of(clean))
                  .Register(registry)
                  .Add(owned);
    });
  }
  // To what somebody else counts.
  void raise(std::string_view name, double total) {
    auto* const counter = counter_of(name, {});
    if (counter != nullptr) counter->Increment(std::max(0.0, total - counter->Value()));
  }
  void add(std::string_view name, Pairs labels, double by) {
    auto* const counter = counter_of(name, labels);
    if (counter != nullptr) return counter->Increment(by);
    if (name != "metrics_dropped_total") add("metrics_dropped_total", {}, 1);
  }
  prometheus::Gauge* gauge_of(std::string_view name, Pairs labels) {
    return gauges.find_or_make(name, labels, [this](const std::string& clean, const auto& owned) {
      return &prometheus::BuildGauge()
                  .Name(clean)
                  .Help(help_of(clean))
                  .Register(registry)
                  .Add(owned);
    });
  }
  void set(std::string_view name, Pairs labels, double value) {
    auto* const gauge = gauge_of(name, labels);
    if (gauge != nullptr) return gauge->Set(value);
    add("metrics_dropped_total", {}, 1);
  }
  prometheus::Histogram* histogram_of(std::string_view name, Pairs labels) {
    return histograms.find_or_make(name, labels,
                                   [this](const std::string& clean, const auto& owned) {
                                     return &prometheus::BuildHistogram()
                                                 .Name(clean)
                                                 .Help(help_of(clean))
                                                 .Register(registry)
                                                 .Add(owned, buckets());
                                   });
  }
  void make_histogram(std::string_view name) { (void)histogram_of(name, {}); }
  void observe(std::string_view name, Pairs labels, std::chrono::nanoseconds took) {
    auto* const histogram = histogram_of(name, labels);
    if (histogram != nullptr) return histogram->Observe(seconds(took));
    add("metrics_dropped_total", {}, 1);
  }
  void read_process();
  void read_disk();
};

// Where the kernel does not tell (no task accounting), the figures stay away.
void Metrics::State::read_disk() {
  std::ifstream file("/proc/self/io");
  std::string name;
  for (double value = 0; file >> name >> value;) {
    if (name == "read_bytes:") raise("process_disk_read_bytes_total", value);
    if (name == "write_bytes:") raise("process_disk_written_bytes_total", value);
  }
}

void Metrics::State::read_process() {
  raise("process_cpu_seconds_total", cpu_seconds());
  read_disk();
  double pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  set("process_virtual_memory_bytes", {}, pages * page_bytes);
  set("process_resident_memory_bytes", {}, resident * page_bytes);
  struct stat tasks {};
  constexpr nlink_t own_links = 2;  // of a folder; one more for each that it holds
  if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > own_links)
    set("process_threads", {}, static_cast<double>(tasks.st_nlink - own_links));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  set("process_max_fds", {}, static_cast<double>(limit.rlim_cur));
  // The size of this folder is the number of descriptors since Linux 6.2. Counting its entries
  // instead would hold up an I/O thread for milliseconds when there are 20,000 of them.
  struct stat folder {};
  if (stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) {
    set("process_open_fds", {}, static_cast<double>(folder.st_size));
  }
  set("process_start_time_seconds", {}, started);
}

// The count of what is dropped must have its place before the table can be full. What alerts are
// made of is there from the start: a rate of something absent is no number, and no alert.
Metrics::Metrics() : state_(std::make_unique<State>()) {
  state_->add("metrics_dropped_total", {}, 0);
  for (const std::string_view kind : {"pending_without_order", "missing", "unsettled",
                                      "sold_without_ticket", "lock_missing", "lock_left"}) {
    state_->add("repair_total", {{"kind", kind}}, 0);
  }
  for (const std::string_view reason : {"slow", "stalled"}) {
    state_->add("sse_dropped_total", {{"reason", reason}}, 0);
  }
  for (const std::string_view step : {"hold", "order", "pay", "confirm", "settle", "refund"}) {
    for (const std::string_view result : {"DONE", "FAILED"}) {
      state_->add("saga_total", {{"step", step}, {"result", result}}, 0);
    }
  }
  state_->add("dead_total", {}, 0);
  state_->add("connections_refused_total", {}, 0);
  state_->add("queue_admitted_total", {}, 0);
  state_->add("queue_ghosts_total", {}, 0);
  for (const std::string_view name :
       {"push_lag_seconds", "sse_lag_seconds", "queue_wait_seconds", "mysql_pool_wait_seconds"}) {
    state_->make_histogram(name);
  }
}
Metrics::~Metrics() = default;

void Metrics::http_request(std::string_view role, std::string_view route, int status,
                           std::string_view problem, std::chrono::nanoseconds took) {
  char code[12];
  const auto end = std::to_chars(code, code + sizeof code, status).ptr;
  state_->add("http_requests_total",
              {{"role", role},
               {"route", route},
               {"code", std::string_view(code, static_cast<std::size_t>(end - code))},
               {"problem", problem}},
              1);
  state_->observe("http_request_seconds", {{"role", role}, {"route", route}}, took);
}

void Metrics::redis_script(std::string_view script, std::chrono::nanoseconds took) {
  state_->observe("redis_script_seconds", {{"script", script}}, took);
}

void Metrics::mysql_tx(std::string_view name, std::chrono::nanoseconds took) {
  state_->observe("mysql_tx_seconds", {{"name", name}}, took);
}

void Metrics::mysql_pool_wait(std::chrono::nanoseconds took) {
  state_->observe("mysql_pool_wait_seconds", {}, took);
}

void Metrics::saga(std::string_view step, std::string_view result) {
  state_->add("saga_total", {{"step", step}, {"result", result}}, 1);
}

void Metrics::count(std::string_view name, std::string_view label, std::string_view value,
                    double by) {
  state_->add(std::string(name) + "_total", {{label, value}}, by);
}

void Metrics::count(std::string_view name, double by) {
  state_->add(std::string(name) + "_total", {}, by);
}

void Metrics::gauge(std::string_view name, double value) { state_->set(name, {}, value); }

void Metrics::gauge(std::string_view name, std::string_view label, std::string_view value,
                    double figure) {
  state_->set(name, {{label, value}}, figure);
}

void Metrics::observe(std::string_view name, std::chrono::nanoseconds took) {
  state_->observe(std::string(name) + "_seconds", {}, took);
}

std::vector<std::string_view> Metrics::names() {
  std::vector<std::string_view> names;
  for (const Help& row : help_table) names.push_back(row.name);
  return names;
}

std::string Metrics::exposition() const {
  const std::lock_guard lock(state_->scrape);
  state_->read_process();
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace boxoffice
