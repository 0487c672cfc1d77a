#include "harness/load/virtual_user.hpp"

#include <algorithm>

#include "harness/load/parallel_group.hpp"
#include "harness/protocol/request_text.hpp"
#include "harness/scenario/answer_check.hpp"
#include "harness/scenario/capture.hpp"

namespace stampede {

namespace {

// Steps in a row that wait for nothing: after so many the event loop gets its turn.
constexpr std::uint32_t hops_max = 1000;
// Of an answer that becomes an example: more than is shown, so that a secret is found before the
// cut.
constexpr std::size_t looked_at_max = 32'768;
constexpr std::uint64_t sessions_per_scenario = 1'000'000'000'000;

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "[3,17]" → 3, 17.
std::vector<std::uint32_t> to_seats(std::string_view text) {
  std::vector<std::uint32_t> seats;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint32_t seat = 0;
    const auto [after, error] = std::from_chars(at, end, seat);
    if (error == std::errc{}) seats.push_back(seat);
    at = after == at ? at + 1 : after;
  }
  return seats;
}

std::string printable(std::string_view text, std::size_t bytes_max = 120) {
  std::string out(text.substr(0, bytes_max));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return out;
}

}  // namespace

WorkerState::WorkerState(EventLoop& loop, const LoadPlan& the_plan, const Servers& servers,
                         std::uint32_t worker, TimePoint start, const HiccupTable& hiccups)
    : plan(the_plan),
      wire(loop, servers.common, the_plan.seed * 1'000'003 + worker),
      books(start + the_plan.warm_up, start + the_plan.length),
      warm_up(the_plan.run->series.size(), the_plan.run->counters.size(), &books),
      measured(the_plan.run->series.size(), the_plan.run->counters.size(), &books),
      taint(hiccups),
      ledger(the_plan.ledger_entries_max),
      expressions(the_plan.run->slots, the_plan.run->functions),
      started(start),
      measured_from(start + the_plan.warm_up) {
  std::uint64_t number = 0;
  for (const CompiledFeeder& feeder : the_plan.run->feeders) {
    feeders.emplace_back(feeder, worker, the_plan.workers, the_plan.seed * 64 + number++);
  }
  for (const std::optional<ServerAddress>& own : servers.of_scenario) {
    auto& place = own_wires.emplace_back();
    const std::uint64_t seed = the_plan.seed * 1'000'003 + worker + own_wires.size() * 1'000;
    if (own) place = std::make_unique<Wire>(loop, *own, seed);
  }
}

StepMemory& WorkerState::memory_of(const HttpStep& http, const ServerAddress& server) {
  if (http.number >= step_memories.size()) step_memories.resize(http.number + 1);
  std::unique_ptr<StepMemory>& kept = step_memories[http.number];
  // Subtle: steps that were not compiled have no numbers of their own.
  if (!kept || !kept->request.is_of(http)) kept = std::make_unique<StepMemory>(http, server);
  return *kept;
}

Wire& WorkerState::wire_of(std::uint32_t scenario_index) noexcept {
  const bool own = scenario_index < own_wires.size() && own_wires[scenario_index] != nullptr;
  return own ? *own_wires[scenario_index] : wire;
}

bool WorkerState::wants_example(Outcome outcome) noexcept {
  return is_error(outcome) && !example_kept[static_cast<std::size_t>(outcome)];
}

void WorkerState::keep_remark(Outcome outcome, std::string text) {
  std::string& kept = remarks.example[static_cast<std::size_t>(outcome)];
  if (kept.empty()) kept = plan.run->redactor.redacted(text);
}

void WorkerState::count_fault(SessionFault fault, const std::string& text) {
  FaultTally& tally = remarks.faults[static_cast<std::size_t>(fault)];
  ++tally.sessions;
  if (tally.example.empty()) tally.example = printable(plan.run->redactor.redacted(text), 400);
}

Certainty certainty_of(Outcome outcome, unsigned status) noexcept {
  switch (outcome) {
    case Outcome::ok:
      return Certainty::applied;
    case Outcome::conflict:
    case Outcome::gone:
    case Outcome::rule:
    case Outcome::window:
    case Outcome::shed:
    case Outcome::connect_failed:
      return Certainty::not_applied;
    case Outcome::http_error:
      return status >= 400 && status < 500 ? Certainty::not_applied : Certainty::unknown;
    default:
      return Certainty::unknown;
  }
}

