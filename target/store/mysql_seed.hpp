// Rows made in batches for a load run. Private to the store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "target/service/admin_store.hpp"
#include "target/store/mysql.hpp"

namespace boxoffice {

inline constexpr std::uint32_t seed_batch_rows = 1000;

// "A" … "Z", "AA", …
std::string row_label(std::uint32_t row);
// The login of user `index` of a block. What makes a block is in each of its logins.
std::string seed_login(std::uint64_t seed, const SeedUsers& users, std::uint32_t index);
// INSERT statements for the users or the seats from `begin` on, at most a batch.
std::string users_batch(std::uint64_t seed, const SeedUsers& users, std::uint64_t first_id,
                        std::uint32_t begin);
std::string seats_batch(const SeedEvent& event, std::uint64_t id, std::uint32_t begin);

Task<SqlResult<SeededUsers>> insert_users(MysqlConnection& connection, std::uint64_t seed,
                                          const SeedUsers& users);
Task<SqlResult<std::uint64_t>> insert_event(MysqlConnection& connection, const SeedEvent& event,
                                            std::uint64_t venue);

}  // namespace boxoffice
