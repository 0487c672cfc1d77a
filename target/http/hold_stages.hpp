// What --hold-mode puts around a hold: the stages before the last one (config.hpp, HoldMode).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "target/parts.hpp"

namespace boxoffice {

class HoldStages {
 public:
  explicit HoldStages(ThreadContext& thread);

  // A refusal that `dual` finds in the database before Redis is asked.
  Task<std::optional<No>> before(std::uint64_t event, std::vector<std::uint32_t> seats);
  // A hold was given.
  Task<void> after(std::uint64_t event);

 private:
  [[nodiscard]] HoldMode mode_of(std::uint64_t event) const;
  static Task<void> tell(std::shared_ptr<const std::function<Task<void>(std::uint64_t)>> how,
                         std::uint64_t event);

  asio::io_context& io_;
  const Config& config_;
  const Switches& switches_;
  Catalogue& catalogue_;
  SeatLedger& ledger_;
  std::shared_ptr<const std::function<Task<void>(std::uint64_t)>> tell_seats_;
};

}  // namespace boxoffice
