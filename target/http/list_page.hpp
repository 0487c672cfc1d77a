// Which part of a list is asked for: `page` and `size` of the query.
#pragma once

#include <fmt/format.h>

#include "target/http/query_number.hpp"
#include "target/service/order.hpp"

namespace boxoffice {

inline constexpr std::uint32_t list_size_default = 20, list_size_max = 50, list_page_max = 100000;
struct ListPage {
  std::uint32_t page = 1, size = list_size_default;  // pages count from 1
};

inline Decision<ListPage> list_page(const HttpRequest& request) {
  const auto page = number_in(request, "page", 1, list_page_max);
  const auto size = number_in(request, "size", list_size_default, list_size_max);
  if (!page || !size) {
    return refused(Refusal::malformed,
                   fmt::format("page is 1 to {}, size 1 to {}", list_page_max, list_size_max));
  }
  return ListPage{*page, *size};
}

}  // namespace boxoffice
