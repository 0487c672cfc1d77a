// One run, told in order. Each chapter is a member function; what they share are the members.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/history/operation_facts.hpp"
#include "harness/judge/latency_batches.hpp"
#include "harness/judge/measured_run.hpp"
#include "harness/load/load.hpp"
#include "harness/load/null_target.hpp"
#include "harness/report/run_result.hpp"
#include "harness/run/gauge_watch.hpp"
#include "harness/run/histogram_log.hpp"
#include "harness/run/live_view.hpp"
#include "harness/run/run.hpp"
#include "harness/run/run_directory.hpp"
#include "harness/scenario/scenario.hpp"
#include "harness/topology/boxoffice_admin.hpp"
#include "harness/topology/topology.hpp"

namespace stampede {

class Story {
 public:
  Story(const RunRequest& request, std::stop_source& stop, std::ostream& out, std::ostream& err);
  ExitCode tell();

 private:
  ExitCode make_directory();
  // Chapters. Those that return false ended the run; result_.state says how.
  void fill_head();
  bool raise_topology();
  bool ask_for_defects();
  bool seed_data();
  void set_run_values();
  void wait_for_opening();
  void open_sales();
  bool run_setup();
  bool drive_load();
  void quiesce_and_audit();
  void run_teardown();
  void judge_all();
  ExitCode report();
  ExitCode report_to_files();
  void tell_others();

  void note_defects(const TargetConfig& config);
  void ask_for_defects_again();
  void compare_clocks();
  void compare_clocks_again();
  void open_histogram_log(double seconds);
  void close_histogram_log();
  [[nodiscard]] std::string written_by() const;
  void calibrate_generator();
  void second_passed(const LoadSecond& second);
  void stop_when_a_part_died();
  void fill_result();
  void fill_processes();
  void fill_facts();
  void fill_diagnosis();
  void forget_part_of_a_second();
  void decide_verdict();
  [[nodiscard]] LoadPlan make_plan() const;
  void end(std::string state, std::string reason);
  void note(const std::string& text);
  [[nodiscard]] bool ended() const { return result_.state != "running"; }
  [[nodiscard]] std::vector<std::string> told_command_line() const;

  const RunRequest& request_;
  const Profile& profile_;
  std::stop_source& stop_;
  std::ostream& out_;
  std::ostream& err_;
  std::ostream& progress_;  // live view and notes

  CompiledRun compiled_;
  std::optional<RunDirectory> directory_;
  std::unique_ptr<Topology> topology_;
  std::vector<ProcessUsage> usage_before_, usage_last_;
  StoreFacts stores_before_, stores_last_;
  std::optional<Finding> fairness_;
  BoxofficeAdmin::Seeded seeded_;
  std::vector<UserIdentity> users_;
  std::optional<LiveView> view_;
  std::optional<HistogramLog> histograms_;
  std::string log_ended_;
  bool log_lost_ = false;
  double load_wall_start_ = 0;  // seconds since the epoch
  LoadOutcome load_;
  Calibration calibration_;
  std::string taint_unknown_;  // why the target was not asked for defects
  TargetClock target_clock_;
  MeasuredRun measured_;
  std::optional<LatencyBatches> batches_;
  std::optional<GaugeWatch> gauges_;
  std::string death_;
  bool set_up_ = false;  // the set-up has begun, so what it made must be torn down
  std::string quiesce_note_;
  std::vector<Finding> findings_;
  RunResult result_;
};

// The labels of a compiled run's series, for gates and reports.
std::vector<SeriesLabel> series_labels(const CompiledRun& run);

}  // namespace stampede
