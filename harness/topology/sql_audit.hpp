// The SQL checks A1 … A9 as data: each is a query whose rows are the violations, told as text.
#pragma once

#include <array>
#include <string_view>

namespace stampede {

struct SqlAudit {
  std::string_view id, title;
  // Columns: witness, weight (how many violations the row stands for). {0} event id, {1} epoch.
  std::string_view query;
  bool per_event;
};
extern const std::array<SqlAudit, 9> sql_audits;

}  // namespace stampede
