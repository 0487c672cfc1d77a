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
  // A new one is a member here and a row of the table in switches.cpp.
  std::atomic<bool> hold_check_then_set{false};  // the hold checks in one call and sets in another
  std::atomic<bool> no_guard1{
      false};  // the unique keys on seats are off (index dropped, ticket insert overwrites)
  std::atomic<bool> confirm_without_owner{false};  // an order takes the seats that it names, held
                                                   // by whomever or by nobody
  std::atomic<bool> release_without_owner{false};  // anybody may release any hold
  std::atomic<bool> leak_on_rollback{false};  // a refused order keeps its seats; nobody mends that
  std::atomic<bool> expire_never{false};      // the seats of a hold that is over stay taken
  std::atomic<bool> queue_timestamp_score{false};  // places by the clock's second, ties by user id
  std::atomic<bool> queue_nonatomic_pop{false};    // two instances admit without a lease or script
  std::atomic<bool> queue_set_ttl{false};          // the slots of the silent do not lapse
  std::atomic<bool> queue_not_enforced{false};     // whoever waits is admitted: no rate, no cap
  std::atomic<bool> broadcast_all{false};  // every admission is told to everybody who is connected
  std::atomic<bool> pay_in_tx{false};    // a database connection waits for the provider (sync mode)
  std::atomic<bool> saga_serial{false};  // one payment after the other, in each thread (sync mode)
  std::atomic<bool> outbox_send_then_forget{false};  // SENT whether it was sent or not
  std::atomic<bool> idem_ignores_body{false};        // another body under a key: the old answer
  std::atomic<bool> idem_off{false};                 // every request is the first of its key
  std::atomic<bool> webhook_unsigned{false};         // nobody looks at the signature of a webhook
  std::atomic<bool> refund_not_sent{false};  // called refunded, and the provider is not told
  // A person's bids are counted in one call and the bid is taken in another, without guard 5.
  std::atomic<bool> bid_get_then_incr{false};
  std::atomic<bool> bid_uniform_top{false};    // every winner of an auction pays the highest bid
  std::atomic<bool> seatmap_keys_scan{false};  // the seat map is asked for key by key
  std::atomic<bool> sse_in_hold_path{false};   // a hold's answer waits for the live maps
  std::atomic<bool> conflict_is_400{false};    // refusals 409 are answered as 400
  std::atomic<bool> shed_everything{false};    // whatever would change something: OVERLOADED
  std::atomic<bool> admissions_paused{false};  // by /admin/quiesce

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
