// RunResult ⇄ JSON. Each struct's members are named once, in a `fields` function; a writer and a
// reader go over the same list, so that neither can forget what the other knows.
#include "harness/report/run_result.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <type_traits>

#include "harness/judge/verdict.hpp"

namespace stampede {

namespace {

using Json = nlohmann::ordered_json;
using CloseCodes = decltype(StreamCounts::close_codes);
using CountAndRate = std::pair<std::uint64_t, double>;
using NamedTexts = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t problems_max = 50;

constexpr std::array<std::string_view, 4> kind_names{"gate", "invariant", "validity", "diagnosis"};

// Verdict and standing of a finding are one word in the file.
struct FindingWord {
  Verdict& verdict;
  Finding::Standing& standing;
};
template <class Archive>
void fields(Archive& archive, FigureInterval& interval) {
  archive("confidence", interval.confidence);
  archive("low", interval.low);
  archive("high", interval.high);
  archive("samples", interval.samples);
  archive("samples_effective", interval.samples_effective);
}
template <class Archive>
void fields(Archive& archive, Finding& finding) {
  archive("kind", finding.kind);
  archive("rule", finding.rule);
  archive("check", finding.check);
  archive("title", finding.title);
  FindingWord word{finding.verdict, finding.standing};
  archive("result", word);
  archive("measured", finding.measured);
  archive("figure", finding.figure);
  archive("limit", finding.limit);
  archive.optional("interval", finding.interval);
  archive("samples", finding.samples);
}
template <class Archive>
void fields(Archive& archive, SeriesResult::Latency& latency) {
  archive("count", latency.count);
  archive("censored", latency.censored);
  archive("at_least", latency.at_least);
  archive("ns", latency.ns);
}
template <class Archive>
void fields(Archive& archive, SeriesResult& series) {
  archive("scenario", series.scenario);
  archive("step", series.step);
  archive("transaction", series.transaction);
  archive("waits", series.waits);
  archive("tags", series.tags);
  archive("count", series.count);
  archive("per_second", series.rate);
  archive("outcomes", series.outcomes);
  archive("response", series.response);
  archive("service", series.service);
  archive("lag", series.lag);
  archive("first_byte", series.first_byte);
  archive("response_by_outcome", series.response_by_outcome);
}
template <class Archive>
void fields(Archive& archive, ConnectingResult& connecting) {
  archive("dns", connecting.dns);
  archive("connect", connecting.connect);
  archive("tls", connecting.tls);
  archive("tls_resumed", connecting.tls_resumed);
  archive("tls_insecure", connecting.tls_insecure);
}
template <class Archive>
void fields(Archive& archive, FailureResult& failure) {
  archive("reason", failure.reason);
  archive("count", failure.count);
  archive("example", failure.example);
  archive("advice", failure.advice);
}
template <class Archive>
void fields(Archive& archive, CountAndRate& counter) {
  archive("count", counter.first);
  archive("per_second", counter.second);
}
template <class Archive>
void fields(Archive& archive, SessionCounts& sessions) {
  archive("scheduled", sessions.scheduled);
  archive("completed", sessions.completed);
  archive("failed", sessions.failed);
  archive("unfinished", sessions.unfinished);
  archive("not_sent", sessions.not_sent);
}
template <class Archive>
void fields(Archive& archive, StreamCounts& streams) {
  archive("messages_in", streams.messages_in);
  archive("binary_in", streams.binary_in);
  archive("pings_answered", streams.pings_answered);
  archive("events", streams.events);
  archive("reconnects", streams.reconnects);
  archive("unread_dropped", streams.unread_dropped);
  archive("malformed", streams.malformed);
  archive("push_lag_negative", streams.push_lag_negative);
  archive("push_lag_unusable", streams.push_lag_unusable);
  archive("close_codes", streams.close_codes);
}
template <class Archive>
void fields(Archive& archive, SecondResult& second) {
  archive("second", second.second);
  archive("warm_up", second.warm_up);
  archive("drain", second.drain);
  archive("requests", second.requests);
  archive("transactions", second.transactions);
  archive("errors", second.errors);
  archive("shed", second.shed);
  archive("users_alive", second.users_alive);
  archive("in_flight", second.in_flight);
  archive("response_ns_p50", second.response_ns_p50);
  archive("response_ns_p95", second.response_ns_p95);
  archive("response_ns_p99", second.response_ns_p99);
  archive("lag_ns_p99", second.lag_ns_p99);
  archive("at_least", second.at_least);
  archive("worker_cpu", second.worker_cpu);
  archive.optional("counters", second.counters);
}
template <class Archive>
void fields(Archive& archive, LatencyBin& bin) {
  archive("up_to_ns", bin.up_to_ns);
  archive("count", bin.count);
}
template <class Archive>
void fields(Archive& archive, ProcessResult& process) {
  archive("role", process.role);
  archive("cpu_seconds", process.cpu_seconds);
  archive("rss_bytes", process.rss_bytes);
  archive("rss_peak_bytes", process.rss_peak_bytes);
  archive.optional("disk_read_bytes", process.disk_read_bytes);
  archive.optional("disk_written_bytes", process.disk_written_bytes);
  archive.optional("voluntary_switches", process.voluntary_switches);
  archive.optional("involuntary_switches", process.involuntary_switches);
  archive.optional("sockets", process.sockets);
}
template <class Archive>
void fields(Archive& archive, StoresResult::Script& script) {
  archive("calls", script.calls);
  archive("ns_mean", script.ns_mean);
}
template <class Archive>
void fields(Archive& archive, StoresResult& stores) {
  archive("mysql_commits", stores.mysql_commits);
  archive("mysql_log_syncs", stores.mysql_log_syncs);
  archive("mysql_file_syncs", stores.mysql_file_syncs);
  archive("redis_scripts", stores.redis_scripts);
}
template <class Archive>
void fields(Archive& archive, MachineResult& machine) {
  archive("cpu_busy_share", machine.cpu_busy_share);
  archive("memory_used_bytes", machine.memory_used_bytes);
  archive("memory_bytes", machine.memory_bytes);
  archive("disk_read_bytes", machine.disk_read_bytes);
  archive("disk_written_bytes", machine.disk_written_bytes);
}
template <class Archive>
void fields(Archive& archive, FunnelStageResult& stage) {
  archive("name", stage.name);
  archive("sessions", stage.sessions);
  archive("share_of_before", stage.share_of_before);
}
template <class Archive>
void fields(Archive& archive, HoldsResult& holds) {
  archive("acknowledged", holds.acknowledged);
  archive("ended", holds.ended);
  archive("ran_out", holds.ran_out);
  archive("unknown", holds.unknown);
  archive("open", holds.open);
  archive("dwell", holds.dwell);
}
template <class Archive>
void fields(Archive& archive, FunnelResult& funnel) {
  archive("stages", funnel.stages);
  archive("holds", funnel.holds);
  archive("queue_wait", funnel.queue_wait);
}
template <class Archive>
void fields(Archive& archive, SeatLedger& seats) {
  archive("total", seats.total);
  archive("free", seats.free);
  archive("held", seats.held);
  archive("pending", seats.pending);
  archive("sold", seats.sold);
  archive("locked", seats.locked);
}
template <class Archive>
void fields(Archive& archive, PhaseResult& phase) {
  archive("seconds", phase.seconds);
  archive("problem", phase.problem);
  archive("series", phase.series);
}
template <class Archive>
void head_fields(Archive& archive, RunResult& run) {
  archive("schema_version", run.schema_version);
  archive("id", run.id);
  archive("started_at", run.started_at);
  archive("duration_seconds", run.duration_seconds);
  archive("measured_seconds", run.measured_seconds);
  archive("state", run.state);
  archive("state_reason", run.state_reason);
  archive("verdict", run.verdict);
  archive("exit_code", run.exit_code);
  archive("profile_name", run.profile_name);
  archive("question", run.question);
  archive("pass_means", run.pass_means);
  archive("profile_file", run.profile_file);
  archive("profile_text", run.profile_text);
  archive("seed", run.seed);
  archive.optional("ids", run.ids);
  archive("command_line", run.command_line);
  archive("topology", run.topology);
  archive("attached", run.attached);
  archive("tainted", run.tainted);
  archive("defects", run.defects);
  archive("environment", run.environment);
}
template <class Archive>
void fields(Archive& archive, RunResult& run) {
  head_fields(archive, run);
  archive("findings", run.findings);
  archive("tx_per_second", run.tx_rate);
  archive("http_per_second", run.http_rate);
  archive("error_share", run.error_share);
  archive("users_min", run.users_min);
  archive("users_mean", run.users_mean);
  archive("users_max", run.users_max);
  archive("counters", run.counters);
  archive("sessions", run.sessions);
  archive("sessions_warm_up", run.sessions_warm_up);
  archive("requests_begun", run.requests_begun);
  archive("bytes_in", run.bytes_in);
  archive("bytes_out", run.bytes_out);
  archive("connections", run.connections);
  archive("redirects", run.redirects);
  archive("ws_frames_in", run.ws_frames_in);
  archive("ws_frames_out", run.ws_frames_out);
  archive("streams", run.streams);
  archive("total", run.total);
  archive("series", run.series);
  archive("statuses", run.statuses);
  archive("distribution", run.distribution);
  archive("setup", run.setup);
  archive("teardown", run.teardown);
  archive("error_examples", run.error_examples);
  archive.optional("connecting", run.connecting);
  archive.optional("failures", run.failures);
  archive.optional("hiccups", run.hiccups);
  archive("seconds", run.seconds);
  archive("processes", run.processes);
  archive.optional("funnel", run.funnel);
  archive.optional("seats", run.seats);
  archive.optional("stores", run.stores);
  archive.optional("machine", run.machine);
  archive.optional("diagnosis", run.diagnosis);
  archive("ledger_note", run.ledger_note);
  archive("files", run.files);
}

// --- writing ------------------------------------------------------------------------------------

class Writer {
 public:
  template <class T>
  void operator()(const char* key, T& value) {
    json_[key] = written(value);
  }
  template <class T>
  void optional(const char* key, T& value) {
    (*this)(key, value);
  }
  [[nodiscard]] Json json() && { return std::move(json_); }

