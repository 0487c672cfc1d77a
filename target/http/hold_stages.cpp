#include "target/http/hold_stages.hpp"

#include <boost/asio/co_spawn.hpp>

#include "target/domain/unavailable.hpp"
#include "target/log.hpp"

namespace boxoffice {

HoldStages::HoldStages(ThreadContext& thread)
    : io_(thread.io),
      config_(thread.config),
      switches_(thread.switches),
      catalogue_(thread.catalogue),
      ledger_(thread.seat_ledger),
      tell_seats_(
          std::make_shared<const std::function<Task<void>(std::uint64_t)>>(thread.tell_seats)) {}

HoldMode HoldStages::mode_of(std::uint64_t event) const {
  const auto& modes = config_.hold_modes;
  return modes[(event + modes.size() - 1) % modes.size()];
}

Task<std::optional<No>> HoldStages::before(std::uint64_t event, std::vector<std::uint32_t> seats) {
  if (mode_of(event) != HoldMode::dual || seats.empty()) co_return std::nullopt;
  const auto found = co_await catalogue_.event(event);
  if (!found) co_return std::nullopt;  // the hold itself says so
  const auto sold = co_await ledger_.sold_among(*found, std::move(seats));
  if (!sold) co_return std::nullopt;
  No no;
  no.refusal = Refusal::seat_sold;
  no.seat = *sold;
  co_return no;
}

// The hold is given whatever becomes of telling it.
Task<void> HoldStages::tell(std::shared_ptr<const std::function<Task<void>(std::uint64_t)>> how,
                            std::uint64_t event) {
  try {
    co_await (*how)(event);
  } catch (const StoreUnavailable& error) {
    log_debug("a hold was not told at once", {{"error", std::string(error.what())}});
  }
}

Task<void> HoldStages::after(std::uint64_t event) {
  // The defect is the stage `redis_only_sync_sse`, whatever the event's own is.
  const HoldMode mode = switches_.sse_in_hold_path ? HoldMode::sync_sse : mode_of(event);
  if (mode == HoldMode::tuned || !*tell_seats_) co_return;
  if (mode == HoldMode::async_sse) {
    asio::co_spawn(io_, tell(tell_seats_, event), [](const std::exception_ptr& failure) {
      try {
        if (failure) std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        log_error("telling a hold failed", {{"error", std::string(error.what())}});
      }
    });
    co_return;
  }
  co_await tell(tell_seats_, event);
}

}  // namespace boxoffice
