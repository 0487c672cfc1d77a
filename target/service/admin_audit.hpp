// The audit's second view: Redis held against MySQL (R1 to R5; the SQL checks are the store's).
#pragma once

#include <string_view>
#include <vector>

#include "target/service/admin_store.hpp"
#include "target/service/seat_mirror.hpp"

namespace boxoffice {

inline constexpr std::size_t audit_samples_max = 5;

// Meant for a quiet event: what moves between the two reads shows as bad.
std::vector<AuditCheck> mirror_checks(const SeatTruth& truth, const std::vector<MirrorSeat>& mirror,
                                      std::string_view bitmap, std::uint32_t seats);

}  // namespace boxoffice
