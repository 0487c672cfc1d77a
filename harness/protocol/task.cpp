#include "harness/protocol/task.hpp"

#include <new>

namespace stampede {

namespace {
// A sanitizer must see that a frame is gone.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps_frames = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool keeps_frames = false;
#else
constexpr bool keeps_frames = true;
#endif
#else
constexpr bool keeps_frames = true;
#endif
}  // namespace

FramePool& FramePool::of_this_thread() noexcept {
  static thread_local FramePool pool;
  return pool;
}

void* FramePool::take(std::size_t size) {
  const std::size_t number = (size + step - 1) / step;
  if (!keeps_frames || number >= classes) return ::operator new(size);
  Free*& first = of_this_thread().free_[number];
  if (first == nullptr) return ::operator new(number* step);
  return std::exchange(first, first->next);
}

void FramePool::give(void* frame, std::size_t size) noexcept {
  const std::size_t number = (size + step - 1) / step;
  if (!keeps_frames || number >= classes) {
    ::operator delete(frame);
    return;
  }
  Free*& first = of_this_thread().free_[number];
  first = new (frame) Free{first};
}

FramePool::~FramePool() {
  for (Free*& first : free_) {
    while (first != nullptr) ::operator delete(std::exchange(first, first->next));
  }
}

}  // namespace stampede
