#include "harness/scenario/regex_pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>

namespace stampede {

namespace {

constexpr std::int64_t memory_max = std::int64_t{8} << 20;
constexpr int groups_max = 16;

std::string_view view(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

std::string hint_of(std::string_view guilty) {
  if (guilty.starts_with("(?=") || guilty.starts_with("(?!") || guilty.starts_with("(?<")) {
    return "there is no looking ahead or behind: capture a group instead";
  }
  const bool reference =
      guilty.size() == 2 && guilty[0] == '\\' && guilty[1] >= '1' && guilty[1] <= '9';
  return reference ? "there are no back references" : "";
}

}  // namespace

struct RegexPattern::Engine {
  Engine(std::string_view text, const RE2::Options& options)
      : re2(re2::StringPiece(text.data(), text.size()), options) {}

  // Walks over the matches until `visit(match number, text of the group)` says enough.
  template <class Visit>
  void walk(std::string_view text, unsigned group, const Visit& visit) const {
    const re2::StringPiece whole(text.data(), text.size());
    std::array<re2::StringPiece, groups_max + 1> found;
    const int wanted = static_cast<int>(group) + 1;
    std::size_t from = 0;
    for (std::uint32_t n = 1; n <= regex_matches_max && from <= text.size(); ++n) {
      if (!re2.Match(whole, from, text.size(), RE2::UNANCHORED, found.data(), wanted)) return;
      if (!visit(n, view(found[group]))) return;
      const auto end = static_cast<std::size_t>(found[0].data() - text.data()) + found[0].size();
      // An empty match would be found at its place for ever.
      from = found[0].empty() ? end + 1 : end;
    }
  }

  RE2 re2;
};

RegexPattern::RegexPattern(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
RegexPattern::~RegexPattern() = default;

Checked<std::shared_ptr<const RegexPattern>> RegexPattern::compile(std::string_view text) {
  const auto fail = [](std::size_t at, std::string message, std::string hint) {
    return Diagnostics{{"", {1, static_cast<int>(at) + 1}, std::move(message), std::move(hint)}};
  };
  if (text.size() > regex_bytes_max) {
    return fail(0, "a pattern longer than " + std::to_string(regex_bytes_max) + " bytes", "");
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_max);
  auto engine = std::make_unique<Engine>(text, options);
  if (!engine->re2.ok()) {
    const std::string& guilty = engine->re2.error_arg();
    const std::size_t at = text.find(guilty);
    return fail(at == std::string_view::npos ? 0 : at,
                "not a regular expression: " + engine->re2.error(), hint_of(guilty));
  }
  if (engine->re2.NumberOfCapturingGroups() > groups_max) {
    return fail(0, "more than " + std::to_string(groups_max) + " groups", "write (?:…) for some");
  }
  return std::shared_ptr<const RegexPattern>(new RegexPattern(std::move(engine)));
}

const std::string& RegexPattern::text() const noexcept { return engine_->re2.pattern(); }

unsigned RegexPattern::groups() const noexcept {
  return static_cast<unsigned>(engine_->re2.NumberOfCapturingGroups());
}

bool RegexPattern::found_in(std::string_view text) const {
  return engine_->re2.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                            RE2::UNANCHORED, nullptr, 0);
}

std::optional<std::string_view> RegexPattern::nth(std::string_view text, unsigned group,
                                                  std::uint32_t n) const {
  std::optional<std::string_view> result;
  engine_->walk(text, group, [&](std::uint32_t number, std::string_view found) {
    if (number == n) result = found;
    return number < n;
  });
  return result;
}

std::optional<std::string_view> RegexPattern::last(std::string_view text, unsigned group) const {
  std::optional<std::string_view> result;
  engine_->walk(text, group, [&](std::uint32_t, std::string_view found) {
    result = found;
    return true;
  });
  return result;
}

// Reservoir of one: every match is kept with probability 1/n, without a list of them.
std::optional<std::string_view> RegexPattern::any(std::string_view text, unsigned group,
                                                  Random& random) const {
  std::optional<std::string_view> result;
  engine_->walk(text, group, [&](std::uint32_t number, std::string_view found) {
    if (random.below(number) == 0) result = found;
    return true;
  });
  return result;
}

std::uint32_t RegexPattern::count(std::string_view text) const {
  std::uint32_t matches = 0;
  engine_->walk(text, 0, [&](std::uint32_t number, std::string_view) {
    matches = number;
    return true;
  });
  return matches;
}

}  // namespace stampede