std::string_view problem_code(std::string_view body) noexcept {
  constexpr std::string_view name = "\"code\"";
  std::size_t at = body.find(name);
  if (at == std::string_view::npos) return {};
  at = body.find_first_not_of(" :", at + name.size());
  if (at == std::string_view::npos || body[at] != '"') return {};
  const std::size_t end = body.find('"', at + 1);
  if (end == std::string_view::npos) return {};
  return body.substr(at + 1, end - at - 1);
}

VirtualUser::VirtualUser(WorkerState& worker, const CompiledScenario& scenario,
                         std::uint32_t scenario_index, HttpClient* shared)
    : worker_(worker),
      wire_(worker.wire_of(scenario_index)),
      scenario_(scenario),
      scenario_index_(scenario_index),
      variables_(worker.plan.run->slots.size()),
      own_http_(wire_),
      http_(shared == nullptr ? own_http_ : *shared),
      sleeper_(worker.wire.loop()),
      timer_(
          [](void* self) {
            auto* user = static_cast<VirtualUser*>(self);
            user->timer_fired_ = true;
            user->sleeper_.wake();
          },
          this) {
  variables_.set_id_salt(worker.plan.id_salt);
}

VirtualUser::~VirtualUser() {
  worker_.wire.timers().disarm(timer_);
  leave_streams();
}

void VirtualUser::begin(const SessionStart& start) {
  state_ = State::running;
  waited_ = false;
  attention_ = false;
  trouble_ = Outcome::ok;
  if (http_session_) http_session_->forget();
  session_ = scenario_index_ * sessions_per_scenario + start.number;
  random_ = Random(worker_.plan.seed, session_);
  user_ = session_;
  std::string_view token;
  const auto& users = worker_.plan.users;
  if (!users.empty()) {
    const std::uint64_t count = scenario_.user_count > 0 ? scenario_.user_count : users.size();
    const UserIdentity& identity =
        users[(scenario_.user_from + start.user_index % count) % users.size()];
    user_ = identity.id;
    token = identity.token;
  }
  for (std::uint32_t slot = builtin_slots; slot < variables_.size(); ++slot) variables_.unset(slot);
  variables_.set_integer(slot_user, static_cast<std::int64_t>(user_));
  variables_.set_text(slot_token, token);
  variables_.set_integer(slot_session, static_cast<std::int64_t>(session_));
  variables_.set_integer(slot_round, std::int64_t{start.round});
  variables_.set_integer(slot_status, 0);
  variables_.set_text(slot_outcome, {});
  variables_.set_text(slot_code, {});
  variables_.set_integer(slot_ws_code, 0);
  variables_.set_integer(slot_retry_after_ms, 0);
  for (const auto& [slot, value] : worker_.plan.run->run_values) variables_.set(slot, value);
  entered_ = false;
  last_named_ = nullptr;
}

// Not part of begin(): a user may be begun for a session that never runs, and must not take a row.
void VirtualUser::enter() {
  if (entered_) return;
  entered_ = true;
  for (const std::uint32_t feeder : scenario_.feed) feed(feeder);
  for (const auto& [slot, text] : scenario_.start_variables) {
    variables_.set(slot, text.evaluate(variables_, random_));
  }
}

void VirtualUser::feed(std::uint32_t feeder) {
  FeederCursor& cursor = worker_.feeders[feeder];
  auto row = cursor.next(random_);
  if (!row) return fail(SessionFault::data_exhausted, cursor.exhausted());
  if (worker_.plan.mutation.skew_rows) *row /= 2;
  const CompiledFeeder& compiled = worker_.plan.run->feeders[feeder];
  if (compiled.mode == FeederSpec::Mode::random) worker_.draws.row(compiled, *row);
  for (const auto& [slot, column] : compiled.columns) {
    variables_.set(slot, compiled.rows->value(*row, column));
  }
}

