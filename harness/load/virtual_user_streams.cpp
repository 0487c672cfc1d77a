// What a user does over WebSockets and event streams, and what is measured of them beside the
// samples of their steps: pings, first events, gaps, tries to connect again, the lag of pushes.
// Such a sample is begun and recorded at once, when it ends; what is cut off with the session at
// the end of the drain is unfinished. It has no `sent`: when the target was asked is not its point.
#include <utility>

#include "harness/load/virtual_user.hpp"
#include "harness/scenario/capture.hpp"
#include "harness/scenario/message.hpp"

namespace stampede {

namespace {

// An older stamp is in another unit than the profile says, or no time at all.
constexpr Nanos push_lag_max{std::chrono::hours{1}};

Nanos wall_clock() {
  return std::chrono::duration_cast<Nanos>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace

void VirtualUser::measure(SeriesId series, const Sample& sample, std::string_view detail) {
  Recorder& recorder = worker_.recorder_at(sample.intended);
  recorder.begin_derived(sample);
  if (detail.empty() || !worker_.wants_example(sample.outcome)) {
    recorder.record(series, sample);
    return;
  }
  if (&recorder == &worker_.measured) {
    worker_.example_kept[static_cast<std::size_t>(sample.outcome)] = true;
  }
  recorder.record(series, sample,
                  fmt::format("{}: {}", worker_.plan.run->series[series].step, detail));
}

// The stamp and the wall clock are of one machine, or the figure means nothing; a negative one
// shows that they are not.
void VirtualUser::measure_push(const std::optional<PushLag>& lag, std::string_view message) {
  if (!lag) return;
  const TimePoint done = now();
  const Nanos received = wall_clock();
  StreamCounts& counts = wire_.traffic().streams;
  const auto stamped = stamped_time(message, lag->pointer, lag->unit);
  if (!stamped || received - *stamped > push_lag_max) {
    ++counts.push_lag_unusable;
  } else if (*stamped > received) {
    ++counts.push_lag_negative;
  } else {
    // Of the phase in which it came: the stamp may be older than the run.
    Recorder& recorder = worker_.recorder_at(done);
    const TimePoint pushed = done - (received - *stamped);
    recorder.begin_request(pushed);
    recorder.record(lag->series, {pushed, {}, {}, done, Outcome::ok});
  }
}

Task<void> VirtualUser::perform_ws_connect(const CompiledStep& step, const WsConnectStep& connect) {
  const Wire::BorrowedExchange exchange = wire_.borrow();
  if (!write_head("GET", connect.path, connect.headers, *exchange)) {
    settle_unsent(step, *exchange);
    fail(exchange->outcome, worker_.plan.run->series[step.series].step + ": " + exchange->problem);
    co_return;
  }
  if (connect.send_cookies) http_session().append_cookies(exchange->request);
  if (websocket_) websocket_->close();
  websocket_ = std::make_shared<WebSocketClient>(wire_, this, connect.message_max, connect.keep);
  ws_step_ = &connect;
  variables_.set(slot_ws_code, std::int64_t{0});
  Recorder& recorder = worker_.recorder_at(due_);
  recorder.begin_request(due_);
  co_await websocket_->connect(*exchange, connect.protocol, now() + step.timeout);
  if (exchange->outcome == Outcome::ok) {
    if (exchange->status != 101) judge_stream_head(*exchange);
    remember_answer(exchange->status, exchange->body, exchange->outcome);
  }
  settle(step, *exchange, recorder);
  websocket_->heartbeat(connect.heartbeat_every, connect.heartbeat_text);
  websocket_->ping(connect.ping_every, connect.pong_timeout);
  if (exchange->outcome != Outcome::ok) fail_unless_retried(step, exchange->outcome, {});
}

// A complete answer that did not open the stream: what it means by its status.
void VirtualUser::judge_stream_head(Exchange& exchange) {
  static const Classifier classifier{ExpectSpec{}};
  exchange.outcome = classifier.classify(exchange.status, exchange.body);
  if (!is_error(exchange.outcome)) exchange.outcome = Outcome::http_error;
}

void VirtualUser::send_message(const WsSendStep& step) {
  std::string text;
  step.text.render(variables_, random_, text);
  if (step.binary) {
    auto bytes = bytes_of_base64(text);
    if (!bytes) return fail(Outcome::assertion_failed, "ws_send: the text is not base64");
    if (websocket_ && websocket_->send_binary(*bytes)) return;
  } else if (websocket_ && websocket_->send_text(text)) {
    return;
  }
  fail(Outcome::disconnected, "ws_send without a WebSocket: " +
                                  (websocket_ ? websocket_->end_reason() : "it was never opened"));
}

void VirtualUser::close_websocket(const WsCloseStep& step) {
  if (!websocket_) return;
  std::string reason;
  step.reason.render(variables_, random_, reason);
  if (!is_utf8(reason)) reason.clear();
  websocket_->close(step.code, reason);
  websocket_.reset();
}

void VirtualUser::close_events(const SseCloseStep& step) {
  if (!events_) return;
  if (step.lost) return events_->lose();
  events_->close();
  events_.reset();
}

void VirtualUser::read_events(const SseReadStep& step) {
  if (!events_) return;
  // The silence of who does not listen is no gap of the server's; that of who listens is.
  if (step.reads && !events_->reads()) quiet_since_ = now();
  events_->read(step.reads);
}

// What the session opened is closed; what it still waited for there is of no interest any more.
void VirtualUser::leave_streams() {
  if (websocket_) websocket_->close();
  websocket_.reset();
  if (events_) events_->close();
  events_.reset();
}

// The end of the drain: everything that is under way is unfinished.
void VirtualUser::cut_streams() {
  const TimePoint at = now();
  if (websocket_) {
    websocket_->cancel_connect();
    if (const auto sent = websocket_->unanswered_ping(); sent && websocket_->is_open()) {
      measure(ws_step_->ping_series, {*sent, {}, {}, at, Outcome::unfinished});
    }
  }
  if (!events_) return;
  if (events_->lives()) {
    const SeriesId series = had_event_ ? sse_step_->gap_series : sse_step_->first_event_series;
    measure(series, {quiet_since_, {}, {}, at, Outcome::unfinished});
  }
  if (const auto attempt = events_->reconnecting()) {
    measure(sse_step_->reconnect_series,
            {attempt->due, attempt->sent, {}, at, Outcome::unfinished});
  }
  events_->cancel_connect();
}

bool VirtualUser::on_websocket_message(std::string_view text) {
  measure_push(ws_step_->push_lag, text);
  if (wait_.step == nullptr || wait_.event != nullptr || wait_.outcome) return false;
  return consider(text);
}

void VirtualUser::on_websocket_pong(TimePoint sent, TimePoint done, Outcome outcome) {
  if (cancelled()) return;
  measure(ws_step_->ping_series, {sent, {}, {}, done, outcome},
          outcome == Outcome::ok ? "" : "no pong by its timeout");
}

void VirtualUser::on_websocket_closed() {
  variables_.set(slot_ws_code, std::int64_t{websocket_->close_code()});
  if (const auto sent = websocket_->unanswered_ping(); sent && !cancelled()) {
    measure(ws_step_->ping_series, {*sent, {}, {}, now(), Outcome::disconnected},
            websocket_->end_reason());
  }
  if (wait_.event == nullptr) end_wait(websocket_->end_outcome(), websocket_->end_reason());
}

Task<void> VirtualUser::perform_sse_connect(const CompiledStep& step,
                                            const SseConnectStep& connect) {
  const Wire::BorrowedExchange exchange = wire_.borrow();
  if (!write_head("GET", connect.path, connect.headers, *exchange)) {
    settle_unsent(step, *exchange);
    fail(exchange->outcome, worker_.plan.run->series[step.series].step + ": " + exchange->problem);
    co_return;
  }
  if (connect.send_cookies) http_session().append_cookies(exchange->request);
  if (events_) events_->close();
  const EventStreamOptions options{connect.message_max, connect.keep, connect.reconnects_max,
                                   connect.retry, step.timeout};
  events_ = std::make_shared<SseClient>(wire_, this, options);
  sse_step_ = &connect;
  quiet_since_ = due_;
  had_event_ = false;
  Recorder& recorder = worker_.recorder_at(due_);
  recorder.begin_request(due_);
  co_await events_->connect(*exchange, now() + step.timeout);
  if (exchange->outcome == Outcome::ok) {
    if (exchange->status == 204) {
      exchange->outcome = Outcome::gone;  // there are no events, and there will be none
    } else if (exchange->status != 200) {
      judge_stream_head(*exchange);
    }
    remember_answer(exchange->status, exchange->body, exchange->outcome);
  }
  const Outcome outcome = exchange->outcome;
  settle(step, *exchange, recorder);
  if (is_error(outcome)) fail_unless_retried(step, outcome, {});
}

bool VirtualUser::on_stream_event(const ServerEvent& event) {
  const TimePoint done = now();
  if (!cancelled()) {
    const SeriesId series = had_event_ ? sse_step_->gap_series : sse_step_->first_event_series;
    measure(series, {quiet_since_, {}, {}, done, Outcome::ok});
    had_event_ = true;
    quiet_since_ = done;
    measure_push(sse_step_->push_lag, event.data);
  }
  if (wait_.step == nullptr || wait_.event == nullptr || wait_.outcome) return false;
  if (!wait_.event->event.empty() && event.name != wait_.event->event) return true;
  return consider(event.data);
}

void VirtualUser::on_stream_reconnect(TimePoint due, Exchange& exchange) {
  if (cancelled()) return;
  if (exchange.outcome == Outcome::ok && exchange.status == 204) {
    exchange.outcome = Outcome::gone;
  } else if (exchange.outcome == Outcome::ok && exchange.status != 200) {
    judge_stream_head(exchange);
  }
  const Sample sample{due, exchange.sent, exchange.first_byte, exchange.done, exchange.outcome};
  measure(sse_step_->reconnect_series, sample,
          exchange.problem.empty() ? fmt::format("status {}", exchange.status) : exchange.problem);
}

void VirtualUser::on_stream_ended() {
  const Outcome outcome = events_->end_outcome();
  // The silence before an end that the server announced is no gap.
  if (is_error(outcome) && !cancelled()) {
    const SeriesId series = had_event_ ? sse_step_->gap_series : sse_step_->first_event_series;
    measure(series, {quiet_since_, {}, {}, now(), outcome}, events_->end_reason());
  }
  if (wait_.event != nullptr) end_wait(outcome, events_->end_reason());
}

Task<void> VirtualUser::perform_await(const CompiledStep& step, const WsAwaitStep& await,
                                      const SseAwaitStep* event) {
  const TimePoint began = now();
  const TimePoint deadline = began + step.timeout;
  Recorder& recorder = worker_.recorder_at(began);
  recorder.begin_request(began);
  wait_ = Wait{&await, event, std::nullopt, began, {}};
  take_unread();
  timer_fired_ = false;
  if (!wait_.outcome) {
    worker_.wire.timers().arm(timer_, round_up(deadline, coarse_grid));
    while (!wait_.outcome && !timer_fired_ && !cancelled()) co_await sleeper_.sleep();
    worker_.wire.timers().disarm(timer_);
  }
  if (!wait_.outcome) {
    wait_.outcome = cancelled() ? Outcome::unfinished : Outcome::timed_out;
    wait_.done = cancelled() ? now() : deadline;
    wait_.problem = event != nullptr ? "no such event" : "no such message";
  }
  wait_.step = nullptr;
  const Outcome outcome = *wait_.outcome;
  variables_.set_text(slot_outcome, name_of(outcome));
  const TimePoint first = is_error(outcome) ? TimePoint{} : wait_.done;
  const Sample sample{began, began, first, wait_.done, outcome};
  record_sample(step, recorder, sample, 0, wait_.problem);
  if (step.record) record_ledger(*step.record, sample, 0, certainty_of(outcome, 0));
  due_ = outcome == Outcome::timed_out ? now() : wait_.done;
}

// What came before the wait; then, whether anything can come at all.
void VirtualUser::take_unread() {
  std::size_t used = 0;
  if (wait_.event == nullptr) {
    if (websocket_) {
      auto& unread = websocket_->unread();
      while (used < unread.size() && !wait_.outcome) (void)consider(unread[used++]);
      unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(used));
    }
    if (websocket_ && websocket_->is_open()) return;
    end_wait(websocket_ ? websocket_->end_outcome() : Outcome::disconnected,
             websocket_ ? websocket_->end_reason() : "no WebSocket was opened");
    return;
  }
  if (events_) {
    auto& unread = events_->unread();
    while (used < unread.size() && !wait_.outcome) {
      const SseClient::Unread& one = unread[used++];
      if (wait_.event->event.empty() || one.name == wait_.event->event) (void)consider(one.data);
    }
    unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(used));
  }
  if (events_ && events_->lives()) return;
  end_wait(events_ ? events_->end_outcome() : Outcome::disconnected,
           events_ ? events_->end_reason() : "no event stream was opened");
}

// True: the message is used up, whether it ends the wait or not.
bool VirtualUser::consider(std::string_view text) {
  const MessageKind kind = classify_message(*wait_.step, text, variables_, random_);
  if (kind == MessageKind::other) return true;
  std::optional<std::string> problem;
  if (kind == MessageKind::awaited && !wait_.step->captures.empty()) {
    const HeaderLookup none = [](std::string_view) { return std::optional<std::string_view>{}; };
    problem =
        apply_captures(wait_.step->captures, text, none, variables_, worker_.expressions, random_);
  }
  if (problem) {
    end_wait(Outcome::assertion_failed, std::move(*problem));
  } else {
    end_wait(kind == MessageKind::over ? Outcome::gone : Outcome::ok, {});
  }
  return true;
}

void VirtualUser::end_wait(Outcome outcome, std::string problem) {
  if (wait_.step == nullptr || wait_.outcome) return;
  wait_.outcome = outcome;
  wait_.done = now();
  wait_.problem = std::move(problem);
  sleeper_.wake();
}

}  // namespace stampede
