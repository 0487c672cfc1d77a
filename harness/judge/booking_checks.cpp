#include "harness/judge/booking_checks.hpp"

namespace stampede {

void InvariantCheck::fail(std::string witness, std::uint64_t weight) {
  bad += weight;
  if (witnesses.size() < witnesses_max) witnesses.push_back(std::move(witness));
}

Finding to_finding(const InvariantCheck& check) {
  Finding finding;
  finding.kind = Finding::Kind::invariant;
  finding.rule = check.id;
  finding.title = check.title;
  finding.limit = "= 0";
  if (!check.not_run.empty()) {
    finding.verdict = Verdict::inconclusive;
    finding.measured = "not checked: " + check.not_run;
    return finding;
  }
  finding.verdict = check.bad == 0 ? Verdict::pass : Verdict::broken_invariant;
  finding.figure = static_cast<double>(check.bad);
  finding.measured = check.subject.empty()
                         ? fmt::format("{}", check.bad)
                         : fmt::format("{} of {} {}", check.bad, check.examined, check.subject);
  finding.samples = check.witnesses;
  return finding;
}

std::string seat_name(std::uint64_t event, std::uint32_t seat) {
  return fmt::format("event {} seat {}", event, seat);
}

namespace {
template <class Integer>
bool read_number(std::string_view text, Integer& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end && !text.empty();
}
}  // namespace

SeatState parse_seat_state(const std::string& text) {
  std::array<std::string_view, 5> parts{};
  std::size_t count = 0;
  for (std::string_view rest = text; count < parts.size();) {
    const std::size_t colon = rest.find(':');
    parts[count++] = rest.substr(0, colon);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  SeatState state;
  if (text == "L") {
    state.kind = 'L';
    return state;
  }
  if (parts[0].size() != 1 || !read_number(parts[1], state.user)) return {};
  const char kind = parts[0][0];
  const bool timed =
      count == 5 && read_number(parts[3], state.expires_ms) && read_number(parts[4], state.fence);
  if (kind == 'H' && timed)
    state.hold = std::string(parts[2]);
  else if (!(kind == 'P' && timed && read_number(parts[2], state.order)) &&
           !(kind == 'S' && count == 3 && read_number(parts[2], state.order)))
    return {};
  state.kind = kind;
  return state;
}

}  // namespace stampede