SessionEnd VirtualUser::finish(bool keep_http) {
  leave_streams();
  if (!keep_http || state_ != State::stopped) {
    http_.close();
    if (group_) group_->close_connections();
  }
  if (!keep_http) http_.forget_user();
  if (state_ == State::cancelled) return SessionEnd::unfinished;
  return state_ == State::failed ? SessionEnd::failed : SessionEnd::completed;
}

void VirtualUser::cancel() {
  state_ = State::cancelled;
  http_.abort();
  if (group_) group_->cancel();
  cut_streams();
  sleeper_.wake();
}

void VirtualUser::fail(Outcome kind, std::string text) {
  if (!running()) return;
  state_ = State::failed;
  worker_.keep_remark(kind, std::move(text));
}

void VirtualUser::fail(SessionFault fault, const std::string& text) {
  if (!running()) return;
  state_ = State::failed;
  const std::string after =
      last_named_ == nullptr ? ""
                             : " after step " + worker_.plan.run->series[last_named_->series].step;
  worker_.count_fault(fault, fmt::format("{} (user {}, session {} of {}{})", text, user_, session_,
                                         scenario_.name, after));
}

void VirtualUser::fail_script(const Expression& expression, const std::string& error) {
  const std::string where =
      expression.line() > 0 ? fmt::format("line {}: ", expression.line()) : std::string();
  fail(SessionFault::script_error, fmt::format("{}`{}`: {}", where, expression.text(), error));
}

Task<void> VirtualUser::sleep_until(TimePoint due) {
  // Subtle: awaiting a time that has passed would cost more than the whole rest of a step.
  if (due <= now() || cancelled()) co_return;
  timer_fired_ = false;
  worker_.wire.timers().arm(timer_, due);
  waited_ = true;
  while (!timer_fired_ && !cancelled()) co_await sleeper_.sleep();
  worker_.wire.timers().disarm(timer_);
}

Task<void> VirtualUser::run(const Steps& steps, TimePoint intended) {
  due_ = intended;
  if (running()) enter();
  stack_.clear();
  stack_.push_back({&steps, nullptr, 0, 0});
  std::uint32_t hops = 0;
  while (running() && !stack_.empty()) {
    if (attention_) {
      if (attend()) co_await sleep_until(due_);
      continue;
    }
    Cursor& top = stack_.back();
    if (top.next == top.steps->size()) {
      if (!repeat(top)) stack_.pop_back();
      if (++hops % hops_max == 0) co_await worker_.wire.loop().turn();
      continue;
    }
    const CompiledStep& step = (*top.steps)[top.next++];
    if (const auto* http = std::get_if<HttpStep>(&step.action)) {
      co_await perform_http(step, *http);
    } else if (const auto* think = std::get_if<ThinkStep>(&step.action)) {
      due_ += think_time(*think);
      co_await sleep_until(due_);
    } else if (const auto* await = std::get_if<WsAwaitStep>(&step.action)) {
      co_await perform_await(step, *await, nullptr);
    } else if (const auto* event = std::get_if<SseAwaitStep>(&step.action)) {
      co_await perform_await(step, event->data, event);
    } else if (const auto* stream = std::get_if<SseConnectStep>(&step.action)) {
      co_await perform_sse_connect(step, *stream);
    } else if (const auto* connect = std::get_if<WsConnectStep>(&step.action)) {
      co_await perform_ws_connect(step, *connect);
    } else if (std::holds_alternative<ConnectStep>(step.action)) {
      co_await perform_connect(step);
    } else if (std::holds_alternative<ParallelStep>(step.action) ||
               std::holds_alternative<RendezvousStep>(step.action)) {
      co_await perform_together(step);
    } else {
      follow(step);
    }
  }
  if (running() && &steps == &scenario_.steps) state_ = State::stopped;
}

