// What a person sees while a run goes on: a block that redraws itself in a terminal, plain lines
// elsewhere.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "harness/report/run_result.hpp"
#include "harness/time.hpp"

namespace stampede {

class LiveView {
 public:
  struct Plan {
    std::string name;
    double seconds = 0;  // of load
    double warm_up_seconds = 0;
    double drain_seconds = 0;
  };
  // `terminal`: redraw with ANSI sequences; else one line every `line_every` seconds.
  LiveView(std::ostream& out, Plan plan, bool terminal, std::uint32_t line_every = 5);

  // A step of the story ("mariadb ready in 0.3 s").
  void note(const std::string& text);
  void second(const SecondResult& second);
  // Leaves the terminal with the last state above the cursor.
  void finish();

 private:
  void draw();
  [[nodiscard]] std::string figures() const;
  [[nodiscard]] std::string phase() const;

  std::ostream& out_;
  Plan plan_;
  bool terminal_;
  std::uint32_t line_every_;
  int drawn_lines_ = 0;
  SecondResult last_;
  std::vector<std::uint64_t> rates_;  // transactions of the last seconds, for the small curve
  std::uint64_t requests_ = 0, errors_ = 0;
};

}  // namespace stampede
