// The JSON of an answer: parsed at most once, by the first capture or check that needs it.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "harness/scenario/template.hpp"

namespace stampede {

// Deeper nesting is not parsed: it would cost stack.
inline constexpr std::size_t json_depth_max = 64;

// Nested deeper than json_depth_max? A cheap look before the parser builds anything.
bool is_too_deep(std::string_view json) noexcept;
// nullptr: there is no such member. The pointer's syntax was checked when the profile was read.
const nlohmann::json* find_member(const nlohmann::json& json, std::string_view pointer);
// Booleans, numbers and texts keep their type; lists and objects become JSON text, null is unset.
Value value_of_json(const nlohmann::json& json);

class JsonDocument {
 public:
  // `text` must stay.
  explicit JsonDocument(std::string_view text);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;

  // nullptr: no such member, or no document at all (then problem() says why).
  const nlohmann::json* find(std::string_view pointer);
  [[nodiscard]] std::string_view problem() const noexcept { return problem_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
  std::string_view problem_;
  bool parsed_ = false;
  std::unique_ptr<nlohmann::json> json_;
};

}  // namespace stampede
