// Profile → CompiledRun. Used by compile() alone; a class because its parts share the slots, the
// series table and the list of problems.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/scenario/scenario.hpp"

namespace stampede {

class Compiler {
 public:
  explicit Compiler(const Profile& profile) : profile_(profile) {}
  Checked<CompiledRun> compile();

 private:
  // What a step name stands for in its scenario.
  struct NamedStep {
    SeriesId series;
    std::size_t kind;
    bool transaction, waits;
  };

  void collect_slots();
  void collect_slots(const std::vector<StepSpec>& steps);
  void add_slot(const std::string& name, Place place);
  [[nodiscard]] std::uint32_t slot_of(std::string_view name) const;

  void report(Place place, std::string message, std::string hint = {});
  void report(const Diagnostics& problems, const Source& source);
  Template compile_template(const Source& source);
  Expression compile_expression(const Source& source);

  void compile_scenario(const ScenarioSpec& spec);
  void compile_unused_personas();
  Steps compile_steps(const std::vector<StepSpec>& specs);
  CompiledStep compile_step(const StepSpec& spec);
  SeriesId series_of(const StepSpec& spec);
  std::vector<Header> compile_headers(const std::vector<std::pair<std::string, Source>>& specs);
  std::vector<CompiledCapture> compile_captures(const std::vector<CaptureSpec>& specs);
  MessageMatch compile_match(const std::vector<std::pair<std::string, Source>>& members,
                             Place place);
  CompiledRecord compile_record(const RecordSpec& spec);
  void check_pointer(std::string_view pointer, Place place);

  HttpStep compile_action(const HttpSpec& spec, Place place);
  WsConnectStep compile_action(const WsConnectSpec& spec, Place place);
  WsSendStep compile_action(const WsSendSpec& spec, Place place);
  WsAwaitStep compile_action(const WsAwaitSpec& spec, Place place);
  WsCloseStep compile_action(const WsCloseSpec& spec, Place place);
  ConnectStep compile_action(const ConnectSpec& spec, Place place);
  ThinkStep compile_action(const ThinkSpec& spec, Place place);
  SetStep compile_action(const SetSpec& spec, Place place);
  IfStep compile_action(const IfSpec& spec, Place place);
  LoopStep compile_action(const LoopSpec& spec, Place place);
  ChooseStep compile_action(const ChooseSpec& spec, Place place);
  CountStep compile_action(const CountSpec& spec, Place place);
  StopStep compile_action(const StopSpec& spec, Place place);

  const Profile& profile_;
  CompiledRun run_;
  std::string scenario_;                    // being compiled
  std::map<std::string, NamedStep> names_;  // of that scenario
  Diagnostics problems_;
};

}  // namespace stampede
