// One connection of hiredis' asynchronous API on asio, and the batches of commands that wait on it.
// It is not the client: it neither reconnects nor knows scripts. Private to store/.
#pragma once

#include <hiredis/async.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "target/store/redis_client.hpp"

namespace boxoffice {

// What a batch ended with: every reply, or the reason why there is none.
struct RedisAnswer {
  std::string problem;  // "" when the replies are there
  std::vector<RedisReply> replies;
};

// Commands sent together and answered together. Lives until hiredis has called back once for each
// command, even when its caller was told long before that the time was up.
class RedisBatch {
 public:
  explicit RedisBatch(TimePoint deadline) : deadline_(deadline) {}
  virtual ~RedisBatch() = default;
  RedisBatch(RedisBatch&&) = delete;

  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool told() const noexcept { return told_; }
  void sent() noexcept { ++outstanding_; }
  // True when this was the last callback.
  bool reply_came(const redisReply* reply);
  void fail(std::string problem);
  void finish_if_complete();

 protected:
  virtual void complete(RedisAnswer answer) = 0;

 private:
  TimePoint deadline_;
  std::uint32_t outstanding_ = 0;
  bool told_ = false;
  RedisAnswer answer_;
};

class RedisLink : public std::enable_shared_from_this<RedisLink> {
 public:
  struct Events {
    std::function<void()> connected;
    std::function<void()> closed;  // once, also when connecting failed; never from within close()
  };
  RedisLink(asio::io_context& context, Events events);
  ~RedisLink();
  RedisLink(RedisLink&&) = delete;

  void connect(const std::string& host, std::uint16_t port);  // the outcome is an event
  void close() noexcept;                                      // no event afterwards
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  // `commands` are in Redis' wire format. The batch is completed with a problem if they cannot go.
  void send(std::shared_ptr<RedisBatch> batch, const std::vector<std::string>& commands);
  // Tells every batch whose time is up; gives the number still waiting and whether one has been
  // overdue for longer than `silence_max` (the connection is dead then).
  std::size_t expire(TimePoint now, Millis silence_max, bool& silent);
  [[nodiscard]] std::size_t waiting() const noexcept { return batches_.size(); }

 private:
  struct Hooks;
  void want_read();
  void want_write();
  void flush();
  void cleanup();
  void batch_over(RedisBatch* batch);

  asio::io_context& context_;
  Events events_;
  redisAsyncContext* redis_ = nullptr;  // owned by hiredis; null after its cleanup hook
  asio::posix::basic_stream_descriptor<Executor> descriptor_;
  bool connected_ = false, closing_ = false;
  bool reading_ = false, writing_ = false;
  bool read_wanted_ = false, write_wanted_ = false;  // what hiredis asks for
  std::unordered_map<RedisBatch*, std::shared_ptr<RedisBatch>> batches_;
};

}  // namespace boxoffice
