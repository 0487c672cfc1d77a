// What a person sees while a run goes on: a block that redraws itself in a terminal, plain lines
// elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "harness/report/run_result.hpp"
#include "harness/time.hpp"

namespace stampede {

// What the block shows.
struct LiveState {
  std::string name, phase;
  double elapsed = 0, seconds = 0;   // of the load
  std::vector<std::string> figures;  // "users 120", "p95 3.1 ms", …
  std::vector<std::uint64_t> rates;  // transactions of the last seconds, for the small curve
};
// Its lines, none of them longer than the terminal: one that wrapped would leave a ghost behind at
// every redraw. Where the figures do not fit into one they take more.
[[nodiscard]] std::vector<std::string> live_block(const LiveState& state, std::size_t columns);

class LiveView {
 public:
  using Columns = std::function<int()>;  // of the terminal, now
  struct Plan {
    std::string name;
    double seconds = 0;  // of load
    double warm_up_seconds = 0;
    double drain_seconds = 0;
  };
  // `columns`: redraw with ANSI sequences; empty, no terminal: one line every `line_every` seconds.
  LiveView(std::ostream& out, Plan plan, Columns columns, std::uint32_t line_every = 5);

  // A step of the story ("mariadb ready in 0.3 s").
  void note(const std::string& text);
  void second(const SecondResult& second);
  // Leaves the terminal with the last state above the cursor.
  void finish();

 private:
  void draw();
  void erase();
  [[nodiscard]] std::vector<std::string> figures() const;
  [[nodiscard]] std::string phase() const;

  std::ostream& out_;
  Plan plan_;
  Columns columns_;
  std::uint32_t line_every_;
  std::vector<std::size_t> drawn_;  // widths of the lines above the cursor
  SecondResult last_;
  std::vector<std::uint64_t> rates_;  // transactions of the last seconds, for the small curve
  std::uint64_t requests_ = 0, errors_ = 0;
};

}  // namespace stampede
