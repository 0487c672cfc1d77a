// One user of the target: interprets a scenario's steps for one session after another. It decides
// what an answer means for the measurement and knows nothing of when sessions start.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/history/ledger.hpp"
#include "harness/load/draw_counts.hpp"
#include "harness/load/hiccups.hpp"
#include "harness/load/load.hpp"
#include "harness/load/request_sketch.hpp"
#include "harness/load/server_address.hpp"
#include "harness/measure/recorder.hpp"
#include "harness/protocol/http_client.hpp"
#include "harness/protocol/http_session.hpp"
#include "harness/protocol/sse_client.hpp"
#include "harness/protocol/websocket_client.hpp"
#include "harness/scenario/scenario.hpp"

namespace stampede {

class ParallelGroup;
class RendezvousDesk;

// What the users of one worker share. Nothing in it is shared with another thread.
struct WorkerState {
  WorkerState(EventLoop& loop, const LoadPlan& the_plan, const Servers& servers,
              std::uint32_t worker, TimePoint start, const HiccupTable& hiccups);
  // The wire of a scenario's connections. Deadlines and sleeps of everything else are the common
  // one's.
  Wire& wire_of(std::uint32_t scenario_index) noexcept;
  // Of a step of this run, whose requests go to `server`.
  StepMemory& memory_of(const HttpStep& http, const ServerAddress& server);
  template <class Visit>
  void each_wire(const Visit& visit) {
    visit(wire);
    for (const auto& own : own_wires) {
      if (own) visit(*own);
    }
  }
  // Where a request or session belongs, by its intended time.
  Recorder& recorder_at(TimePoint intended) noexcept {
    return intended < measured_from ? warm_up : measured;
  }
  // Keeps the first text of each outcome for the report.
  bool wants_example(Outcome outcome) noexcept;
  void keep_remark(Outcome outcome, std::string text);
  void count_fault(SessionFault fault, const std::string& text);

  const LoadPlan& plan;
  Wire wire;
  std::vector<std::unique_ptr<Wire>> own_wires;  // by scenario; nullptr, or none: `wire`
  ResidenceBooks books;                          // of both recorders, over the measured window
  Recorder warm_up, measured;
  TaintCounter taint;
  DrawCounts draws;
  std::uint64_t samples_seen = 0;
  Ledger ledger;
  ExpressionEngine expressions;
  TimePoint started, measured_from;
  Snapshot remarks;  // example texts of sessions that failed without a sample
  std::array<bool, outcome_count> example_kept{};
  RendezvousDesk* rendezvous = nullptr;  // nullptr: no step of the run has need of it
  std::vector<FeederCursor> feeders;     // by index of CompiledRun::feeders
  std::vector<std::unique_ptr<StepMemory>> step_memories;  // by HttpStep::number
};

enum class SessionEnd : std::uint8_t { completed, failed, unfinished };

struct SessionStart {
  std::uint64_t number = 0;      // within its scenario
  std::uint64_t user_index = 0;  // which of the scenario's users it acts as
  std::uint32_t round = 0;
};

class VirtualUser final : public WebSocketListener, public EventStreamListener {
 public:
  // `shared`: the connection to use, of somebody who lives longer; nullptr: one of its own.
  VirtualUser(WorkerState& worker, const CompiledScenario& scenario, std::uint32_t scenario_index,
              HttpClient* shared = nullptr);
  ~VirtualUser() override;

  // A new session: identity, variables, random numbers.
  void begin(const SessionStart& start);
  // Runs steps; `intended` is when the first of them is due. Without effect once the session has
  // ended.
  Task<void> run(const Steps& steps, TimePoint intended);
  // Until `due`, or until cancelled.
  Task<void> sleep_until(TimePoint due);
  // Closes what the session opened; `keep_http` leaves its HTTP connection for the next one.
  SessionEnd finish(bool keep_http);
  // The session shall end now; what is in flight is recorded as unfinished.
  void cancel();
  [[nodiscard]] bool cancelled() const noexcept { return state_ == State::cancelled; }
  [[nodiscard]] Random& random() noexcept { return random_; }
  // Since begin(), the event loop has had its turn.
  [[nodiscard]] bool waited() const noexcept { return waited_; }
  [[nodiscard]] const Variables& variables() const noexcept { return variables_; }
  // From now on a session fails with the first sample that is not ok and is not tried again.
  void be_strict() noexcept { strict_ = true; }

  std::size_t roster_place = 0;  // used by the worker alone

 private:
  friend class ParallelGroup;
  enum class State : std::uint8_t { running, stopped, failed, cancelled };
  struct Cursor {
    const Steps* steps;
    const LoopStep* loop;
    std::size_t next;
    std::uint32_t passes;
    const RetryStep* retry = nullptr;
  };
  // What a wait for a message has come to.
  struct Wait {
    const WsAwaitStep* step = nullptr;    // nullptr: none is going on
    const SseAwaitStep* event = nullptr;  // for an event, whose data is what `step` says
    std::optional<Outcome> outcome;
    TimePoint done;
    std::string problem;
  };