  template <class T>
  static Json written(T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      return value;
    } else {
      Writer inner;
      fields(inner, value);
      return std::move(inner).json();
    }
  }
  static Json written(Finding::Kind& kind) { return kind_names[static_cast<std::size_t>(kind)]; }
  static Json written(FindingWord& word) {
    Finding finding;
    finding.verdict = word.verdict;
    finding.standing = word.standing;
    return finding_word(finding);
  }
  template <class T>
  static Json written(std::optional<T>& value) {
    return value ? written(*value) : Json(nullptr);
  }
  template <class T>
  static Json written(std::vector<T>& values) {
    Json array = Json::array();
    for (T& value : values) array.push_back(written(value));
    return array;
  }
  static Json written(NamedTexts& texts) {
    Json object = Json::object();
    for (auto& [name, text] : texts) object[name] = text;
    return object;
  }
  template <class T>
  static Json written(std::map<std::string, T>& values) {
    Json object = Json::object();
    for (auto& [key, value] : values) object[key] = written(value);
    return object;
  }
  static Json written(CloseCodes& codes) {
    Json object = Json::object();
    for (const auto& [code, times] : codes) object[std::to_string(code)] = times;
    return object;
  }

 private:
  Json json_ = Json::object();
};

// --- reading ------------------------------------------------------------------------------------

class Reader {
 public:
  Reader(const Json& json, std::string path, Diagnostics& problems)
      : json_(json), path_(std::move(path)), problems_(problems) {
    if (!json_.is_object()) problem("must be an object");
  }

