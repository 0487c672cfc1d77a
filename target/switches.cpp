#include "target/switches.hpp"

namespace boxoffice {

const std::vector<std::string>& Switches::defect_names() {
  static const std::vector<std::string> names{"hold_check_then_set", "no_guard1",
                                              "release_without_owner", "conflict_is_400"};
  return names;
}

std::atomic<bool>* Switches::defect(std::string_view name) noexcept {
  if (name == "hold_check_then_set") return &hold_check_then_set;
  if (name == "no_guard1") return &no_guard1;
  if (name == "release_without_owner") return &release_without_owner;
  if (name == "conflict_is_400") return &conflict_is_400;
  return nullptr;
}

std::vector<std::string> Switches::defects_on() const {
  std::vector<std::string> on;
  if (hold_check_then_set) on.emplace_back("hold_check_then_set");
  if (no_guard1) on.emplace_back("no_guard1");
  if (release_without_owner) on.emplace_back("release_without_owner");
  if (conflict_is_400) on.emplace_back("conflict_is_400");
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
