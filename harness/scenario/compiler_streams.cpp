// The steps of WebSockets and event streams, compiled.
#include "harness/scenario/compiler.hpp"

namespace stampede {

std::optional<PushLag> Compiler::compile_push_lag(const std::optional<PushLagSpec>& spec) {
  if (!spec) return std::nullopt;
  check_pointer(spec->pointer, spec->place);
  return PushLag{spec->pointer, spec->unit, 0};
}

WsConnectStep Compiler::compile_action(const WsConnectSpec& spec, Place /*place*/) {
  WsConnectStep step;
  step.path = compile_template(spec.path);
  step.protocol = spec.protocol;
  step.headers = compile_stream_headers(spec.headers);
  step.send_cookies = sends_cookies(step.headers);
  step.heartbeat_every = spec.heartbeat_every;
  step.heartbeat_text = spec.heartbeat_text;
  step.ping_every = spec.ping_every;
  step.pong_timeout = spec.pong_timeout;
  step.message_max = spec.message_max;
  step.keep = spec.keep;
  step.push_lag = compile_push_lag(spec.push_lag);
  return step;
}

WsSendStep Compiler::compile_action(const WsSendSpec& spec, Place /*place*/) {
  return {compile_template(spec.text), spec.binary};
}

WsAwaitStep Compiler::compile_action(const WsAwaitSpec& spec, Place place) {
  WsAwaitStep step;
  step.where = compile_match(spec.where, place);
  if (spec.contains) step.contains = compile_template(*spec.contains);
  if (spec.matches) step.matches = compile_pattern(*spec.matches);
  for (const auto& match : spec.unless) step.unless.push_back(compile_match(match, place));
  step.captures = compile_captures(spec.captures);
  return step;
}

WsCloseStep Compiler::compile_action(const WsCloseSpec& spec, Place /*place*/) {
  return {spec.code, compile_template(spec.reason)};
}

SseConnectStep Compiler::compile_action(const SseConnectSpec& spec, Place /*place*/) {
  SseConnectStep step;
  step.path = compile_template(spec.path);
  step.headers = compile_stream_headers(spec.headers);
  step.send_cookies = sends_cookies(step.headers);
  step.message_max = spec.message_max;
  step.keep = spec.keep;
  step.reconnects_max = spec.reconnects_max;
  step.retry = spec.retry;
  step.push_lag = compile_push_lag(spec.push_lag);
  return step;
}

SseAwaitStep Compiler::compile_action(const SseAwaitSpec& spec, Place place) {
  return {spec.event, compile_action(spec.data, place)};
}

SseCloseStep Compiler::compile_action(const SseCloseSpec& spec, Place /*place*/) {
  return {spec.lost};
}

SseReadStep Compiler::compile_action(const SseReadSpec& spec, Place /*place*/) {
  return {spec.reads};
}

void Compiler::add_derived_series(const StepSpec& spec, CompiledStep& step) {
  auto* const socket = std::get_if<WsConnectStep>(&step.action);
  auto* const stream = std::get_if<SseConnectStep>(&step.action);
  for (const DerivedSeries& derived : derived_series(spec)) {
    // A kind of its own, so that no step can share the row.
    const std::size_t kind =
        std::variant_size_v<decltype(spec.action)> + static_cast<std::size_t>(derived.what);
    const NamedStep wanted{static_cast<SeriesId>(run_.series.size()), kind, false,
                           derived.what != Derived::reconnect, spec.tags};
    const SeriesId series = series_named(derived.name, wanted, spec.place);
    switch (derived.what) {
      case Derived::ping:
        socket->ping_series = series;
        break;
      case Derived::first_event:
        stream->first_event_series = series;
        break;
      case Derived::gap:
        stream->gap_series = series;
        break;
      case Derived::reconnect:
        stream->reconnect_series = series;
        break;
      case Derived::push_lag:
        (socket != nullptr ? socket->push_lag : stream->push_lag)->series = series;
        break;
    }
  }
}

}  // namespace stampede
