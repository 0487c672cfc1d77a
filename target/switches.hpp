// What can be changed while boxoffice runs: defects (lab mode only), the payment simulator, the
// pause of admissions. Read on hot paths.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "target/config.hpp"

namespace boxoffice {

class Switches {
 public:
  // Defects: deliberate bugs, to prove that the harness sees them. Any of them on taints the run.
  std::atomic<bool> hold_check_then_set{false};  // the hold checks in one call and sets in another
  std::atomic<bool> no_guard1{
      false};  // the unique keys on seats are off (index dropped, ticket insert overwrites)
  std::atomic<bool> release_without_owner{false};  // anybody may release any hold
  std::atomic<bool> conflict_is_400{false};        // refusals 409 are answered as 400
  std::atomic<bool> admissions_paused{false};      // by /admin/quiesce

  static const std::vector<std::string>& defect_names();
  std::atomic<bool>* defect(std::string_view name) noexcept;  // null: unknown
  [[nodiscard]] std::vector<std::string> defects_on() const;
  [[nodiscard]] bool tainted() const { return !defects_on().empty(); }

  [[nodiscard]] std::shared_ptr<const PaymentConfig> payment() const;
  void set_payment(PaymentConfig payment);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const PaymentConfig> payment_ = std::make_shared<PaymentConfig>();
};

}  // namespace boxoffice
