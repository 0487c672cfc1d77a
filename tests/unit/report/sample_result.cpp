#include "tests/unit/report/sample_result.hpp"

#include <cmath>

#include "harness/judge/diagnosis.hpp"
#include "harness/judge/gates.hpp"
#include "harness/judge/latency_batches.hpp"
#include "harness/judge/validity.hpp"
#include "harness/judge/verdict.hpp"
#include "harness/report/digest.hpp"

namespace stampede {

namespace {

constexpr std::uint64_t seconds_measured = 60;

struct StepFacts {
  const char* step;
  bool transaction, waits;
  std::uint64_t ok, conflict;
  double median_ms;
};
constexpr std::array<StepFacts, 10> steps{{{"queue_socket", false, false, 12'480, 0, 4},
                                           {"enter", true, false, 12'460, 0, 9},
                                           {"admission", false, true, 9'120, 0, 1'900},
                                           {"seat_map", false, false, 13'300, 0, 6},
                                           {"hold", true, false, 12'420, 840, 14},
                                           {"order", true, false, 8'690, 0, 21},
                                           {"authorise", true, false, 8'680, 0, 17},
                                           {"order_result", false, true, 8'600, 0, 1'150},
                                           {"release", true, false, 3'700, 0, 8},
                                           {"leave", true, false, 12'300, 0, 7}}};

// A log-normal distribution without chance: its quantiles at evenly spaced probabilities.
void add(SeriesSnapshot& series, Outcome outcome, std::uint64_t count, double median_ms) {
  if (count == 0) return;
  constexpr int pieces = 400;
  const auto index = static_cast<std::size_t>(outcome);
  series.outcomes[index] += count;
  for (int i = 0; i < pieces; ++i) {
    const double p = (i + 0.5) / pieces;
    const double logit = std::log(p / (1 - p)) / 1.702;  // near the normal quantile
    const double spread = is_censored(outcome) ? 1 : std::exp(0.75 * logit);
    const Nanos service = from_seconds(median_ms / 1e3 * spread);
    const Nanos lag = from_seconds(30e-6 * std::exp(0.6 * logit));
    const auto piece = static_cast<std::uint64_t>(i);
    const std::uint64_t share = (piece + 1) * count / pieces - piece * count / pieces;
    series.response[index].record(service + lag, share);
    if (is_answered(outcome)) series.service.record(service, share);
    if (is_censored(outcome)) series.service_censored.record(service, share);
    series.lag.record(lag, share);
  }
}

MeasuredRun sample_run() {
  MeasuredRun run;
  for (const StepFacts& facts : steps) {
    run.series.push_back({"buyers", facts.step, facts.transaction, facts.waits});
    SeriesSnapshot& series = run.measured.series.emplace_back();
    add(series, Outcome::ok, facts.ok, facts.median_ms);
    add(series, Outcome::conflict, facts.conflict, facts.median_ms / 2);
  }
  run.counters = {"confirmed"};
  run.measured.counters = {6'870};
  run.measured_seconds = static_cast<double>(seconds_measured);
  run.measured.sessions = {12'480, 12'310, 0, 170, 0};
  run.measured.loop_lag.record(std::chrono::microseconds{180}, 60'000);
  run.measured.bytes_in = 1'234'567'890;
  run.measured.bytes_out = 98'765'432;
  run.measured.connections = 24'960;
  run.measured.ws_frames_in = 121'000;
  run.measured.ws_frames_out = 120'400;
  return run;
}

void close_request_book(MeasuredRun& run) {
  for (const SeriesSnapshot& series : run.measured.series) {
    run.measured.requests_begun += series.count();
  }
}

// 65 s of warm-up, 60 s measured, 10 s of drain.
void add_seconds(MeasuredRun& run, RunResult& result, double slow) {
  for (std::uint32_t at = 0; at < 135; ++at) {
    const double level = at < 60 ? at / 60.0 : at < 125 ? 1 : (135 - at) / 10.0;
    const double wave = 1 + 0.02 * std::sin(at * 0.7);
    SecondResult second;
    second.second = at;
    second.warm_up = at < 65;
    second.drain = at >= 125;
    second.users_alive = static_cast<std::uint64_t>(10'050 * level);
    second.transactions = static_cast<std::uint64_t>(1'002 * level * wave);
    second.requests = static_cast<std::uint64_t>(1'375 * level * wave);
    second.in_flight = second.requests / 40;
    second.response_ns_p50 = static_cast<std::int64_t>(9e6 * wave);
    second.response_ns_p95 = static_cast<std::int64_t>(48e6 * (at > 90 && at < 95 ? slow : wave));
    if (at != 134) second.response_ns_p99 = 2 * *second.response_ns_p95;
    second.lag_ns_p99 = 140'000;
    second.worker_cpu = 0.4 * level;
    second.counters["confirmed"] = static_cast<std::uint64_t>(115 * level * wave);
    if (!second.warm_up && !second.drain) run.seconds.push_back(measured_second(second));
    result.seconds.push_back(second);
  }
}

Finding invariant(std::string rule, std::string title, Verdict verdict, std::string measured,
                  std::vector<std::string> samples = {}) {
  Finding finding;
  finding.kind = Finding::Kind::invariant;
  finding.rule = std::move(rule);
  finding.title = std::move(title);
  finding.verdict = verdict;
  finding.measured = std::move(measured);
  finding.limit = "= 0";
  finding.samples = std::move(samples);
  return finding;
}

void add_invariants(RunResult& result) {
  for (const auto& [letter, last] : {std::pair{'A', 9}, std::pair{'R', 7}, std::pair{'L', 8}}) {
    for (int number = 1; number <= last; ++number) {
      if (letter == 'L' && number == 6) continue;
      result.findings.push_back(
          invariant(letter + std::to_string(number), "a rule of the booking", Verdict::pass, "0"));
    }
  }
  for (const char* derived : {"OVERSELL", "UNDERSELL", "LOST_SALE"}) {
    result.findings.push_back(invariant(derived, "seats", Verdict::pass, "0"));
  }
}

// The same latencies in each of 20 parts, but that the target was slower in every third.
void add_batches(MeasuredRun& run, const std::vector<std::string_view>& gates) {
  std::vector<Gate> parsed;
  for (const std::string_view gate : gates)
    parsed.push_back({parse_threshold(gate).value(), {}, {}});
  LatencyBatches batches(parsed, run.series);
  for (int part = 0; part < 20; ++part) {
    Snapshot second;
    for (const StepFacts& facts : steps) {
      add(second.series.emplace_back(), Outcome::ok, facts.ok / 20,
          facts.median_ms * (part % 3 == 0 ? 1.25 : 0.9));
    }
    batches.add(second);
  }
  run.batched = batches.batched();
}

void add_gates(MeasuredRun& run, RunResult& result, const std::vector<std::string_view>& gates) {
  add_batches(run, gates);
  for (const std::string_view gate : gates) {
    result.findings.push_back(judge(parse_threshold(gate).value(), gate, run));
  }
}

void add_validity(const MeasuredRun& run, RunResult& result) {
  ValidityFacts facts;
  facts.measured = &run.measured;
  facts.arrivals_planned = 12'480;
  facts.worker_cpu_max = 0.43;
  for (Finding& finding : judge_validity(facts, {})) result.findings.push_back(std::move(finding));
}

SeriesResult::Latency times(std::uint64_t count, double p50_s, double p95_s) {
  SeriesResult::Latency out;
  out.count = count;
  out.ns = {{"p50", from_seconds(p50_s).count()}, {"p95", from_seconds(p95_s).count()}};
  return out;
}

void add_facts(RunResult& result) {
  FunnelResult& funnel = result.funnel.emplace();
  funnel.stages = {{"entered", 24'960, std::nullopt},   {"admitted", 24'310, 24'310.0 / 24'960},
                   {"held", 23'900, 23'900.0 / 24'310}, {"ordered", 16'690, 16'690.0 / 23'900},
                   {"paid", 16'680, 16'680.0 / 16'690}, {"confirmed", 13'420, 13'420.0 / 16'680}};
  funnel.holds = HoldsResult{23'940, 23'760, 120, 8, 52, times(23'760, 14.6, 27.7)};
  funnel.queue_wait = times(24'310, 1.9, 6.88);
  result.seats = SeatLedger{40'000, 19'421, 52, 0, 107, 20'420};
  result.stores = StoresResult{
      48'210,
      std::nullopt,
      96'304,
      {{"hold", {26'600, 412'000}}, {"q_enter", {24'960, 388'000}}, {"release", {7'300, 290'000}}}};
  result.machine = MachineResult{0.713, 3'200'000'000, 8'200'000'000, 8'192, 955'000'000};
  for (ProcessResult& process : result.processes) {
    process.voluntary_switches = 812'345;
    process.involuntary_switches = 20'412;
    if (process.role != "stampede") process.sockets = 20'111;
  }
}

RunResult head() {
  RunResult result;
  result.id = "20261121-073535-steady-1k";
  result.started_at = "2026-11-21T07:35:35Z";
  result.duration_seconds = 147.312;
  result.state = "complete";
  result.profile_name = "steady-1k";
  result.question =
      "Does one machine carry 10,000 users at 1,000 transactions a second without selling a seat "
      "twice?";
  result.pass_means =
      "at least 9,500 live users and 1,000 tx/s for a minute, p95 within 200 ms of the due time, "
      "under 0.5 % errors, at least 100 bookings a second, and no seat sold twice";
  result.profile_file = "profiles/steady-1k.yaml";
  result.profile_text = "name: steady-1k\n# a \"quote\", a tab\t and 한국어\n";
  result.seed = 1000;
  result.command_line = {"stampede", "run", "profiles/steady-1k.yaml"};
  result.topology = "single";
  result.environment = {{"stampede", "0.1.0"},
                        {"hostname", "runner-1"},
                        {"placement",
                         "generator, target and databases on one machine; generator "
                         "not pinned (may use all 2 CPUs)"},
                        {"kernel", "6.18.5"},
                        {"cpu", "2 × made-up <CPU> & co"}};
  result.processes = {{"stampede", 52.31, 310'000'000, 334'000'000, 0, 41'000'000},
                      {"boxoffice", 88.02, 420'000'000, 433'000'000, 8'192, 1'200'000},
                      {"redis", 9.4, 61'000'000, 64'000'000, 0, 0},
                      {"mariadb", 31.5, 510'000'000, 512'000'000, 0, 913'000'000}};
  add_facts(result);
  OperationFacts facts;
  facts.statuses = {{"200", 60'000}, {"201", 20'000}, {"409", 840}, {"503", 210}};
  facts.logs = {{"boxoffice", 2, 1, {R"({"level":"error","msg":"a \x1b[31m<b> | `x`"})"}, false}};
  facts.cpu = {{"boxoffice", 0.597}};
  facts.stores.mysql = ConnectionFacts{33, 500, 0};
  facts.stores.redis = ConnectionFacts{9, 20'000, 0};
  facts.stores.script_calls = 412'000;
  facts.stores.script_micros = 9'100'000;
  result.diagnosis = diagnose(facts);
  result.ledger_note = "61,480 client records compared with 6,870 confirmed orders";
  result.files = {"runs/20261121-073535-steady-1k/run.json",
                  "runs/20261121-073535-steady-1k/junit.xml"};
  return result;
}

void conclude(RunResult& result) {
  const Verdict verdict = worst(result.findings);
  result.verdict = name_of(verdict);
  result.exit_code = static_cast<int>(exit_code_of(verdict));
}

const std::vector<std::string_view> steady_gates{
    "p95 < 200ms",      "mean < 200ms",        "errors < 0.5%", "shed <= 1%",
    "tx_rate >= 900/s", "tx_rate p5 >= 950/s", "users >= 9500", "confirmed_rate >= 100/s"};

}  // namespace

RunResult passing_result() {
  RunResult result = head();
  MeasuredRun run = sample_run();
  close_request_book(run);
  add_seconds(run, result, 1.4);
  digest_run(run, result);
  add_gates(run, result, steady_gates);
  add_invariants(result);
  add_validity(run, result);
  conclude(result);
  return result;
}

RunResult failing_result() {
  RunResult result = head();
  MeasuredRun run = sample_run();
  add(run.measured.series[5], Outcome::timed_out, 480, 10'000);
  add(run.measured.series[5], Outcome::http_error, 70, 40);
  add(run.measured.series[4], Outcome::shed, 210, 1);
  run.measured.example[static_cast<std::size_t>(Outcome::timed_out)] =
      "POST /api/orders: no complete answer within 10 s";
  run.measured.example[static_cast<std::size_t>(Outcome::http_error)] =
      "POST /api/orders: 500 {\"code\":\"INTERNAL\",\"detail\":\"\x1b[31m<b>& | `x`\x01\"}";
  close_request_book(run);
  add_seconds(run, result, 40);
  digest_run(run, result);
  add_gates(run, result, steady_gates);
  add_gates(run, result, {"release p99 < 1s", "order p99 < 2s", "tx_rate >= 1000/s"});
  add_invariants(result);
  result.findings[12] =
      invariant("A2", "seats sold to two people", Verdict::broken_invariant, "2",
                {"event 1 seat 17: orders 7101, 7120", "event 1 seat 4301: orders 9004, 9011"});
  result.findings[20] =
      invariant("R1", "every ticket is a sold seat in Redis", Verdict::inconclusive, "not checked",
                {"the final state of Redis could not be read"});
  add_validity(run, result);
  conclude(result);
  return result;
}

RunResult invalid_result() {
  RunResult result = head();
  MeasuredRun run = sample_run();
  run.measured.loop_lag.record(std::chrono::milliseconds{31}, 4'000);
  run.measured.sessions = {12'480, 12'000, 0, 170, 310};
  close_request_book(run);
  add_seconds(run, result, 1.4);
  digest_run(run, result);
  add_gates(run, result, steady_gates);
  add_invariants(result);
  add_validity(run, result);
  conclude(result);
  return result;
}

RunResult unfinished_result() {
  RunResult result = head();
  result.state = "target_died";
  result.state_reason = "boxoffice ended with signal 11 after 12 s";
  result.verdict = "TOPOLOGY";
  result.exit_code = 69;
  result.processes.clear();
  result.diagnosis.clear();
  result.funnel.reset();
  result.seats.reset();
  result.stores.reset();
  result.machine.reset();
  result.files.clear();
  result.ledger_note.clear();
  return result;
}

}  // namespace stampede
