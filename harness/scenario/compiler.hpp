// Profile → CompiledRun. Used by compile() alone; a class because its parts share the slots, the
// series table and the list of problems.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/scenario/scenario.hpp"

namespace stampede {

class Compiler {
 public:
  // `doubts`: of a profile that could not be read in whole; else nullptr.
  explicit Compiler(const Profile& profile, const Doubts* doubts = nullptr)
      : profile_(profile), doubts_(doubts) {}
  PartialRun compile();

 private:
  // What a step name stands for in its scenario.
  struct NamedStep {
    SeriesId series;
    std::size_t kind;
    bool transaction, waits;
    Tags tags;
  };

  void collect_slots();
  void collect_slots(const std::vector<StepSpec>& steps);
  // Every variable that the steps may set.
  using EachVariable = std::function<void(const std::string& name, Place place)>;
  static void for_each_variable(const std::vector<StepSpec>& steps, const EachVariable& tell);
  [[nodiscard]] std::vector<std::uint32_t> slots_set_by(const std::vector<StepSpec>& steps) const;
  void add_slot(const std::string& name, Place place);
  [[nodiscard]] std::uint32_t slot_of(std::string_view name) const;

  void report(Place place, std::string message, std::string hint = {});
  // `lua`: of an expression, which may speak of functions.
  void report(const Diagnostics& problems, const Source& source, bool lua = false);
  [[nodiscard]] bool may_exist(const std::string& name, bool lua) const;
  [[nodiscard]] bool was_not_read(const Source& source) const;
  void look_for_retry_after(std::string_view text);
  Template compile_template(const Source& source);
  Expression compile_expression(const Source& source);

  void compile_scenario(const ScenarioSpec& spec);
  void compile_unused_personas();
  Steps compile_steps(const std::vector<StepSpec>& specs);
  CompiledStep compile_step(const StepSpec& spec);
  SeriesId series_of(const StepSpec& spec);
  SeriesId series_named(const std::string& name, const NamedStep& wanted, Place place);
  std::vector<Header> compile_headers(const std::vector<std::pair<std::string, Source>>& specs);
  // In compiler_http.cpp. The headers of a request: the step's, then those of the profile that it
  // does not name, then what its options say.
  std::vector<Header> compile_request_headers(
      const std::vector<std::pair<std::string, Source>>& specs, const HttpOptions& options);
  // The same for a WebSocket or an event stream; do cookies go with them?
  std::vector<Header> compile_stream_headers(
      const std::vector<std::pair<std::string, Source>>& specs);
  [[nodiscard]] bool sends_cookies(const std::vector<Header>& headers) const;
  Template compile_pairs(const std::vector<std::pair<std::string, Source>>& specs,
                         Template::Encoding encoding);
  Template compile_target(const HttpSpec& spec);
  Template compile_auth(const AuthSpec& auth);
  std::optional<HttpExtras> compile_extras(const HttpSpec& spec);
  std::vector<CompiledCapture> compile_captures(const std::vector<CaptureSpec>& specs);
  std::shared_ptr<const RegexPattern> compile_pattern(const Source& source);
  void compile_regex_capture(const CaptureSpec& spec, CompiledCapture& capture);
  std::vector<CompiledCheck> compile_checks(const std::vector<CheckSpec>& specs);
  MessageMatch compile_match(const std::vector<std::pair<std::string, Source>>& members,
                             Place place);
  CompiledRecord compile_record(const RecordSpec& spec);
  void check_pointer(std::string_view pointer, Place place);

  HttpStep compile_action(const HttpSpec& spec, Place place);
  WsConnectStep compile_action(const WsConnectSpec& spec, Place place);
  WsSendStep compile_action(const WsSendSpec& spec, Place place);
  WsAwaitStep compile_action(const WsAwaitSpec& spec, Place place);
  WsCloseStep compile_action(const WsCloseSpec& spec, Place place);
  SseConnectStep compile_action(const SseConnectSpec& spec, Place place);
  SseAwaitStep compile_action(const SseAwaitSpec& spec, Place place);
  SseCloseStep compile_action(const SseCloseSpec& spec, Place place);
  SseReadStep compile_action(const SseReadSpec& spec, Place place);
  std::optional<PushLag> compile_push_lag(const std::optional<PushLagSpec>& spec);
  // The series that a stream's step makes beside its own.
  void add_derived_series(const StepSpec& spec, CompiledStep& step);
  ConnectStep compile_action(const ConnectSpec& spec, Place place);
  ThinkStep compile_action(const ThinkSpec& spec, Place place);
  SetStep compile_action(const SetSpec& spec, Place place);
  IfStep compile_action(const IfSpec& spec, Place place);
  LoopStep compile_action(const LoopSpec& spec, Place place);
  ChooseStep compile_action(const ChooseSpec& spec, Place place);
  CountStep compile_action(const CountSpec& spec, Place place);
  StopStep compile_action(const StopSpec& spec, Place place);
  // In compiler_flow.cpp.
  RetryStep compile_action(const RetrySpec& spec, Place place);
  ParallelStep compile_action(const ParallelSpec& spec, Place place);
  // A rendezvous has a name, which its action alone does not know.
  RendezvousStep compile_action(const RendezvousSpec& spec, Place place);
  void compile_phases();
  CompiledPhase compile_phase(const std::string& name, const std::vector<StepSpec>& specs);
  void check_hidden_captures();
  void check_rendezvous();
  std::uint32_t counter_of(std::string_view name);
  FeedStep compile_action(const FeedSpec& spec, Place place);

  // compiler_data.cpp: what comes from beside the profile.
  void load_feeders();
  void collect_data_slots();
  [[nodiscard]] bool mentions(std::string_view name) const;
  void check_data_name(const std::string& name, Place place);
  void compile_functions();
  [[nodiscard]] std::uint32_t feeder_index(const std::string& name, Place place);

  const Profile& profile_;
  const Doubts* const doubts_;
  bool functions_failed_ = false;
  std::set<std::string> refused_;  // names that variables may not have
  CompiledRun run_;
  std::string scenario_;                    // being compiled
  std::map<std::string, NamedStep> names_;  // of that scenario
  Tags tags_;                               // of that scenario, and of the profile
  Diagnostics problems_;
  const StepSpec* step_ = nullptr;  // being compiled
  bool guarded_ = false;            // inside of what asks for the outcome of each sample
  bool wants_retry_after_ = false;
  bool in_phase_ = false;         // in the steps of set-up or tear-down
  std::uint32_t http_steps_ = 0;  // so far
  std::vector<Place> meetings_;   // of run_.rendezvous, where each was met first
};

// Names of the answer's headers that a step looks at.
std::vector<std::string> wanted_headers(const std::vector<CompiledCapture>& captures,
                                        const std::vector<CompiledCheck>& checks);
// Does any of them need the answer's body?
bool looks_into_body(const std::vector<CompiledCapture>& captures,
                     const std::vector<CompiledCheck>& checks);

}  // namespace stampede