// Steps that take no time.
void VirtualUser::follow(const CompiledStep& step) {
  if (const auto* set = std::get_if<SetStep>(&step.action)) {
    assign(*set);
  } else if (const auto* branch = std::get_if<IfStep>(&step.action)) {
    const Steps& chosen = holds(branch->condition) ? branch->then_steps : branch->else_steps;
    stack_.push_back({&chosen, nullptr, 0, 0});
  } else if (const auto* loop = std::get_if<LoopStep>(&step.action)) {
    stack_.push_back({&loop->steps, loop, loop->steps.size(), 0});  // at its end: asks first
  } else if (const auto* choice = std::get_if<ChooseStep>(&step.action)) {
    choose(*choice);
  } else if (const auto* count = std::get_if<CountStep>(&step.action)) {
    worker_.recorder_at(now()).count(count->counter);
  } else if (const auto* message = std::get_if<WsSendStep>(&step.action)) {
    send_message(*message);
  } else if (const auto* close = std::get_if<WsCloseStep>(&step.action)) {
    close_websocket(*close);
  } else if (const auto* ending = std::get_if<SseCloseStep>(&step.action)) {
    close_events(*ending);
  } else if (const auto* reading = std::get_if<SseReadStep>(&step.action)) {
    read_events(*reading);
  } else if (const auto* retry = std::get_if<RetryStep>(&step.action)) {
    stack_.push_back({&retry->steps, nullptr, 0, 0, retry});
  } else if (const auto* feeding = std::get_if<FeedStep>(&step.action)) {
    feed(feeding->feeder);
  } else if (std::holds_alternative<StopStep>(step.action)) {
    state_ = State::stopped;
  }
}

bool VirtualUser::repeat(Cursor& cursor) {
  if (cursor.loop == nullptr) return false;
  if (cursor.loop->times > 0 && cursor.passes == cursor.loop->times) return false;
  if (cursor.loop->condition && !holds(*cursor.loop->condition)) return false;
  ++cursor.passes;
  cursor.next = 0;
  return running();
}

bool VirtualUser::holds(const Expression& condition) {
  const auto value = worker_.expressions.evaluate(condition, variables_, random_);
  if (value) return ExpressionEngine::truthy(*value);
  fail_script(condition, value.error());
  return false;
}

void VirtualUser::assign(const SetStep& step) {
  for (const auto& [slot, expression] : step.assignments) {
    auto value = worker_.expressions.evaluate(expression, variables_, random_);
    if (!value) {
      fail_script(expression, value.error());
      return;
    }
    variables_.set(slot, std::move(*value));
  }
}

void VirtualUser::choose(const ChooseStep& step) {
  if (step.branches.empty()) return;
  double drawn = random_.uniform();
  if (worker_.plan.mutation.skew_choices) drawn *= drawn;
  std::size_t branch = 0;
  while (branch + 1 < step.branches.size() && drawn >= step.cumulative[branch]) ++branch;
  worker_.draws.branch(step, branch);
  stack_.push_back({&step.branches[branch], nullptr, 0, 0});
}

// Request line and headers, without the empty line. False: a value has no place there, and nothing
// may be sent.
bool VirtualUser::write_head(std::string_view method, const Template& path,
                             const std::vector<Header>& headers, Exchange& exchange) {
  std::string& out = exchange.request;
  begin_request_line(out, method, wire_.server());
  std::size_t begin = out.size();
  path.render(variables_, random_, out);
  auto found = forbidden_in_path(std::string_view(out).substr(begin));
  if (!found.empty()) {
    exchange.problem = fmt::format("not sent: {} in the path", found);
    return false;
  }
  end_request_line(out, wire_.server());
  for (const auto& [name, value] : headers) {
    out.append(name).append(": ");
    begin = out.size();
    value.render(variables_, random_, out);
    found = forbidden_in_value(std::string_view(out).substr(begin));
    if (!found.empty()) {
      exchange.problem = fmt::format("not sent: {} in the value of the header {}", found, name);
      return false;
    }
    out.append("\r\n");
  }
  return true;
}

bool VirtualUser::write_request(const HttpStep& http, Exchange& exchange) {
  StepMemory& memory = worker_.memory_of(http, wire_.server());
  const bool sends_cookies = http.extras && http.extras->send_cookies;
  exchange.memory = &memory.answers;
  const bool written = memory.request.write(variables_, random_,
                                            sends_cookies ? &http_session() : nullptr, exchange);
  if (worker_.plan.run->wants_retry_after) exchange.wanted_headers = http.wanted_headers_and_wait;
  return written;
}

