// What a pointer leads to, as the library has it: it builds the whole document. What the harness
// finds is held against this.
#pragma once

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "harness/scenario/json_document.hpp"

namespace stampede::test {

inline const nlohmann::json* member_of(const nlohmann::json& json, std::string_view pointer) {
  const nlohmann::json* at = &json;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    std::string key(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(key.size());
    for (std::size_t tilde = key.find('~'); tilde != std::string::npos;
         tilde = key.find('~', tilde + 1)) {
      key.replace(tilde, 2, key.substr(tilde + 1, 1) == "1" ? "/" : "~");
    }
    if (at->is_object()) {
      const auto member = at->find(key);
      if (member == at->end()) return nullptr;
      at = &*member;
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      const bool number = error == std::errc{} && end == key.data() + key.size();
      if (!number || index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

inline Value value_of(const nlohmann::json& json) {
  using Type = nlohmann::json::value_t;
  switch (json.type()) {
    case Type::null:
      return std::monostate{};
    case Type::boolean:
      return json.get<bool>();
    case Type::string:
      return json.get<std::string>();
    case Type::number_integer:
      return json.get<std::int64_t>();
    case Type::number_unsigned:
      if (json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
        return json.dump();
      }
      return json.get<std::int64_t>();
    case Type::number_float:
      return json.get<double>();
    default:
      return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

struct Looked {
  bool document = false;       // there is one
  std::optional<Value> value;  // nullopt: no such member
  bool operator==(const Looked&) const = default;
};

inline Looked looked_up_by_library(std::string_view text, std::string_view pointer) {
  if (is_too_deep(text)) return {};
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return {};
  const nlohmann::json* const found = member_of(json, pointer);
  return {true, found == nullptr ? std::nullopt : std::optional(value_of(*found))};
}

inline Looked looked_up(std::string_view text, std::string_view pointer) {
  JsonDocument document(text);
  const auto found = document.find(pointer);
  if (!document.problem().empty()) return {};
  if (!found) return {true, std::nullopt};
  if (found->kind == JsonMember::Kind::text) {
    return {true, Value{std::string(document.text_of(*found))}};
  }
  return {true, value_of_json(*found)};
}

}  // namespace stampede::test
