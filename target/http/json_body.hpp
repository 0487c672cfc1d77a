// Reading request bodies: what is not JSON is malformed (400), what has the wrong shape can never
// succeed (422).
#pragma once

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "target/domain/refusal.hpp"

namespace boxoffice {

// In a struct of its own, because a json can be made from nearly anything, a refusal included.
struct JsonObject {
  nlohmann::json members;
};

// An absent body reads as {}.
inline Decision<JsonObject> read_json_object(std::string_view body) {
  if (body.empty()) return JsonObject{nlohmann::json::object()};
  nlohmann::json value = nlohmann::json::parse(body, nullptr, false);
  if (!value.is_discarded() && value.is_object()) return JsonObject{std::move(value)};
  No no;
  no.refusal = Refusal::malformed;
  no.detail = "the body must be a JSON object";
  return no;
}

// A number without sign and fraction, or a string that spells one.
inline std::optional<std::uint64_t> json_unsigned(const nlohmann::json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || last != end || text.empty()) return std::nullopt;
  return number;
}

}  // namespace boxoffice
