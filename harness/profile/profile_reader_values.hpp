// What a YAML scalar means: numbers, shares, durations, names, … Every function takes a node that
// may be absent (nullptr: nothing happens), reports what is wrong, and writes only what is right.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profile.hpp"
#include "harness/profile/profile_reader_yaml.hpp"

namespace stampede {

inline constexpr Nanos duration_max = std::chrono::hours{24 * 7};
inline constexpr std::size_t name_bytes_max = 64;

// A problem within a text; `at` is an offset.
struct TextProblem {
  std::size_t at = 0;
  std::string message, hint;
};
template <class T>
using Parsed = boost::system::result<T, TextProblem>;

// "250ms", "1m30s", "1.5s"; a number alone is a problem.
Parsed<Nanos> parse_duration(std::string_view text);
// "2s", "uniform 2s 5s", "exponential 2s", "normal 2s 500ms", "lognormal 600ms 0.5".
Parsed<RandomDuration> parse_random_duration(std::string_view text);
// "3s:4, 12s:4": durations and targets.
Parsed<std::vector<Stage>> parse_stages(std::string_view text);
// A decimal number, whole text; nullopt for anything else (octal look-alikes, hexadecimal,
// infinity, …).
std::optional<double> parse_number(std::string_view text);

bool is_name(std::string_view text);  // a letter, then letters, digits, _ and -

// Collects the problems of one profile.
class Problems {
 public:
  Problems(std::string file, const std::vector<std::string>& sets)
      : file_(std::move(file)), sets_(sets) {}

  // `at` is an offset within the node's text.
  void report(const YamlNode& node, std::string message, std::string hint = {}, std::size_t at = 0);
  void add(Diagnostic diagnostic);
  [[nodiscard]] bool any() const noexcept { return !found_.empty(); }
  // Ordered by place, those of --set last.
  Diagnostics take();

 private:
  std::string file_;
  const std::vector<std::string>& sets_;
  Diagnostics found_;
};

// The members of a map. Unknown keys are reported when it is made.
class Fields {
 public:
  // `what` completes "… has no key": "a scenario".
  Fields(Problems& problems, const YamlNode* node, std::string what,
         const std::vector<std::string>& known);
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
  const YamlNode* require(std::string_view key, std::string_view hint = {});
  // The map itself, for problems that only the caller sees.
  [[nodiscard]] const YamlNode* node() const noexcept { return node_; }
  [[nodiscard]] bool is_map() const noexcept { return is_map_; }

 private:
  Problems& problems_;
  const YamlNode* node_;
  bool is_map_ = false;
  std::string what_;
};

class Values {
 public:
  explicit Values(Problems& problems) : problems_(problems) {}

  void text(const YamlNode* node, std::string& into) const;
  void name(const YamlNode* node, std::string& into) const;
  void flag(const YamlNode* node, bool& into) const;
  void number(const YamlNode* node, double& into, double min, double max) const;
  // 0…1; "5%" and 0.05 are the same.
  void share(const YamlNode* node, double& into) const;
  void duration(const YamlNode* node, Nanos& into, Nanos min = Nanos{0}) const;
  void random_duration(const YamlNode* node, RandomDuration& into) const;
  void source(const YamlNode* node, Source& into) const;
  // A list of names, or one scalar with commas.
  void names(const YamlNode* node, std::vector<std::string>& into) const;
  template <class Unsigned>
  void whole(const YamlNode* node, Unsigned& into, std::uint64_t min = 0,
             std::uint64_t max = std::numeric_limits<Unsigned>::max()) const {
    if (const auto value = whole_number(node, min, max)) into = static_cast<Unsigned>(*value);
  }
  // The items of a list; reports anything else.
  [[nodiscard]] const std::vector<YamlNodePtr>& list(const YamlNode* node,
                                                     std::string_view what) const;
  // The members of a map whose keys the author chooses; reports anything else.
  [[nodiscard]] const std::vector<YamlNode::Member>& members(const YamlNode* node,
                                                             std::string_view what) const;

 private:
  // A scalar, or a report that `wanted` was wanted.
  [[nodiscard]] bool is_scalar(const YamlNode& node, std::string_view wanted) const;
  [[nodiscard]] std::optional<std::uint64_t> whole_number(const YamlNode* node, std::uint64_t min,
                                                          std::uint64_t max) const;
  void report_number(const YamlNode& node, std::string_view wanted) const;

  Problems& problems_;
};

}  // namespace stampede
