#include "target/domain/refusal.hpp"

#include <stdexcept>

namespace boxoffice {

// Subtle: the table is in the order of the enumeration, so a row is found by index; the assertion
// keeps both from drifting apart.
const RefusalRow& row_of(Refusal refusal) noexcept {
  static_assert([] {
    for (std::size_t i = 0; i < refusal_table.size(); ++i) {
      if (static_cast<std::size_t>(refusal_table[i].refusal) != i) return false;
    }
    return true;
  }());
  return refusal_table[static_cast<std::size_t>(refusal)];
}

// Reached only when somebody asks a refused decision for its value: a bug, not a refusal.
void throw_no(const No& no) {
  throw std::logic_error("value() of a refusal: " + std::string(row_of(no.refusal).code));
}

}  // namespace boxoffice
