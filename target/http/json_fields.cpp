#include "target/http/json_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "target/service/wall_time.hpp"

namespace boxoffice {

using Json = nlohmann::json;

namespace {

constexpr std::int64_t epoch_ms_max = 253402300799999;  // the end of the year 9999

}  // namespace

bool is_word(const std::string& text, std::size_t bytes_max) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, allowed);
}

JsonFields::JsonFields(const Json& object, std::string where, std::vector<std::string>& problems)
    : object_(object), where_(std::move(where)), problems_(problems) {
  if (!object_.is_object())
    problems_.push_back((where_.empty() ? "the body" : where_) + " must be an object");
}

const Json* JsonFields::find(const char* name) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonFields::problem(const char* name, const std::string& what) {
  problems_.push_back(fmt::format("{}{}{} {}", where_, where_.empty() ? "" : ".", name, what));
}

std::optional<std::int64_t> JsonFields::whole(const char* name, std::int64_t min,
                                              std::int64_t max) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  const bool fits =
      value->is_number_integer() &&
      (!value->is_number_unsigned() || value->get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
  if (fits && value->get<std::int64_t>() >= min && value->get<std::int64_t>() <= max)
    return value->get<std::int64_t>();
  problem(name, fmt::format("must be a whole number from {} to {}", min, max));
  return {};
}

std::optional<double> JsonFields::number(const char* name, double min, double max) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_number() && value->get<double>() >= min && value->get<double>() <= max)
    return value->get<double>();
  problem(name, fmt::format("must be a number from {} to {}", min, max));
  return {};
}

std::optional<bool> JsonFields::flag(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_boolean()) return value->get<bool>();
  problem(name, "must be true or false");
  return {};
}

std::optional<std::string> JsonFields::text(const char* name, std::size_t bytes_max) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string() && value->get_ref<const std::string&>().size() <= bytes_max)
    return value->get<std::string>();
  problem(name, fmt::format("must be a text of at most {} bytes", bytes_max));
  return {};
}

std::optional<std::string> JsonFields::word(const char* name, std::size_t bytes_max) {
  auto value = text(name, bytes_max);
  if (!value || is_word(*value, bytes_max)) return value;
  problem(name, "must be of letters, digits, '-' and '_'");
  return {};
}

std::optional<std::int64_t> JsonFields::instant(const char* name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) return whole(name, 0, epoch_ms_max);
  const auto read = read_rfc3339(value->get_ref<const std::string&>());
  if (!read || *read < 0 || *read > epoch_ms_max)
    problem(name, "must be epoch milliseconds or an RFC 3339 time");
  return read;
}

const Json* JsonFields::object(const char* name) {
  const Json* value = find(name);
  if (value == nullptr || value->is_object()) return value;
  problem(name, "must be an object");
  return nullptr;
}

const Json* JsonFields::array(const char* name, std::size_t size_max) {
  const Json* value = find(name);
  if (value == nullptr || (value->is_array() && value->size() <= size_max)) return value;
  problem(name, fmt::format("must be an array of at most {}", size_max));
  return nullptr;
}

}  // namespace boxoffice