  template <class T>
  void operator()(const char* key, T& value) {
    if (!json_.is_object()) return;
    known_.insert(key);
    const auto found = json_.find(key);
    if (found == json_.end()) return problem(std::string("has no member \"") + key + "\"");
    Reader(problems_, path_ + "/" + key).read(*found, value);
  }

  // For what older run files do not have.
  template <class T>
  void optional(const char* key, T& value) {
    if (json_.is_object() && json_.contains(key)) (*this)(key, value);
  }

  void finish() {
    if (!json_.is_object()) return;
    for (const auto& [key, value] : json_.items()) {
      if (!known_.contains(key)) problem("has an unknown member \"" + key + "\"");
    }
  }

 private:
  // For a value that is not (yet known to be) an object.
  Reader(Diagnostics& problems, std::string path)
      : json_(nothing()), path_(std::move(path)), problems_(problems) {}
  static const Json& nothing() {
    static const Json null;
    return null;
  }

  void problem(const std::string& what) {
    if (problems_.size() >= problems_max) return;
    problems_.push_back({"run.json", {}, (path_.empty() ? "the file" : path_) + " " + what, ""});
  }

  template <class T>
  void read(const Json& json, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) return problem("must be true or false");
      value = json.get<bool>();
    } else if constexpr (std::is_floating_point_v<T>) {
      if (!json.is_number()) return problem("must be a number");
      value = json.get<T>();
    } else if constexpr (std::is_integral_v<T>) {
      read_whole(json, value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) return problem("must be a string");
      value = json.get<std::string>();
    } else {
      Reader inner(json, path_, problems_);
      fields(inner, value);
      inner.finish();
    }
  }
  template <class T>
  void read_whole(const Json& json, T& value) {
    if (!json.is_number_integer()) return problem("must be a whole number");
    const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                : std::in_range<T>(json.get<std::int64_t>());
    if (!fits) return problem("is out of range");
    value = json.get<T>();
  }
  void read(const Json& json, Finding::Kind& kind) {
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
      if (json == kind_names[i]) {
        kind = static_cast<Finding::Kind>(i);
        return;
      }
    }
    problem("must be gate, invariant, validity or diagnosis");
  }
  void read(const Json& json, FindingWord& word) {
    if (const auto standing = standing_of(json.is_string() ? json.get<std::string>() : "")) {
      word.verdict = Verdict::pass;
      word.standing = *standing;
      return;
    }
    for (const Verdict each : {Verdict::pass, Verdict::inconclusive, Verdict::fail,
                               Verdict::broken_invariant, Verdict::invalid}) {
      if (json == finding_word(each)) {
        word.verdict = each;
        return;
      }
    }
    problem(
        "must be held, unproven, missed, broken, invalid, warned, lifted, not_run or "
        "not_applicable");
  }
  template <class T>
  void read(const Json& json, std::optional<T>& value) {
    if (json.is_null()) return value.reset();
    read(json, value.emplace());
  }
  template <class T>
  void read(const Json& json, std::vector<T>& values) {
    if (!json.is_array()) return problem("must be an array");
    for (std::size_t i = 0; i < json.size(); ++i) {
      Reader(problems_, path_ + "/" + std::to_string(i)).read(json[i], values.emplace_back());
    }
  }
  void read(const Json& json, NamedTexts& texts) {
    if (!json.is_object()) return problem("must be an object");
    for (const auto& [name, text] : json.items()) {
      texts.emplace_back(name, "");
      Reader(problems_, path_ + "/" + name).read(text, texts.back().second);
    }
  }
  template <class T>
  void read(const Json& json, std::map<std::string, T>& values) {
    if (!json.is_object()) return problem("must be an object");
    for (const auto& [key, value] : json.items()) {
      Reader(problems_, path_ + "/" + key).read(value, values[key]);
    }
  }

  void read(const Json& json, CloseCodes& codes) {
    if (!json.is_object()) return problem("must be an object");
    for (const auto& [key, times] : json.items()) {
      std::uint16_t code = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), code);
      if (error != std::errc{} || end != key.data() + key.size()) {
        problem("has a member \"" + key + "\" that is no close code");
        continue;
      }
      Reader(problems_, path_ + "/" + key).read(times, codes[code]);
    }
  }

  const Json& json_;
  std::string path_;
  Diagnostics& problems_;
  std::set<std::string> known_;
};