HttpSession& VirtualUser::http_session() {
  if (!http_session_) http_session_ = std::make_shared<HttpSession>(wire_);
  return *http_session_;
}

void VirtualUser::settle_unsent(const CompiledStep& step, Exchange& exchange) {
  Recorder& recorder = worker_.recorder_at(due_);
  recorder.begin_request(due_);
  exchange.outcome = Outcome::assertion_failed;
  exchange.sent = exchange.done = now();
  settle(step, exchange, recorder);
}

Task<void> VirtualUser::perform_extended(const HttpExtras& extras, Exchange& exchange,
                                         TimePoint deadline) {
  const HttpWishes wishes{{extras.redirects_max, extras.redirects_any_host},
                          extras.cookies,
                          extras.send_cookies,
                          extras.decode};
  co_await http_session().perform(http_, exchange, wishes, deadline);
  // A redirect that was not followed is judged already.
  if (exchange.outcome == Outcome::http_error) {
    remember_answer(exchange.status, {}, Outcome::http_error);
  }
}

Task<void> VirtualUser::perform_http(const CompiledStep& step, const HttpStep& http) {
  const Wire::BorrowedExchange exchange = wire_.borrow();
  if (!write_request(http, *exchange)) {
    settle_unsent(step, *exchange);
    co_return;
  }
  last_named_ = &step;
  Recorder& recorder = worker_.recorder_at(due_);
  recorder.begin_request(due_);
  waited_ = true;
  exchange->sent = now();
  if (http.extras) {
    co_await perform_extended(*http.extras, *exchange, exchange->sent + step.timeout);
  } else {
    co_await http_.perform(*exchange, exchange->sent + step.timeout);
  }
  if (worker_.plan.run->wants_retry_after) note_wait_asked_for(*exchange);
  if (exchange->outcome == Outcome::ok) exchange->outcome = judge_answer(http, *exchange);
  settle(step, *exchange, recorder);
}

// What a complete answer means. One that lacks a header which the profile requires is an error,
// whatever else it says: it has been looked into all the same, so that the session goes on.
Outcome VirtualUser::judge_answer(const HttpStep& http, Exchange& exchange) {
  const Outcome outcome = look_into_answer(http, exchange);
  if (is_error(outcome)) return outcome;
  for (const std::string& required : http.required_headers) {
    const bool came = std::any_of(
        exchange.headers.begin(), exchange.headers.end(),
        [&required](const auto& header) { return same_header(header.first, required); });
    if (came) continue;
    exchange.problem = fmt::format("the answer has no header {}", required);
    return Outcome::assertion_failed;
  }
  return outcome;
}

// Classifies a complete answer and takes the captures out of an accepted one.
Outcome VirtualUser::look_into_answer(const HttpStep& http, Exchange& exchange) {
  const Outcome outcome = http.classifier.classify(exchange.status, exchange.body);
  remember_answer(exchange.status, exchange.body, outcome);
  const bool looked_into = !http.captures.empty() || !http.checks.empty();
  if (outcome != Outcome::ok || !looked_into) return outcome;
  const HeaderLookup headers =
      [&exchange](std::string_view name) -> std::optional<std::string_view> {
    for (const auto& [known, value] : exchange.headers) {
      if (same_header(known, name)) return value;
    }
    return std::nullopt;
  };
  JsonDocument document(exchange.body);
  if (auto problem = apply_captures(http.captures, document, headers, variables_,
                                    worker_.expressions, random_)) {
    exchange.problem = std::move(*problem);
    return Outcome::assertion_failed;
  }
  auto failed =
      find_failed_check(http.checks, document, headers, variables_, worker_.expressions, random_);
  if (!failed) return outcome;
  exchange.problem = std::move(failed->problem);
  if (failed->script_error) fail(SessionFault::script_error, exchange.problem);
  return Outcome::assertion_failed;
}

void VirtualUser::remember_answer(unsigned status, std::string_view body, Outcome outcome) {
  variables_.set_integer(slot_status, static_cast<std::int64_t>(status));
  variables_.set_text(slot_outcome, name_of(outcome));
  variables_.set_text(slot_code, status >= 400 ? problem_code(body) : std::string_view{});
}

