// The steps of personas: one map per step, recognised by its action key.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/profile/profile_reader_http.hpp"
#include "harness/profile/profile_reader_values.hpp"

namespace stampede {

inline constexpr std::size_t steps_max = 10'000;  // of a profile, after aliases are followed

class StepReader {
 public:
  // `folder` is where files that steps name are looked for.
  StepReader(Problems& problems, std::string folder)
      : problems_(problems), values_(problems), http_(problems), folder_(std::move(folder)) {}

  // A list of steps. An item that is itself a list (an alias of one) is put in its place.
  std::vector<StepSpec> read_steps(const YamlNode* node);
  // The same for `setup` and `teardown`, which one user runs: nobody is there to meet.
  std::vector<StepSpec> read_lone_steps(const YamlNode* node);

 private:
  using Sources = std::vector<std::pair<std::string, Source>>;

  void read_into(const YamlNode* node, std::vector<StepSpec>& steps);
  void read_item(const YamlNode& item, std::vector<StepSpec>& steps);
  void read_step(const YamlNode& node, std::vector<StepSpec>& steps);
  const YamlNode::Member* find_action(const YamlNode& node);
  void read_common(const Fields& fields, std::string_view action, StepSpec& step);

  HttpSpec read_http(const std::string& method, const YamlNode& value, const Fields& fields);
  // Steps of WebSockets and event streams: profile_reader_streams.cpp.
  void read_stream(std::string_view kind, const YamlNode& value, const Fields& fields,
                   StepSpec& step);
  WsConnectSpec read_ws_connect(const YamlNode& value, const Fields& fields);
  WsSendSpec read_ws_send(const YamlNode& value, const Fields& fields);
  WsAwaitSpec read_ws_await(const YamlNode& value, const Fields& fields);
  WsCloseSpec read_ws_close(const YamlNode& value);
  SseCloseSpec read_sse_close(const YamlNode& value);
  SseReadSpec read_sse_read(const YamlNode& value);
  SseConnectSpec read_sse_connect(const YamlNode& value, const Fields& fields);
  SseAwaitSpec read_sse_await(const YamlNode& value, const Fields& fields);
  std::optional<PushLagSpec> read_push_lag(const YamlNode* node);
  SetSpec read_set(const YamlNode& value);
  ThinkSpec read_think(const YamlNode& value);
  IfSpec read_if(const YamlNode& value, const Fields& fields);
  LoopSpec read_loop(bool counted, const YamlNode& value, Fields& fields);
  ChooseSpec read_choose(const YamlNode& value);

  // In profile_reader_flow.cpp.
  void check_place(const YamlNode& action);
  void read_steering(const std::string& kind, const YamlNode& value, Fields& fields,
                     StepSpec& step);
  RetrySpec read_retry(const YamlNode& value);
  OutcomeSet read_outcomes(const YamlNode& node);
  // Makes `step` one that is tried again.
  void wrap_in_retry(const YamlNode& value, StepSpec& step);
  ParallelSpec read_parallel(const YamlNode& value, const Fields& fields, StepSpec& step);
  void read_branches(const YamlNode* node, ParallelSpec& parallel);
  RendezvousSpec read_rendezvous(const YamlNode& value, const Fields& fields, StepSpec& step);

  Source read_path(const YamlNode& node);
  Sources read_headers(const YamlNode* node);
  Source read_body(const YamlNode& node);
  ExpectSpec read_expect(const YamlNode* node);
  std::vector<unsigned> read_statuses(const YamlNode& node);
  std::vector<CaptureSpec> read_captures(const YamlNode* node, bool headers_allowed);
  void read_capture(const YamlNode& node, bool headers_allowed, CaptureSpec& capture);
  void read_one_capture(const YamlNode& node, bool headers_allowed, CaptureSpec& capture);
  void read_header_name(const YamlNode* node, CaptureSpec& capture);
  void read_regex(const YamlNode& node, bool headers_allowed, CaptureSpec& capture);
  std::vector<CheckSpec> read_checks(const YamlNode* node);
  void read_cells(const YamlNode& node, CaptureSpec& capture);
  void read_pointer(const YamlNode* node, CaptureSpec& capture);
  Sources read_match(const YamlNode& node);
  RecordSpec read_record(const YamlNode& node);
  void expect_nothing(const YamlNode& node, const std::string& action);

  Problems& problems_;
  Values values_;
  HttpReader http_;
  std::string folder_;
  std::size_t steps_ = 0;
  bool in_branch_ = false;  // of parallel
  bool alone_ = false;      // setup or teardown
};

}  // namespace stampede
