// A profile as plain values: what a run shall do, exactly as its author wrote it, with places kept
// for later messages. Only profile_reader knows that it came from YAML.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/connection.hpp"
#include "harness/diagnostic.hpp"
#include "harness/outcome.hpp"
#include "harness/profile/check.hpp"
#include "harness/profile/threshold.hpp"
#include "harness/time.hpp"

namespace stampede {

// A template ("/api/events/${event}") or an expression (Lua), with its place in the file.
struct Source {
  std::string text;
  Place place;             // of the first character of `text`
  bool rewritten = false;  // the file spells it differently, so only the start has a place
};

// A random duration, never negative.
//   constant a · uniform [a,b] · exponential mean a · normal mean a, deviation b ·
//   lognormal median a, sigma b (b has no unit)
struct RandomDuration {
  enum class Kind : std::uint8_t { constant, uniform, exponential, normal, lognormal };
  Kind kind = Kind::constant;
  double a_seconds = 0;
  double b = 0;  // seconds, except for lognormal
};

// Which statuses mean what for one step. The defaults are the target's fixed meanings:
// 2xx and 304 ok · 409 conflict · 410 gone · 422 rule · 425 window · 429 shed · 503 shed when the
// body's `code` is OVERLOADED · everything else http_error. A step's `expect` replaces the class
// lists it names; when a step names `ok` only those are ok. A class that a step lists as empty
// becomes http_error.
struct ExpectSpec {
  std::optional<std::vector<unsigned>> ok, conflict, gone, rule, window, shed;
};

// variable ← something of the answer.
struct CaptureSpec {
  enum class From : std::uint8_t { json, header, cells, regex };
  enum class Which : std::uint8_t { nth, last, random, count };
  From from = From::json;
  std::string variable;
  std::string pointer;    // JSON pointer, or header name; regex: of the header, empty: the body
  bool optional = false;  // written `?` after the pointer: absent is not an assertion failure
  // cells: the pointer names a base64 string of packed cells, lowest bits first within each byte as
  // Redis BITFIELD lays them out (big-endian within the byte); picks `count` distinct indices whose
  // cell equals `value`, and stores them as a JSON array "[3,17]". Fewer than count found → as many
  // as there are.
  unsigned cell_bits = 2;
  unsigned cell_value = 0;
  Source cell_count;  // expression, evaluated for each answer
  // `total`: pointer to the number of cells, for when the last byte is padded; empty: all cells
  // count.
  std::string cell_total;
  Place place;
  // regex: what `group` holds (absent: the first group, or the whole match of a pattern without
  // one) in one of the matches; `count` keeps their number instead.
  Source pattern;
  std::optional<std::uint32_t> group;
  Which which = Which::nth;
  std::uint32_t nth = 1;
  // A template, for what is absent; an absent one is no assertion failure then.
  std::optional<Source> otherwise;
};

// A condition on an accepted answer; one that does not hold makes the outcome assertion_failed.
struct CheckSpec {
  Check check;
  Source text;   // whole, as written
  Source value;  // the check's value, with its place
};

// What this step tells the client ledger (history/ledger.hpp). All templates, rendered after the
// captures.
struct RecordSpec {
  std::string kind;  // enter admitted hold extend release order payment confirmed cancel leave
  std::map<std::string, Source> fields;  // event key reference seats fence expires status position
  Place place;
};

// Sent as Authorization. The secret (password or token) must not show in a log or report.
struct AuthSpec {
  enum class Kind : std::uint8_t { none, basic, bearer };
  Kind kind = Kind::none;
  Source user, secret;  // bearer: the token alone
};
struct RedirectSpec {
  std::uint32_t hops_max = 0;  // 0: 3xx is an answer like any other
  bool any_host = false;       // follow a Location of another host at the same endpoint
};
inline constexpr std::uint32_t redirects_default = 10;  // of `redirects: true`
inline constexpr std::uint32_t redirects_max = 100;
// How much of a body: bytes. That of an answer which a capture needs is kept, others are counted.
inline constexpr std::uint64_t body_kept_default = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t body_counted_default = std::uint64_t{1} << 30U;
inline constexpr std::uint64_t body_max_max = std::uint64_t{1} << 40U;
inline constexpr std::uint64_t body_file_max = std::uint64_t{16} << 20U;
// What a request asks of HTTP beyond the plain. What a step leaves out is as the profile's `http`
// says.
struct HttpOptions {
  std::optional<AuthSpec> auth;
  std::optional<RedirectSpec> redirects;
  std::optional<std::string> compression;  // the codings to accept, as in Accept-Encoding; "": none
  std::optional<std::uint64_t> body_max;   // a longer body makes the answer malformed
};
struct HttpDefaults {
  std::vector<std::pair<std::string, Source>> headers;  // of every request; a step's own win
  HttpOptions options;
  bool cookies = false;  // each session keeps the cookies that answers set, and sends them
  std::vector<std::string> require;  // headers that every answer must have
};

struct HttpSpec {
  std::string method;
  Source path;                                              // starts with '/'
  std::vector<std::pair<std::string, Source>> query, form;  // in order; names may come twice
  std::vector<std::pair<std::string, Source>> headers;
  std::optional<Source> body;
  std::shared_ptr<const std::string> body_file;  // what the file held, sent as it is
  HttpOptions options;
  ExpectSpec expect;
  std::vector<CaptureSpec> captures;
  std::vector<CheckSpec> checks;  // after the captures, in order
};

// Every message that comes is a sample: received − stamped, where the stamp is the number at a JSON
// pointer of the message, a wall clock's time since 1970 in `unit`.
struct PushLagSpec {
  std::string pointer;
  Nanos unit{std::chrono::milliseconds{1}};
  Place place;
};
inline constexpr std::uint32_t stream_message_default = 64 << 10;  // bytes
inline constexpr std::uint32_t stream_message_max = 16 << 20;
// Messages and events that nobody waited for, kept for a wait to come.
inline constexpr std::uint32_t stream_keep_max = 1000, stream_keep_default = 16;

struct WsConnectSpec {
  Source path;
  std::string protocol;
  std::vector<std::pair<std::string, Source>> headers;
  Nanos heartbeat_every{0};  // 0: none
  std::string heartbeat_text;
  Nanos ping_every{0};  // 0: none
  Nanos pong_timeout{std::chrono::seconds{10}};
  std::uint32_t message_max = stream_message_default;
  std::uint32_t keep = stream_keep_default;
  std::optional<PushLagSpec> push_lag;
};
struct WsSendSpec {
  Source text;
  bool binary = false;  // the text is base64
};
// Waits for a text message that meets all that is said: a JSON object whose members equal `where`
// (JSON pointer → template), a text that contains `contains` and in which `matches` is found.
// Nothing said: any message.
struct WsAwaitSpec {
  std::vector<std::pair<std::string, Source>> where;
  std::optional<Source> contains;  // template
  std::optional<Source> matches;   // regular expression
  // A message that matches one of these ends the wait as `gone` (e.g. {/t: ghosted}).
  std::vector<std::vector<std::pair<std::string, Source>>> unless;
  std::vector<CaptureSpec> captures;  // json only
};
struct WsCloseSpec {
  std::uint16_t code = 1000;
  Source reason;  // template
};
// Opens an event stream (server-sent events) on a connection of its own.
struct SseConnectSpec {
  Source path;
  std::vector<std::pair<std::string, Source>> headers;
  std::uint32_t message_max = stream_message_default;  // of an event, and of a line
  std::uint32_t keep = stream_keep_default;
  std::uint32_t reconnects_max = 3;      // tries in a row that bring no event
  Nanos retry{std::chrono::seconds{3}};  // until the server says otherwise
  std::optional<PushLagSpec> push_lag;
};
// Waits for an event: of that name (empty: of any), whose data is as said.
struct SseAwaitSpec {
  std::string event;
  WsAwaitSpec data;
};
struct SseCloseSpec {
  bool lost = false;  // as a network loses it: the stream connects again by itself
};
// From now on the session's event stream is read, or is not: what the server sends then waits in
// the kernel's buffers until they are full, as with a client that hangs.
struct SseReadSpec {
  bool reads = true;
};
// Opens the session's HTTP connection without a request (so that a later instant measures no
// handshake).
struct ConnectSpec {};
struct ThinkSpec {
  RandomDuration duration;
  std::optional<Source> ms;  // in place of `duration`: an expression, milliseconds
};
struct SetSpec {
  std::vector<std::pair<std::string, Source>> assignments;  // variable ← expression, in order
};
// Labels of series in the report; the innermost wins.
using Tags = std::map<std::string, std::string>;

struct StepSpec;
struct IfSpec {
  Source condition;
  std::vector<StepSpec> then_steps, else_steps;
};
// Repeats while the condition holds (absent: always), at most `times` times.
struct LoopSpec {
  std::optional<Source> condition;
  std::uint32_t times = 0;
  std::vector<StepSpec> steps;
};
struct ChooseSpec {
  struct Branch {
    double weight;
    std::vector<StepSpec> steps;
  };
  std::vector<Branch> branches;
};
// One bit for each Outcome.
using OutcomeSet = std::uint32_t;
constexpr OutcomeSet set_of(Outcome outcome) {
  return OutcomeSet{1} << static_cast<unsigned>(outcome);
}
// Its steps are run again, from the first, when one of their samples ends in an outcome of `on`.
// Every try is a sample of its own.
struct RetrySpec {
  std::uint32_t times = 1;  // most further tries
  OutcomeSet on = 0;
  RandomDuration wait;       // before the first further try
  double backoff = 1;        // each further wait is so many times as long
  Nanos wait_max{0};         // no wait is longer, a Retry-After neither
  bool retry_after = false;  // waits at least as long as the answer's Retry-After says
  std::vector<StepSpec> steps;
};
// Branches that run side by side over connections of the same user, as a page's requests do.
struct ParallelSpec {
  std::uint32_t connections = 0;  // most branches at once
  std::vector<std::vector<StepSpec>> branches;
};
// Waits until so many users are at the point of this name; the step's timeout bounds the wait.
struct RendezvousSpec {
  std::uint32_t users = 0;
};
// Counters that stampede feeds by itself; `count` steps cannot.
inline constexpr std::string_view counter_retries = "retries";
inline constexpr std::string_view counter_retries_exhausted = "retries_exhausted";
inline constexpr std::string_view counter_pacing_missed = "pacing_missed";
struct CountSpec {  // adds one to a named counter of the run (`- count: confirmed`)
  std::string counter;
};
struct StopSpec {};  // ends the session, successfully
struct FeedSpec {    // takes the next row of a feeder
  std::string feeder;
};

struct StepSpec {
  std::string name;  // series name; empty for steps that make no samples
  Place place;
  std::variant<HttpSpec, WsConnectSpec, WsSendSpec, WsAwaitSpec, WsCloseSpec, SseConnectSpec,
               SseAwaitSpec, SseCloseSpec, SseReadSpec, ConnectSpec, ThinkSpec, SetSpec, IfSpec,
               LoopSpec, ChooseSpec, CountSpec, StopSpec, RetrySpec, ParallelSpec, RendezvousSpec,
               FeedSpec>
      action;
  Nanos timeout{std::chrono::seconds{10}};
  bool transaction = false;  // counts as a transaction when its answer is definite
  // A declared wait (long poll, admission): own series, not in the totals. The reader makes it true
  // for ws_await and sse_await unless the profile says otherwise.
  bool waits = false;
  std::optional<RecordSpec> record;
  Tags tags;
};

// The lists of steps within a step, in the order in which they are written.
std::vector<const std::vector<StepSpec>*> nested_steps(const StepSpec& step);

struct Persona {
  std::string name;
  std::vector<StepSpec> steps;
  Place place;
};

// Linear from the previous target to `target` over `duration`; zero duration jumps.
struct Stage {
  Nanos duration{0};
  double target = 0;  // sessions per second (open) or users (closed)
};
enum class Arrival : std::uint8_t { regular, poisson };
// Sessions start at a rate, whatever the target does. `partly-open` is the same with several steps
// a session.
struct OpenLoad {
  double start_rate = 0;
  std::vector<Stage> stages;
  Arrival arrival = Arrival::poisson;
  // With users_max alive an arrival is dropped (not sent), or it waits for a user, its lateness
  // charged to the response time.
  bool waits_when_full = false;
};
// So many users loop over the persona.
struct ClosedLoad {
  double start_users = 0;
  std::vector<Stage> stages;
  std::uint64_t sessions_max = 0;  // the load ends once so many have begun; 0: with its stages
};
// `users` sessions per round begin their steps after `prepare` at one instant (plus a reaction
// each); the next round starts `every` later. Every user is prepared (runs `prepare` steps) before
// the instant.
struct InstantLoad {
  std::uint32_t users = 0;
  std::uint32_t rounds = 1;
  Nanos every{std::chrono::seconds{1}};
  RandomDuration reaction;
};
using LoadShape = std::variant<OpenLoad, ClosedLoad, InstantLoad>;

struct ScenarioSpec {
  std::string name;
  std::string model;  // open · partly-open · closed · instant: as written, for the report
  std::string persona;
  LoadShape load;
  // From the start of the run. What `start_after` says is in it already: the end of the other's
  // load.
  Nanos start_at{0};
  std::string start_after;  // a scenario, or ""
  // Closed: a user's sessions start at least so far apart.
  std::optional<RandomDuration> pacing;
  std::uint32_t users_max =
      0;  // most sessions alive at once; more are counted not_sent. 0: no limit of its own
  std::uint32_t user_from = 0;   // index of the first user of this scenario in the run's users
  std::uint32_t user_count = 0;  // how many users it cycles through; 0: all
  std::vector<std::pair<std::string, Source>> variables;  // start values (templates), per session
  std::vector<StepSpec> prepare;                          // instant only
  Place place;
  std::vector<std::pair<std::string, Place>> feed;  // feeders that give every session a row
  Tags tags;
  // Where the scenario says otherwise than the profile: the profile's, with its own keys over them.
  std::optional<ConnectionSpec> connection;
  std::optional<TlsSpec> tls;
};

// Rows of a data file, for sessions.
struct FeederSpec {
  enum class Mode : std::uint8_t {
    queue,     // in the file's order, each once, then there is no more
    circular,  // in the file's order, again and again
    random,    // any row
    unique,    // in an order drawn from the seed, each once, then there is no more
  };
  enum class Format : std::uint8_t { csv, json_lines };
  std::string name;
  std::string file;  // relative to the profile
  Mode mode = Mode::queue;
  Format format = Format::csv;
  char delimiter = ',';
  // True: no row is used by two workers (random: drawn from the worker's own). False: each worker
  // goes through all of them.
  bool by_worker = true;
  Place place;  // of its name
  // random: 0: every row as often as any other; else how popular the rows are, those at the top of
  // the file most (Zipf's exponent).
  double zipf = 0;
};

// A text that may be used and must not be told.
struct SecretSpec {
  std::string name;
  std::string environment, file;  // where it comes from: one of them
  Place place;
  std::string value;  // set by resolve_secrets (secrets.hpp)
};

struct EventSpec {
  std::uint32_t rows = 10, columns = 10;
  std::uint32_t price = 50000;
  Nanos hold_ttl{std::chrono::seconds{600}};
  std::uint32_t max_per_user = 4;
  Nanos opens_after{0};  // the sale, from the start of the load; 0: it is open before
  bool queue_on = false, queue_random = false;  // random: who comes before the opening is shuffled
  bool queue_requeue = false;                   // who has lost five holds goes back to the tail
  std::uint32_t queue_cap = 1000;
  double queue_rate = 50, queue_burst = 50;
  Nanos queue_lease{std::chrono::seconds{30}}, queue_heartbeat{std::chrono::seconds{15}};
};
// An auction of boxoffice; its times count from the start of the load.
struct AuctionSpec {
  std::uint32_t slots = 10, start_price = 10000, step = 1000, bids = 3;
  std::string rule = "own-raise";      // own-raise · beat-cutoff · beat-top
  std::string pricing = "pay-as-bid";  // pay-as-bid · uniform
  Nanos opens_after{0}, duration{std::chrono::seconds{60}};
  Nanos offer_ttl{std::chrono::seconds{600}};
};
// A practice room of boxoffice: opens at the start of every period of the clock.
struct RoomSpec {
  std::uint32_t rows = 10, columns = 10, bots = 0;
  Nanos period{std::chrono::seconds{60}}, open{std::chrono::seconds{15}};
  Nanos reaction{std::chrono::milliseconds{600}};  // median of the bots'
  Nanos lead{0};  // of the first room: the load starts so long before an opening
};
struct PaymentSpec {
  std::string mode = "sync";        // sync · webhook
  std::string provider = "inline";  // inline · process: one of its own, whose books are audited
  double approve = 0.8;
  RandomDuration delay{RandomDuration::Kind::uniform, 0.5, 1.5};
  double webhook_duplicate = 0, webhook_reorder = 0, webhook_lost = 0;
  double webhook_late = 0;    // the first try comes after the order's deadline
  double webhook_forged = 0;  // somebody else sends one with a wrong signature, too
  double timeout = 0;         // of payments that are decided without anybody being told
  double refund_fail = 0;     // of refunds whose first tries are refused
};
struct TargetSpec {
  std::vector<std::string> defects;
  std::uint32_t threads = 0;  // 0: the target's own choice
  PaymentSpec payment;
  std::map<std::string, std::string> options;  // passed as --name=value
};
struct DataSpec {
  std::uint32_t users = 0;
  std::uint32_t admins = 0;  // the last of the users: their tokens are those of operators
  std::vector<EventSpec> events;
  std::vector<AuctionSpec> auctions;
  std::vector<RoomSpec> rooms;
};

// A figure of the target that is read once a second beside the load, for gates.
struct GaugeSpec {
  enum class Kind : std::uint8_t {
    metric,   // of the target's /metrics: the sum of the series that match
    process,  // of the processes of a role, which stampede started: their sum
    redis,    // a number of Redis' INFO
  };
  std::string name;
  Kind kind = Kind::metric;
  std::string source;  // metric, role or field
  std::string figure;  // of a process: rss descriptors threads
  std::vector<std::pair<std::string, std::string>>
      labels;  // of a metric, that its series must have
};

struct Gate {
  Threshold threshold;
  std::string text;  // as written
  Place place;
};

// Limits of the self-checks; a profile may tighten or loosen them, and the report prints what held.
// Absent: what docs/MEASUREMENT.md §6 says.
struct ValiditySpec {
  double rate_achieved_min = 0.99;
  std::optional<double> not_sent_max;
  std::optional<Nanos> loop_lag_p99_max, start_lag_p99_max;
  std::optional<double> cpu_max, steal_max, run_queue_max, tainted_max;
  std::optional<Nanos> slo;           // what "% of SLO" means; absent: the tightest latency gate
  bool calibration = true;            // L10: run against a null target first
  bool probe = true;                  // L11: a stream of probes beside the load
  std::vector<std::string> lift;      // "L7": its row does not make the run INVALID
  std::uint64_t samples_min = 10000;  // for every gate on p95 or higher
};
// What `lift` may name. The others are books, or identities: they hold or the figures are wrong.
inline constexpr std::array<std::string_view, 15> liftable_checks{
    "L1", "L3",  "L4",  "L4b", "L5",  "L6",  "L7", "L8",
    "L9", "L10", "L11", "L13", "L14", "L16", "L18"};

struct Profile {
  std::string name;
  std::string question;  // what the profile answers
  std::string pass_means;
  std::uint64_t seed = 1;
  std::string ids;  // whose ids ${uuid} makes; "": those of this run alone
  std::string topology = "single";
  std::uint32_t workers = 1;
  Nanos warm_up{0}, drain{std::chrono::seconds{10}};
  TargetSpec target;
  DataSpec data;
  HttpDefaults http;
  std::vector<std::pair<std::string, Source>>
      variables;  // of every session (templates over user, token …)
  std::vector<ScenarioSpec> scenarios;
  std::map<std::string, Persona> personas;
  // Run once by one user before and after the load, outside of what is measured.
  std::vector<StepSpec> setup, teardown;
  std::vector<GaugeSpec> gauges;
  std::vector<Gate> gates;
  bool booking_invariants = false;  // `invariants: booking`: A1–A9, R1–R7, L1–L5, L7, L8
  ValiditySpec validity;
  ConnectionSpec connection;
  TlsSpec tls;  // where the target is https
  std::vector<FeederSpec> feeders;
  std::vector<SecretSpec> secrets;
  Source functions;            // Lua source; `functions_file` instead: where it stands
  std::string functions_file;  // relative to the profile
  Tags tags;
  std::string file;  // as given
  std::string text;  // whole, as run (after --set)
};

// What a step measures beside its own samples, each a series of its own, named STEP_WHAT. All but
// a reconnect are declared waits.
enum class Derived : std::uint8_t { ping, first_event, gap, reconnect, push_lag };
struct DerivedSeries {
  Derived what{};
  std::string name;  // "feed_first_event"
};
std::vector<DerivedSeries> derived_series(const StepSpec& step);

// RFC 6901: empty, or parts that each follow a slash, with ~ only in ~0 and ~1.
bool is_json_pointer(std::string_view text);

// When a load's last session starts at the latest, from the start of its scenario: the sum of its
// stages; for an instant load, rounds × every.
Nanos load_length(const LoadShape& load);
// From the start of the run to the end of the last scenario's load: warm-up included, drain not.
Nanos run_length(const Profile& profile);

}  // namespace stampede
