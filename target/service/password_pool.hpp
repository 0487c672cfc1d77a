// The threads that hash passwords. A hash costs a core for some 50 ms, so it must never run on an
// I/O thread, and the number that wait must be bounded: whoever comes when the line is full is told
// so at once. One per process; used by all its threads.
#pragma once

#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "target/domain/task.hpp"

namespace boxoffice {

class PasswordPool {
 public:
  // `threads` at least 1. At most `waiting_max` are running or waiting.
  PasswordPool(std::uint32_t threads, std::uint32_t waiting_max, std::uint32_t cost_log2);
  ~PasswordPool();
  PasswordPool(PasswordPool&&) = delete;

  // nullopt: the line is full. Views are copied: the caller may be cut while it waits.
  Task<std::optional<std::string>> hash(std::string password);
  // A `stored` that is no hash costs as much as a wrong password and is false.
  Task<std::optional<bool>> verify(std::string password, std::string stored);

  [[nodiscard]] std::uint32_t waiting() const noexcept { return waiting_.load(); }
  [[nodiscard]] std::uint64_t shed() const noexcept { return shed_.load(); }

 private:
  template <class Value, class Work>
  Task<std::optional<Value>> run(Work work);

  const std::uint32_t waiting_max_, cost_log2_;
  const std::string decoy_;
  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<std::uint64_t> shed_{0};
  asio::thread_pool threads_;
};

}  // namespace boxoffice
