// A regular expression over what a target sent. RE2: its time is linear in the text whatever the
// pattern is, so that no answer can hold a worker. Compiled once and shared, read-only, by all
// workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "harness/diagnostic.hpp"
#include "harness/scenario/random.hpp"

namespace stampede {

inline constexpr std::size_t regex_bytes_max = 4096;
// Matches looked at in one text. Each may cost a walk to the text's end, so their number is what
// keeps a search linear.
inline constexpr std::uint32_t regex_matches_max = 1000;

class RegexPattern {
 public:
  // A failure holds one diagnostic whose column counts from 1 within `text`.
  static Checked<std::shared_ptr<const RegexPattern>> compile(std::string_view text);
  ~RegexPattern();
  RegexPattern(const RegexPattern&) = delete;

  [[nodiscard]] const std::string& text() const noexcept;
  // Number of its groups, the whole match (0) not counted.
  [[nodiscard]] unsigned groups() const noexcept;
  [[nodiscard]] bool found_in(std::string_view text) const;
  // What `group` holds in the n-th match, from 1; nullopt: there is none. A group that took no part
  // in the match is empty.
  [[nodiscard]] std::optional<std::string_view> nth(std::string_view text, unsigned group,
                                                    std::uint32_t n) const;
  // Of the last match, and of any one; both among the first regex_matches_max.
  [[nodiscard]] std::optional<std::string_view> last(std::string_view text, unsigned group) const;
  [[nodiscard]] std::optional<std::string_view> any(std::string_view text, unsigned group,
                                                    Random& random) const;
  // Matches, at most regex_matches_max.
  [[nodiscard]] std::uint32_t count(std::string_view text) const;

 private:
  struct Engine;
  explicit RegexPattern(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace stampede
