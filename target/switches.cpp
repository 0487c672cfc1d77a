#include "target/switches.hpp"

#include <algorithm>
#include <array>

namespace boxoffice {

namespace {

struct DefectRow {
  std::string_view name;
  std::atomic<bool> Switches::*member;
};
constexpr DefectRow defect_table[] = {
    {"hold_check_then_set", &Switches::hold_check_then_set},
    {"no_guard1", &Switches::no_guard1},
    {"confirm_without_owner", &Switches::confirm_without_owner},
    {"release_without_owner", &Switches::release_without_owner},
    {"leak_on_rollback", &Switches::leak_on_rollback},
    {"expire_never", &Switches::expire_never},
    {"queue_timestamp_score", &Switches::queue_timestamp_score},
    {"queue_nonatomic_pop", &Switches::queue_nonatomic_pop},
    {"queue_set_ttl", &Switches::queue_set_ttl},
    {"queue_not_enforced", &Switches::queue_not_enforced},
    {"broadcast_all", &Switches::broadcast_all},
    {"pay_in_tx", &Switches::pay_in_tx},
    {"saga_serial", &Switches::saga_serial},
    {"outbox_send_then_forget", &Switches::outbox_send_then_forget},
    {"idem_ignores_body", &Switches::idem_ignores_body},
    {"idem_off", &Switches::idem_off},
    {"webhook_unsigned", &Switches::webhook_unsigned},
    {"refund_not_sent", &Switches::refund_not_sent},
    {"bid_get_then_incr", &Switches::bid_get_then_incr},
    {"bid_uniform_top", &Switches::bid_uniform_top},
    {"seatmap_keys_scan", &Switches::seatmap_keys_scan},
    {"sse_in_hold_path", &Switches::sse_in_hold_path},
    {"conflict_is_400", &Switches::conflict_is_400},
    {"shed_everything", &Switches::shed_everything},
};

}  // namespace

const std::vector<std::string>& Switches::defect_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const DefectRow& row : defect_table) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

std::atomic<bool>* Switches::defect(std::string_view name) noexcept {
  for (const DefectRow& row : defect_table) {
    if (row.name == name) return &(this->*row.member);
  }
  return nullptr;
}

std::vector<std::string> Switches::defects_on() const {
  std::vector<std::string> on;
  for (const DefectRow& row : defect_table) {
    if (this->*row.member) on.emplace_back(row.name);
  }
  return on;
}

std::shared_ptr<const PaymentConfig> Switches::payment() const {
  const std::lock_guard lock(mutex_);
  return payment_;
}

void Switches::set_payment(PaymentConfig payment) {
  auto next = std::make_shared<const PaymentConfig>(std::move(payment));
  const std::lock_guard lock(mutex_);
  payment_ = std::move(next);
}

}  // namespace boxoffice
