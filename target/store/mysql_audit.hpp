// The audit's SQL view: A1 to A11, A13 and A14 of one event and epoch; A12, A15 and A16 of all
// practice rooms. Private to the store.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace boxoffice {

struct AuditQuery {
  std::string_view id, title;
  std::string rows;  // a SELECT of one text column: a row for each thing that is wrong
};
std::vector<AuditQuery> audit_queries(std::uint64_t event, std::uint32_t epoch);

}  // namespace boxoffice
