// The steps of WebSockets and event streams.
#include <algorithm>

#include "harness/profile/profile_reader_steps.hpp"

namespace stampede {

namespace {

constexpr Nanos ping_every_min{std::chrono::milliseconds{10}};
constexpr std::uint64_t reconnects_max = 1000;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool may_name_protocol(char c) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

// Codes that an endpoint may put into a close frame (RFC 6455 §7.4).
bool may_be_sent(std::uint16_t code) {
  return code >= 3000 || (code <= 1014 && code != 1004 && code != 1005 && code != 1006);
}

bool is_base64(std::string_view text) {
  const std::size_t digits = text.find_last_not_of('=') + 1;
  if (text.size() % 4 != 0 || text.size() - digits > 2) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

}  // namespace

void StepReader::read_stream(std::string_view kind, const YamlNode& value, const Fields& fields,
                             StepSpec& step) {
  if (kind == "ws_connect") {
    step.action = read_ws_connect(value, fields);
  } else if (kind == "ws_send") {
    step.action = read_ws_send(value, fields);
  } else if (kind == "ws_await") {
    step.action = read_ws_await(value, fields);
  } else if (kind == "ws_close") {
    step.action = read_ws_close(value);
  } else if (kind == "sse_connect") {
    step.action = read_sse_connect(value, fields);
  } else if (kind == "sse_await") {
    step.action = read_sse_await(value, fields);
  } else if (kind == "sse_read") {
    step.action = read_sse_read(value);
  } else {
    step.action = read_sse_close(value);
  }
}

WsConnectSpec StepReader::read_ws_connect(const YamlNode& value, const Fields& fields) {
  WsConnectSpec connect;
  connect.path = read_path(value);
  connect.headers = read_headers(fields.find("headers"));
  const YamlNode* const protocol = fields.find("protocol");
  values_.text(protocol, connect.protocol);
  if (!std::all_of(connect.protocol.begin(), connect.protocol.end(), may_name_protocol)) {
    problems_.report(*protocol, in_quotes(connect.protocol) + " cannot name a sub-protocol");
  }
  values_.duration(fields.find("ping_every"), connect.ping_every, ping_every_min);
  const YamlNode* const patience = fields.find("pong_timeout");
  values_.duration(patience, connect.pong_timeout, ping_every_min);
  if (patience != nullptr && fields.find("ping_every") == nullptr) {
    problems_.report(*patience, "\"pong_timeout\" without \"ping_every\"", "ping_every: 20s");
  }
  values_.whole(fields.find("message_max"), connect.message_max, 1, stream_message_max);
  values_.whole(fields.find("keep"), connect.keep, 0, stream_keep_max);
  connect.push_lag = read_push_lag(fields.find("push_lag"));
  const YamlNode* const heartbeat = fields.find("heartbeat");
  if (heartbeat == nullptr) return connect;
  Fields beat(problems_, heartbeat, "a heartbeat", {"every", "text"});
  values_.duration(beat.require("every", "every: 5s"), connect.heartbeat_every,
                   std::chrono::milliseconds{10});
  values_.text(beat.require("text", "the message to send"), connect.heartbeat_text);
  return connect;
}

// "/ts", or {at: /ts, unit: us}.
std::optional<PushLagSpec> StepReader::read_push_lag(const YamlNode* node) {
  if (node == nullptr) return std::nullopt;
  PushLagSpec lag;
  lag.place = node->place;
  const YamlNode* pointer = node;
  if (node->kind == YamlNode::Kind::map) {
    Fields fields(problems_, node, "a push lag", {"at", "unit"});
    pointer = fields.require("at", "at: /ts, where the server's time stands in a message");
    std::string unit = "ms";
    const YamlNode* const named = fields.find("unit");
    values_.text(named, unit);
    const std::vector<std::pair<std::string_view, Nanos>> units{
        {"s", std::chrono::seconds{1}},
        {"ms", std::chrono::milliseconds{1}},
        {"us", std::chrono::microseconds{1}},
        {"ns", Nanos{1}}};
    const auto found = std::find_if(units.begin(), units.end(),
                                    [&unit](const auto& known) { return known.first == unit; });
    if (found != units.end()) {
      lag.unit = found->second;
    } else {
      problems_.report(*named, in_quotes(unit) + " is no unit of time stamps", "s, ms, us or ns");
    }
  }
  values_.text(pointer, lag.pointer);
  if (pointer != nullptr && !is_json_pointer(lag.pointer)) {
    problems_.report(*pointer, in_quotes(lag.pointer) + " is not a JSON pointer",
                     "it starts with /, as in /ts");
  }
  return lag;
}

WsSendSpec StepReader::read_ws_send(const YamlNode& value, const Fields& fields) {
  WsSendSpec send;
  values_.flag(fields.find("binary"), send.binary);
  if (value.kind == YamlNode::Kind::map || value.kind == YamlNode::Kind::list) {
    send.text = read_body(value);
  } else {
    values_.source(&value, send.text);
  }
  const bool constant = send.text.text.find("${") == std::string::npos;
  if (send.binary && (send.text.rewritten || (constant && !is_base64(send.text.text)))) {
    problems_.report(value, "a binary message is written in base64", "ws_send: AAECAw==");
  }
  return send;
}

WsAwaitSpec StepReader::read_ws_await(const YamlNode& value, const Fields& fields) {
  WsAwaitSpec await;
  await.where = read_match(value);
  if (const YamlNode* const contains = fields.find("contains")) {
    values_.source(contains, await.contains.emplace());
  }
  if (const YamlNode* const matches = fields.find("matches")) {
    values_.source(matches, await.matches.emplace());
    if (matches->text.empty() && matches->kind == YamlNode::Kind::scalar) {
      problems_.report(*matches, "an empty pattern is found in every message",
                       "matches: 'seat [0-9]+ is free', or leave the key out");
    }
  }
  const YamlNode* const unless = fields.find("unless");
  if (unless != nullptr && unless->kind == YamlNode::Kind::map) {
    await.unless.push_back(read_match(*unless));
  } else {
    for (const YamlNodePtr& item : values_.list(unless, "a list of maps")) {
      await.unless.push_back(read_match(*item));
    }
  }
  for (const Sources& match : await.unless) {
    if (match.empty()) problems_.report(*unless, "an empty condition matches every message");
  }
  await.captures = read_captures(fields.find("capture"), false);
  return await;
}

WsCloseSpec StepReader::read_ws_close(const YamlNode& value) {
  WsCloseSpec close;
  if (value.kind != YamlNode::Kind::map) {
    expect_nothing(value, "ws_close");
    return close;
  }
  const Fields fields(problems_, &value, "a ws_close", {"code", "reason"});
  const YamlNode* const code = fields.find("code");
  values_.whole(code, close.code, 1000, 4999);
  if (!may_be_sent(close.code)) {
    problems_.report(*code, std::to_string(close.code) + " may not be sent",
                     "1000 (normal), 1001 (going away), or one of your own from 3000 to 4999");
  }
  if (const YamlNode* const reason = fields.find("reason")) values_.source(reason, close.reason);
  return close;
}

SseCloseSpec StepReader::read_sse_close(const YamlNode& value) {
  SseCloseSpec close;
  if (value.kind != YamlNode::Kind::map) {
    expect_nothing(value, "sse_close");
    return close;
  }
  const Fields fields(problems_, &value, "a sse_close", {"lost"});
  values_.flag(fields.find("lost"), close.lost);
  return close;
}

SseReadSpec StepReader::read_sse_read(const YamlNode& value) {
  SseReadSpec spec;
  values_.flag(&value, spec.reads);
  return spec;
}

SseConnectSpec StepReader::read_sse_connect(const YamlNode& value, const Fields& fields) {
  SseConnectSpec connect;
  connect.path = read_path(value);
  connect.headers = read_headers(fields.find("headers"));
  values_.whole(fields.find("message_max"), connect.message_max, 1, stream_message_max);
  values_.whole(fields.find("keep"), connect.keep, 0, stream_keep_max);
  connect.push_lag = read_push_lag(fields.find("push_lag"));
  const YamlNode* const reconnect = fields.find("reconnect");
  if (reconnect == nullptr) return connect;
  const Fields again(problems_, reconnect, "a reconnect", {"times", "after"});
  values_.whole(again.find("times"), connect.reconnects_max, 0, reconnects_max);
  values_.duration(again.find("after"), connect.retry, std::chrono::milliseconds{10});
  return connect;
}

SseAwaitSpec StepReader::read_sse_await(const YamlNode& value, const Fields& fields) {
  SseAwaitSpec await;
  await.data = read_ws_await(value, fields);
  values_.text(fields.find("event"), await.event);
  return await;
}

}  // namespace stampede
