// One coarse deadline mechanism per thread: a timer per operation would cost more than the request.
// Deadlines lie side by side, so a look at 20,000 of them is a walk through one block of memory.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "target/domain/task.hpp"

namespace boxoffice {

class WatchList;

// Something on this thread whose time may run out. Neither call may destroy it.
class Watched {
 public:
  virtual void expired(TimePoint now) noexcept = 0;  // sets a new deadline, or ends itself
  virtual void drain(TimePoint now) noexcept = 0;    // end soon, politely
  virtual void cut() noexcept = 0;                   // end now

 protected:
  // Keeps the list, and what the list is part of, alive.
  explicit Watched(std::shared_ptr<WatchList> list);
  ~Watched();
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  void set_deadline(TimePoint deadline) noexcept;

 private:
  friend class WatchList;
  std::shared_ptr<WatchList> list_;
  std::size_t place_;
};

class WatchList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  void tick(TimePoint now) noexcept;
  void drain(TimePoint now) noexcept;
  void cut() noexcept;

 private:
  friend class Watched;
  struct Row {
    TimePoint deadline;
    Watched* watched;
  };
  std::vector<Row> rows_;
};

}  // namespace boxoffice
