// Epoch milliseconds as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace boxoffice {

std::string rfc3339(std::int64_t epoch_ms);  // "2026-11-21T07:15:51.250Z"

}  // namespace boxoffice