// What every request over a connection of its own ends with: slots, sample, ledger, what is due
// next.
void VirtualUser::settle(const CompiledStep& step, Exchange& exchange, Recorder& recorder) {
  const Outcome outcome = exchange.outcome;
  const bool answered = exchange.status != 0 && outcome < Outcome::timed_out;
  const unsigned status = answered ? exchange.status : 0;
  if (!answered) remember_answer(0, {}, outcome);
  if (outcome == Outcome::assertion_failed) {
    variables_.set_text(slot_outcome, name_of(outcome));
  }
  const Sample sample{due_,          exchange.sent, exchange.first_byte,
                      exchange.done, outcome,       static_cast<std::uint16_t>(status)};
  record_sample(step, recorder, sample, status,
                exchange.problem.empty() ? std::string_view(exchange.body) : exchange.problem);
  if (exchange.failure != Failure::none) recorder.failure(exchange.failure, exchange.problem);
  const bool unsent = outcome == Outcome::assertion_failed && exchange.status == 0;
  const Certainty certainty = unsent ? Certainty::not_applied : certainty_of(outcome, status);
  if (step.record) record_ledger(*step.record, sample, status, certainty);
  due_ = outcome == Outcome::timed_out ? now() : exchange.done;
  if (step.guarded) note_retry_after(exchange);
  if (outcome == Outcome::connect_failed) {
    fail_unless_retried(step, outcome, "no connection: " + exchange.problem);
  }
}

void VirtualUser::record_sample(const CompiledStep& step, Recorder& recorder, const Sample& sample,
                                unsigned status, std::string_view detail) {
  if (step.guarded) note_outcome(step, sample.outcome);
  const std::uint32_t lose_every = worker_.plan.mutation.lose_sample_every;
  if (lose_every > 0 && ++worker_.samples_seen % lose_every == 0) return;
  if (&recorder == &worker_.measured && !worker_.plan.run->series[step.series].waits) {
    worker_.taint.add(sample.intended, sample.done);
  }
  if (!worker_.wants_example(sample.outcome)) {
    recorder.record(step.series, sample);
    return;
  }
  if (&recorder == &worker_.measured) {
    worker_.example_kept[static_cast<std::size_t>(sample.outcome)] = true;
  }
  const std::string text =
      fmt::format("{}: {}{}", worker_.plan.run->series[step.series].step,
                  status == 0 ? "" : fmt::format("status {}: ", status),
                  printable(worker_.plan.run->redactor.redacted(detail.substr(0, looked_at_max))));
  recorder.record(step.series, sample, text);
}

void VirtualUser::record_ledger(const CompiledRecord& record, const Sample& sample, unsigned status,
                                Certainty certainty) {
  const auto kind = ledger_kind(record.kind);
  if (!kind) return;
  const auto text = [this](const std::optional<Template>& field) {
    std::string out;
    if (field) field->render(variables_, random_, out);
    return out;
  };
  LedgerEntry entry;
  entry.kind = *kind;
  entry.outcome = sample.outcome;
  entry.certainty = certainty;
  entry.status = static_cast<std::uint16_t>(status);
  entry.user = user_;
  entry.session = session_;
  entry.event = to_number(text(record.event));
  entry.key = text(record.key);
  entry.reference = text(record.reference);
  entry.state = text(record.status);
  entry.seats = to_seats(text(record.seats));
  entry.fence = to_number(text(record.fence));
  entry.expires_ms = static_cast<std::int64_t>(to_number(text(record.expires)));
  entry.position = static_cast<std::int64_t>(to_number(text(record.position)));
  entry.invoked = sample.sent;
  entry.completed = sample.done;
  worker_.ledger.append(std::move(entry));
}

Task<void> VirtualUser::perform_connect(const CompiledStep& step) {
  if (http_.usable()) co_return;
  const Wire::BorrowedExchange exchange = wire_.borrow();
  Recorder& recorder = worker_.recorder_at(due_);
  recorder.begin_request(due_);
  co_await http_.connect(*exchange, now() + step.timeout);
  settle(step, *exchange, recorder);
}

}  // namespace stampede
