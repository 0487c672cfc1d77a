#include "harness/scenario/json_document.hpp"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace stampede {

using Json = nlohmann::json;

// Counts brackets outside strings.
bool is_too_deep(std::string_view text) noexcept {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

const Json* find_member(const Json& json, std::string_view pointer) {
  const Json* at = &json;
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

Value value_of_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return std::monostate{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::string:
      return json.get_ref<const std::string&>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
        return json.dump();  // as text: a double would change its digits
      }
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    default:
      return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

JsonDocument::JsonDocument(std::string_view text) : text_(text) {}
JsonDocument::~JsonDocument() = default;

const Json* JsonDocument::find(std::string_view pointer) {
  if (!parsed_) {
    parsed_ = true;
    if (is_too_deep(text_)) {
      problem_ = "the answer is nested too deeply";
    } else {
      json_ = std::make_unique<Json>(Json::parse(text_, nullptr, false));
      if (json_->is_discarded()) problem_ = "the answer is not JSON";
    }
  }
  return problem_.empty() ? find_member(*json_, pointer) : nullptr;
}

}  // namespace stampede
