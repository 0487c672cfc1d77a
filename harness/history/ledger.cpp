// The client ledger: names of its kinds, and appending under a limit.
#include "harness/history/ledger.hpp"

#include <array>
#include <iterator>
#include <utility>

namespace stampede {

namespace {
constexpr std::array<std::string_view, 11> kind_names{"enter",   "admitted", "hold",    "extend",
                                                      "release", "order",    "payment", "confirmed",
                                                      "cancel",  "leave",    "bid"};
}  // namespace

std::optional<LedgerKind> ledger_kind(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kind_names.size(); ++i) {
    if (kind_names[i] == name) return static_cast<LedgerKind>(i);
  }
  return std::nullopt;
}

std::string_view name_of(LedgerKind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

void Ledger::append(LedgerEntry entry) {
  if (entries_.size() >= entries_max_) {
    ++overflow_;
    return;
  }
  entries_.push_back(std::move(entry));
}

void Ledger::join(Ledger&& other) {
  overflow_ += other.overflow_;
  const std::size_t room = entries_max_ - entries_.size();
  const std::size_t taken = other.entries_.size() < room ? other.entries_.size() : room;
  overflow_ += other.entries_.size() - taken;
  entries_.insert(
      entries_.end(), std::make_move_iterator(other.entries_.begin()),
      std::make_move_iterator(other.entries_.begin() + static_cast<std::ptrdiff_t>(taken)));
  other.entries_.clear();
}

}  // namespace stampede
