// A scenario compiled once and shared, read-only, by every user of every worker: variables are
// slots, templates are pieces, steps carry their series. Nothing here runs I/O; load/virtual_user
// interprets it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/outcome.hpp"
#include "harness/profile/profile.hpp"
#include "harness/profile/profile_reader.hpp"
#include "harness/profile/redactor.hpp"
#include "harness/scenario/expression.hpp"
#include "harness/scenario/feeder.hpp"
#include "harness/scenario/random.hpp"
#include "harness/scenario/regex_pattern.hpp"
#include "harness/scenario/template.hpp"

namespace stampede {

// One row of the run's series table; SeriesId is the index.
struct SeriesInfo {
  std::string scenario;
  std::string step;
  bool transaction = false;
  bool waits = false;  // not in the totals
  Tags tags{};
};

// What a status means for a step, and for the `code` of a 503's body.
class Classifier {
 public:
  Classifier() = default;
  explicit Classifier(const ExpectSpec& spec);
  // `body` is looked at only for a 503.
  [[nodiscard]] Outcome classify(unsigned status, std::string_view body) const noexcept;

 private:
  std::array<std::uint8_t, 600> by_status_{};  // Outcome per status; filled by the constructor
};

struct CompiledCapture {
  CaptureSpec::From from;
  std::string pointer;
  std::uint32_t slot;
  bool optional;
  unsigned cell_bits = 2, cell_value = 0;
  std::string cell_total;  // JSON pointer to the number of cells; empty: all that the text holds
  Expression cell_count;
  std::shared_ptr<const RegexPattern> pattern;
  unsigned group = 0;
  CaptureSpec::Which which = CaptureSpec::Which::nth;
  std::uint32_t nth = 1;
  std::optional<Template> otherwise;
};
struct CompiledCheck {
  Check::Subject subject;
  Check::Relation relation;
  std::string name;  // of the header, or the JSON pointer
  Template value;
  std::shared_ptr<const RegexPattern> pattern;
  Expression expression;
  std::string text;  // as written
};
struct CompiledRecord {
  std::string kind;
  // In the order of ledger fields: event key reference seats fence expires status position.
  std::optional<Template> event, key, reference, seats, fence, expires, status, position;
};
using Header = std::pair<std::string, Template>;

struct CompiledStep;
using Steps = std::vector<CompiledStep>;

// What a step asks of HTTP beyond one request and one answer.
struct HttpExtras {
  std::uint32_t redirects_max = 0;
  bool redirects_any_host = false;
  bool cookies = false;       // keep what answers set
  bool send_cookies = false;  // … and send it: not over a Cookie header of the step's own
  bool decode = false;        // undo the content coding
};
struct HttpStep {
  std::uint32_t number = 0;  // within its run: workers keep things by it
  std::string method;
  Template path;                // with its query
  std::vector<Header> headers;  // the profile's and the step's, Authorization and Accept-Encoding
  std::optional<Template> body;
  std::shared_ptr<const std::string> body_file;
  bool keep_body = true;  // a capture needs it
  std::uint64_t body_max = body_kept_default;
  std::optional<HttpExtras> extras;  // absent: nothing of it
  Classifier classifier;
  std::vector<CompiledCapture> captures;
  std::vector<CompiledCheck> checks;
  std::vector<std::string> required_headers;  // without one of them the answer is an error
  // Of the answer, by captures, checks, retries and what is required.
  std::vector<std::string> wanted_headers;
  std::vector<std::string> wanted_headers_and_wait;  // and Retry-After, where a profile reads it
};
struct PushLag {
  std::string pointer;
  Nanos unit{0};
  SeriesId series = 0;
};
struct WsConnectStep {
  Template path;
  std::string protocol;
  std::vector<Header> headers;
  bool send_cookies = false;
  Nanos heartbeat_every{0};
  std::string heartbeat_text;
  Nanos ping_every{0}, pong_timeout{0};
  std::size_t message_max = stream_message_default;
  std::size_t keep = stream_keep_default;
  SeriesId ping_series = 0;  // meaningful with ping_every
  std::optional<PushLag> push_lag;
};
struct WsSendStep {
  Template text;
  bool binary = false;
};
using MessageMatch = std::vector<std::pair<std::string, Template>>;
struct WsAwaitStep {
  MessageMatch where;
  std::optional<Template> contains;
  std::shared_ptr<const RegexPattern> matches;  // nullptr: any text
  std::vector<MessageMatch> unless;
  std::vector<CompiledCapture> captures;
};
struct WsCloseStep {
  std::uint16_t code = 1000;
  Template reason;
};
struct SseConnectStep {
  Template path;
  std::vector<Header> headers;
  bool send_cookies = false;
  std::size_t message_max = stream_message_default;
  std::size_t keep = stream_keep_default;
  std::uint32_t reconnects_max = 0;
  Nanos retry{0};
  SeriesId first_event_series = 0, gap_series = 0;
  SeriesId reconnect_series = 0;  // meaningful with reconnects_max
  std::optional<PushLag> push_lag;
};
struct SseAwaitStep {
  std::string event;  // empty: any
  WsAwaitStep data;
};
struct SseCloseStep {
  bool lost = false;
};
struct SseReadStep {
  bool reads = true;
};
struct ConnectStep {};
struct ThinkStep {
  RandomDuration duration;
  std::optional<Expression> ms{};  // in place of `duration`
};
// What an expression of a think may come to: longer is a mistake of the profile.
inline constexpr double think_ms_max = 7.0 * 24 * 3600 * 1000;
struct SetStep {
  std::vector<std::pair<std::uint32_t, Expression>> assignments;
};
struct IfStep {
  Expression condition;
  Steps then_steps, else_steps;
};
struct LoopStep {
  std::optional<Expression> condition;
  std::uint32_t times;
  Steps steps;
};
struct ChooseStep {
  std::vector<double> cumulative;  // of weights, last = 1
  std::vector<Steps> branches;
};
struct CountStep {
  std::uint32_t counter;  // index into CompiledRun::counters
};
struct StopStep {};
struct RetryStep {
  std::uint32_t times;
  OutcomeSet on;
  RandomDuration wait;
  double backoff;
  Nanos wait_max;
  bool retry_after;
  std::uint32_t retries, exhausted;  // counters
  Steps steps;
};
struct ParallelStep {
  std::uint32_t connections;
  struct Branch {
    Steps steps;
    std::vector<std::uint32_t> sets;  // slots that it may set: what is seen of it afterwards
  };
  std::vector<Branch> branches;
};
struct RendezvousStep {
  std::uint32_t point;  // index into CompiledRun::rendezvous
};
struct FeedStep {
  std::uint32_t feeder;  // index into CompiledRun::feeders
};

struct CompiledStep {
  std::variant<HttpStep, WsConnectStep, WsSendStep, WsAwaitStep, WsCloseStep, SseConnectStep,
               SseAwaitStep, SseCloseStep, SseReadStep, ConnectStep, ThinkStep, SetStep, IfStep,
               LoopStep, ChooseStep, CountStep, StopStep, RetryStep, ParallelStep, RendezvousStep,
               FeedStep>
      action;
  SeriesId series = 0;  // meaningful for steps with a name
  Nanos timeout{0};
  std::optional<CompiledRecord> record;
  // Somebody asks what became of its sample: a retry, a branch of parallel, the set-up.
  bool guarded = false;
};

// The lists of steps within a step.
std::vector<const Steps*> nested_steps(const CompiledStep& step);

// Slots that every session has; user variables follow.
enum BuiltinSlot : std::uint32_t {
  slot_user,            // the user's id at the target (integer)
  slot_token,           // its bearer token (string)
  slot_session,         // number of the session in the run (integer)
  slot_round,           // of an instant load, from 0 (integer)
  slot_status,          // status of the last HTTP answer; 0: none (integer)
  slot_outcome,         // name of the last sample's outcome (string)
  slot_code,            // `code` member of the last problem+json answer, or "" (string)
  slot_ws_code,         // how the session's last WebSocket was closed; 0: it was not (integer)
  slot_retry_after_ms,  // how long the last HTTP answer asked to wait; 0: it did not (integer)
  builtin_slots
};

struct CompiledScenario {
  std::string name;
  std::string model;
  LoadShape load;
  Nanos start_at{0};
  std::uint32_t users_max = 0, user_from = 0, user_count = 0;
  std::vector<std::uint32_t> feed;  // feeders that give a session its row, before the variables
  std::vector<std::pair<std::uint32_t, Template>> start_variables;  // slot ← template, in order
  Steps prepare, steps;
  std::optional<RandomDuration> pacing;  // closed
  std::uint32_t pacing_missed = 0;       // counter
  // In place of the run's, for its connections.
  std::optional<ConnectionSpec> connection;
  std::optional<TlsSpec> tls;
};

// A place where users wait for each other, of all scenarios and workers.
struct RendezvousPoint {
  std::string name;
  std::uint32_t users = 0;
};

// Set-up or tear-down: run once, by one user, with books of its own.
struct CompiledPhase {
  Steps steps;
  std::vector<SeriesInfo> series;
  std::vector<std::string> counters;
  std::vector<std::pair<std::uint32_t, Template>> start_variables;  // those of the profile
  std::vector<std::uint32_t> sets;  // slots whose values the sessions of the run shall see
};

struct CompiledRun {
  std::vector<std::string> slots;  // names: builtins, event_1 …, then the profile's own variables
  // Values that are known only when the run starts, the same for every session: (slot of event_1,
  // unset), (slot of event_2, unset), … in the order of the profile's data events. Whoever starts
  // the run fills the values in; virtual_user sets them before the start variables.
  std::vector<std::pair<std::uint32_t, Value>> run_values;
  std::vector<SeriesInfo> series;     // one per (scenario, step name)
  std::vector<std::string> counters;  // names of the `count` steps
  std::vector<CompiledScenario> scenarios;
  std::vector<RendezvousPoint> rendezvous;
  CompiledPhase setup, teardown;
  std::vector<CompiledFeeder> feeders;
  UserFunctions functions;
  bool wants_retry_after = false;  // something reads slot_retry_after_ms
  Redactor redactor;               // of the profile's secrets
};

// Every problem at once: unknown variables in templates, expressions that do not compile, a step
// name used twice in one scenario with different meaning, JSON pointers that are none, …
[[nodiscard]] Checked<CompiledRun> compile(const Profile& profile);

// The same of a profile that has problems already: those that do not come from them, and the run as
// far as it could be compiled, for further checks (it must not be run).
struct PartialRun {
  CompiledRun run;
  Diagnostics problems;
};
[[nodiscard]] PartialRun compile_in_part(const Profile& profile, const Doubts* doubts);

}  // namespace stampede
