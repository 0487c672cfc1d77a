#include "target/http/watch_list.hpp"

namespace boxoffice {

Watched::Watched(std::shared_ptr<WatchList> list)
    : list_(std::move(list)), place_(list_->rows_.size()) {
  list_->rows_.push_back({TimePoint::max(), this});
}

Watched::~Watched() {
  WatchList::Row& gap = list_->rows_[place_];
  gap = list_->rows_.back();
  gap.watched->place_ = place_;
  list_->rows_.pop_back();
}

void Watched::set_deadline(TimePoint deadline) noexcept {
  list_->rows_[place_].deadline = deadline;
}

void WatchList::tick(TimePoint now) noexcept {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].deadline <= now) rows_[i].watched->expired(now);
  }
}

void WatchList::drain(TimePoint now) noexcept {
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].watched->drain(now);
}

void WatchList::cut() noexcept {
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].watched->cut();
}

}  // namespace boxoffice