Place place_of(std::string_view text, std::size_t offset) {
  Place place{1, 1};
  for (const char c : text.substr(0, offset)) {
    place.column = c == '\n' ? 1 : place.column + 1;
    if (c == '\n') ++place.line;
  }
  return place;
}

}  // namespace

std::string to_json(const RunResult& result) {
  RunResult copy = result;
  // An answer's bytes may be in an example: what is no UTF-8 becomes U+FFFD.
  return Writer::written(copy).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Checked<RunResult> run_result_from_json(std::string_view text) {
  if (text.size() > run_json_bytes_max) {
    return Diagnostics{{"run.json", {}, "the file is larger than 256 MiB", ""}};
  }
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t offset = error.byte == 0 ? 0 : error.byte - 1;
    return Diagnostics{{"run.json", place_of(text, offset), "not valid JSON", ""}};
  } catch (const Json::out_of_range&) {
    return Diagnostics{{"run.json", {1, 1}, "not valid JSON: a number is out of range", ""}};
  }
  Diagnostics problems;
  RunResult result;
  Reader reader(json, "", problems);
  fields(reader, result);
  reader.finish();
  if (problems.empty() && result.schema_version != 1) {
    problems.push_back({"run.json",
                        {},
                        "/schema_version is " + std::to_string(result.schema_version),
                        "this stampede reads version 1"});
  }
  if (!problems.empty()) return problems;
  return result;
}

}  // namespace stampede
