// The tables of boxoffice. Applied at start; any number of instances may do so at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "target/domain/task.hpp"
#include "target/store/mysql.hpp"

namespace boxoffice {

std::string_view schema_text() noexcept;  // target/store/schema.sql
// Split at ';', without comments; neither is looked for inside quotes.
std::vector<std::string> sql_statements(std::string_view text);

// Makes the database and the tables that are not there. Throws StoreUnavailable.
Task<void> apply_schema(MysqlPool& pool);
// The unique key on live seats: off is the defect `no_guard1`. Putting it back throws when two live
// orders share a seat.
Task<void> apply_guards(MysqlPool& pool, bool on);
Task<SqlResult<Rows>> alter_guards(MysqlPool& pool, bool on);  // the same, that no as a value

}  // namespace boxoffice