  // WebSockets and event streams: virtual_user_streams.cpp.
  bool on_websocket_message(std::string_view text) override;
  void on_websocket_pong(TimePoint sent, TimePoint done, Outcome outcome) override;
  void on_websocket_closed() override;
  bool on_stream_event(const ServerEvent& event) override;
  void on_stream_reconnect(TimePoint due, Exchange& exchange) override;
  void on_stream_ended() override;
  Task<void> perform_ws_connect(const CompiledStep& step, const WsConnectStep& connect);
  Task<void> perform_sse_connect(const CompiledStep& step, const SseConnectStep& connect);
  Task<void> perform_await(const CompiledStep& step, const WsAwaitStep& await,
                           const SseAwaitStep* event);
  void send_message(const WsSendStep& step);
  void close_websocket(const WsCloseStep& step);
  void close_events(const SseCloseStep& step);
  void read_events(const SseReadStep& step);
  void leave_streams();
  void cut_streams();
  void take_unread();
  bool consider(std::string_view text);
  void end_wait(Outcome outcome, std::string problem);
  void judge_stream_head(Exchange& exchange);
  void measure(SeriesId series, const Sample& sample, std::string_view detail = {});
  void measure_push(const std::optional<PushLag>& lag, std::string_view message);

  Task<void> perform_http(const CompiledStep& step, const HttpStep& http);
  Task<void> perform_connect(const CompiledStep& step);
  void follow(const CompiledStep& step);
  // In virtual_user_flow.cpp.
  void begin_branch(const VirtualUser& owner, Random random);
  void note_outcome(const CompiledStep& step, Outcome outcome) noexcept;
  void note_retry_after(const Exchange& exchange);
  void note_wait_asked_for(const Exchange& exchange);
  [[nodiscard]] Nanos think_time(const ThinkStep& step);
  // What ends the session, unless a retry around the step makes it good.
  void fail_unless_retried(const CompiledStep& step, Outcome kind, std::string text);
  // After a guarded sample: again from the top of a retry (true: once due_ has come), or on.
  bool attend();
  [[nodiscard]] Nanos retry_wait(const RetryStep& retry, std::uint32_t tries);
  Task<void> perform_together(const CompiledStep& step);
  Task<void> perform_parallel(const CompiledStep& step, const ParallelStep& parallel);
  Task<void> perform_rendezvous(const CompiledStep& step, const RendezvousStep& rendezvous);
  bool repeat(Cursor& cursor);
  void assign(const SetStep& step);
  void choose(const ChooseStep& step);
  bool write_head(std::string_view method, const Template& path, const std::vector<Header>& headers,
                  Exchange& exchange);
  bool write_request(const HttpStep& http, Exchange& exchange);
  HttpSession& http_session();
  Task<void> perform_extended(const HttpExtras& extras, Exchange& exchange, TimePoint deadline);
  Outcome judge_answer(const HttpStep& http, Exchange& exchange);
  Outcome look_into_answer(const HttpStep& http, Exchange& exchange);
  void settle(const CompiledStep& step, Exchange& exchange, Recorder& recorder);
  // A request that could not be written ends without being sent.
  void settle_unsent(const CompiledStep& step, Exchange& exchange);
  void record_sample(const CompiledStep& step, Recorder& recorder, const Sample& sample,
                     unsigned status, std::string_view detail);
  void record_ledger(const CompiledRecord& record, const Sample& sample, unsigned status,
                     Certainty certainty);
  void remember_answer(unsigned status, std::string_view body, Outcome outcome);
  bool holds(const Expression& condition);
  void fail(Outcome kind, std::string text);
  // The session ends for a fault of the profile.
  void fail(SessionFault fault, const std::string& text);
  void fail_script(const Expression& expression, const std::string& error);
  void enter();  // what a session begins with: its rows of the feeders, its start variables
  void feed(std::uint32_t feeder);
  [[nodiscard]] bool running() const noexcept { return state_ == State::running; }

  WorkerState& worker_;
  Wire& wire_;
  const CompiledScenario& scenario_;
  std::uint32_t scenario_index_;
  State state_ = State::stopped;
  bool timer_fired_ = false, waited_ = false, entered_ = false;
  // Of guarded samples: something has ended that attend() has not looked at; how it ended, and
  // whether that ends the session; and the first end that was not ok, for good.
  bool attention_ = false, fatal_ = false, strict_ = false;
  Outcome last_outcome_ = Outcome::ok, trouble_ = Outcome::ok;
  SeriesId last_series_ = 0;
  Variables variables_;
  Random random_;
  HttpClient own_http_;
  HttpClient& http_;
  // For steps with redirects, cookies or compression; branches of `parallel` share it.
  std::shared_ptr<HttpSession> http_session_;
  std::shared_ptr<WebSocketClient> websocket_;
  std::shared_ptr<SseClient> events_;
  const WsConnectStep* ws_step_ = nullptr;    // that opened websocket_
  const SseConnectStep* sse_step_ = nullptr;  // that opened events_
  TimePoint quiet_since_;                     // the last event, or when the stream was due
  bool had_event_ = false;
  Sleeper sleeper_;
  Timer timer_;
  Wait wait_;
  TimePoint due_;  // intended time of the next sample
  std::vector<Cursor> stack_;
  std::uint64_t user_ = 0, session_ = 0;
  Nanos retry_after_{0};
  std::unique_ptr<ParallelGroup> group_;      // of users that have come to a `parallel`
  const CompiledStep* last_named_ = nullptr;  // for people: where in its steps the session is
};

// Did a step with this outcome take effect at the target? status 0: no answer.
Certainty certainty_of(Outcome outcome, unsigned status) noexcept;
// The `code` member of a problem+json body, or an empty view.
std::string_view problem_code(std::string_view body) noexcept;
// How long an answer asks to wait, in whole milliseconds: the `retryAfterMs` member of a refusal's
// body where there is one, else the Retry-After header's value; 0: it asks for nothing.
std::int64_t wait_asked_for_ms(unsigned status, std::string_view body,
                               std::string_view retry_after) noexcept;

}  // namespace stampede
