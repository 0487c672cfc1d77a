// Numbers of a query, such as page and size.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "target/http/api.hpp"

namespace boxoffice {

// `otherwise` where it is absent; nullopt: no whole number from 1 to `max`.
inline std::optional<std::uint32_t> number_in(const HttpRequest& request, std::string_view name,
                                              std::uint32_t otherwise, std::uint32_t max) {
  const auto text = request.query_value(name);
  if (!text) return otherwise;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  const bool whole = error == std::errc{} && end == text->data() + text->size();
  if (!whole || number < 1 || number > max) return {};
  return number;
}

}  // namespace boxoffice
