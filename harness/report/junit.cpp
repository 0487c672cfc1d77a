// JUnit XML that both common readers' schemas accept: one suite, one case per finding, one each for
// the set-up and the tear-down. A miss or a broken invariant is a <failure>; what could not be
// decided, or proves nothing, is an <error>. A tear-down that failed is <skipped>: it changes no
// verdict.
#include <fmt/format.h>

#include <ostream>
#include <sstream>

#include "harness/report/run_result.hpp"
#include "harness/report/summary.hpp"
#include "harness/report/utf8.hpp"

namespace stampede {

namespace {

constexpr int console_width = 110;

// Text for an element or an attribute. What XML 1.0 cannot hold at all becomes '?'.
std::string escaped(std::string_view text) {
  std::string out;
  each_letter(text, [&out](const Letter& letter) {
    switch (letter.code) {
      case '&':
        out += "&amp;";
        return;
      case '<':
        out += "&lt;";
        return;
      case '>':
        out += "&gt;";
        return;
      case '"':
        out += "&quot;";
        return;
      case '\n':
        out += "&#10;";
        return;
      case '\r':
        out += "&#13;";
        return;
      case '\t':
        out += "&#9;";
        return;
      default:
        break;
    }
    const bool allowed = letter.valid && letter.code >= 0x20 && letter.code != 0xFFFE &&
                         letter.code != 0xFFFF && letter.code != 0x7F;
    out += allowed ? letter.bytes : std::string_view("?");
  });
  return out;
}

// Kept readable: line breaks as they are. "]]>" is escaped with the rest, so no CDATA is needed.
std::string escaped_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

struct Case {
  std::string classname, name;
  std::string element;  // "", "failure", "error" or "skipped"
  std::string type, message, text;
  double seconds = 0;
};

std::string_view kind_name(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::gate:
      return "gates";
    case Finding::Kind::invariant:
      return "invariants";
    case Finding::Kind::validity:
      return "validity";
    case Finding::Kind::diagnosis:
      return "diagnosis";
  }
  return "";
}

Case case_of(const RunResult& run, const Finding& finding) {
  Case out;
  out.classname = fmt::format("stampede.{}.{}", run.profile_name, kind_name(finding.kind));
  out.name =
      finding.kind == Finding::Kind::gate ? finding.rule : finding.rule + ": " + finding.title;
  if (finding.verdict == Verdict::pass) return out;
  const bool failed =
      finding.verdict == Verdict::fail || finding.verdict == Verdict::broken_invariant;
  out.element = failed ? "failure" : "error";
  out.type = name_of(finding.verdict);
  out.message = fmt::format("{}: {}, limit {}", finding.title, finding.measured, finding.limit);
  for (const std::string& sample : finding.samples) out.text += sample + "\n";
  return out;
}

// A run that did not end, or in which nothing was judged, must not be an empty green suite.
void add_run_case(const RunResult& run, std::vector<Case>& cases) {
  const bool ended = run.state == "complete";
  if (ended && !run.findings.empty()) return;
  Case out;
  out.classname = fmt::format("stampede.{}.run", run.profile_name);
  out.name = "the run ends and is judged";
  out.element = "error";
  out.type = run.verdict;
  out.message = ended ? "nothing was judged" : fmt::format("{}: {}", run.state, run.state_reason);
  cases.push_back(std::move(out));
}

// What its steps came to stands in the system-out, as the console tells it.
void add_phase_case(const RunResult& run, const PhaseResult& phase, std::string_view name,
                    std::vector<Case>& cases) {
  if (phase.series.empty() && phase.problem.empty()) return;
  Case out;
  out.classname = fmt::format("stampede.{}.{}", run.profile_name, name);
  out.name = fmt::format("the {} is done", name);
  out.seconds = phase.seconds;
  if (!phase.problem.empty()) {
    out.element = name == "setup" ? "error" : "skipped";
    out.type = "failed";
    out.message = phase.problem;
  }
  cases.push_back(std::move(out));
}

// "2026-11-21T07:35:35Z" → without the zone, as one of the schemas wants it.
std::string timestamp_of(const RunResult& run) {
  constexpr std::string_view shape = "2026-11-21T07:35:35";
  const std::string text = run.started_at.substr(0, shape.size());
  bool fine = text.size() == shape.size();
  for (std::size_t i = 0; fine && i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    fine = shape[i] >= '0' && shape[i] <= '9' ? digit : text[i] == shape[i];
  }
  return fine ? text : "1970-01-01T00:00:00";
}

void write_case(const Case& each, std::ostream& out) {
  out << fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"{:.3f}\"",
                     escaped(each.name), escaped(each.classname), each.seconds);
  if (each.element.empty()) {
    out << "/>\n";
    return;
  }
  if (each.element == "skipped") {
    out << fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                       escaped(each.message));
    return;
  }
  out << fmt::format(">\n      <{} type=\"{}\" message=\"{}\">{}</{}>\n    </testcase>\n",
                     each.element, escaped(each.type), escaped(each.message),
                     escaped_lines(each.text), each.element);
}

void write_property(std::ostream& out, std::string_view name, std::string_view value) {
  if (name.empty()) return;
  out << fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", escaped(name), escaped(value));
}

}  // namespace

void write_junit(const RunResult& run, std::ostream& out) {
  std::vector<Case> cases;
  add_run_case(run, cases);
  add_phase_case(run, run.setup, "setup", cases);
  add_phase_case(run, run.teardown, "teardown", cases);
  for (const Finding& finding : run.findings) cases.push_back(case_of(run, finding));
  std::size_t failures = 0, errors = 0;
  for (const Case& each : cases) {
    if (each.element == "failure") ++failures;
    if (each.element == "error") ++errors;
  }
  const std::string name = run.profile_name.empty() ? "run" : run.profile_name;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  out << fmt::format(
      "  <testsuite package=\"stampede\" id=\"0\" name=\"{}\" timestamp=\"{}\" hostname=\"{}\" "
      "tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\">\n",
      escaped(name), timestamp_of(run), escaped(hostname_of(run)), cases.size(), failures, errors,
      run.duration_seconds);
  out << "    <properties>\n";
  write_property(out, "verdict", run.verdict);
  write_property(out, "exit_code", std::to_string(run.exit_code));
  write_property(out, "run", run.id);
  write_property(out, "seed", std::to_string(run.seed));
  write_property(out, "topology", run.topology);
  for (const auto& [key, value] : run.environment) write_property(out, key, value);
  out << "    </properties>\n";
  for (const Case& each : cases) write_case(each, out);
  std::ostringstream console;
  write_console(run, console, false, console_width);
  out << "    <system-out>" << escaped_lines(console.str()) << "</system-out>\n";
  out << "    <system-err></system-err>\n  </testsuite>\n</testsuites>\n";
}

}  // namespace stampede
