#include "target/store/redis_link.hpp"

namespace boxoffice {

namespace {

RedisReply convert(const redisReply* from) {
  RedisReply reply;
  switch (from->type) {
    case REDIS_REPLY_STRING:
      reply.kind = RedisReply::Kind::string;
      break;
    case REDIS_REPLY_STATUS:
      reply.kind = RedisReply::Kind::status;
      break;
    case REDIS_REPLY_ERROR:
      reply.kind = RedisReply::Kind::error;
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Kind::integer;
      reply.integer = from->integer;
      reply.text = std::to_string(from->integer);
      return reply;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Kind::array;
      reply.elements.reserve(from->elements);
      for (std::size_t i = 0; i < from->elements; ++i)
        reply.elements.push_back(convert(from->element[i]));
      return reply;
    default:
      return reply;
  }
  reply.text.assign(from->str, static_cast<std::size_t>(from->len));
  return reply;
}

}  // namespace

bool RedisBatch::reply_came(const redisReply* reply) {
  --outstanding_;
  if (reply == nullptr) {
    fail("the connection broke");
  } else if (!told_) {
    answer_.replies.push_back(convert(reply));
    finish_if_complete();
  }
  return outstanding_ == 0;
}

void RedisBatch::finish_if_complete() {
  if (told_ || outstanding_ > 0) return;
  told_ = true;
  complete(std::move(answer_));
}

void RedisBatch::fail(std::string problem) {
  if (told_) return;
  told_ = true;
  complete(RedisAnswer{std::move(problem), {}});
}

// hiredis' C callbacks. `privdata` of a command is its batch, of an event hook the link.
struct RedisLink::Hooks {
  static RedisLink& link(void* data) { return *static_cast<RedisLink*>(data); }
  static void add_read(void* data) {
    link(data).read_wanted_ = true;
    link(data).want_read();
  }
  static void stop_read(void* data) { link(data).read_wanted_ = false; }
  static void add_write(void* data) {
    link(data).write_wanted_ = true;
    link(data).want_write();
  }
  static void stop_write(void* data) { link(data).write_wanted_ = false; }
  static void cleanup(void* data) { link(data).cleanup(); }
  static void connect_result(const redisAsyncContext* redis, int status) {
    RedisLink& self = link(redis->data);
    if (status != REDIS_OK || self.closing_) return;  // a failed one is cleaned up by hiredis
    self.connected_ = true;
    if (self.events_.connected) self.events_.connected();
  }
  static void reply(redisAsyncContext* redis, void* data, void* batch_data) {
    auto* batch = static_cast<RedisBatch*>(batch_data);
    if (batch->reply_came(static_cast<const redisReply*>(data)))
      link(redis->data).batch_over(batch);
  }
};

RedisLink::RedisLink(asio::io_context& context, Events events)
    : context_(context), events_(std::move(events)), descriptor_(context) {}

RedisLink::~RedisLink() { close(); }

void RedisLink::connect(const std::string& host, std::uint16_t port) {
  redis_ = host.starts_with('/') ? redisAsyncConnectUnix(host.c_str())
                                 : redisAsyncConnect(host.c_str(), port);
  if (redis_ == nullptr || redis_->err != 0) {
    if (redis_ != nullptr) redisAsyncFree(redis_);
    redis_ = nullptr;
    asio::post(context_, [self = shared_from_this()] {
      if (!self->closing_ && self->events_.closed) self->events_.closed();
    });
    return;
  }
  redis_->data = this;
  redis_->ev.data = this;
  redis_->ev.addRead = &Hooks::add_read;
  redis_->ev.delRead = &Hooks::stop_read;
  redis_->ev.addWrite = &Hooks::add_write;
  redis_->ev.delWrite = &Hooks::stop_write;
  redis_->ev.cleanup = &Hooks::cleanup;
  descriptor_.assign(redis_->c.fd);
  // Subtle: setting the connect callback asks for the first write event, so the hooks come first.
  redisAsyncSetConnectCallback(redis_, &Hooks::connect_result);
}

void RedisLink::close() noexcept {
  closing_ = true;
  if (redis_ != nullptr) redisAsyncFree(redis_);
}

// hiredis closes the descriptor itself soon after; asio must have let go of it before.
void RedisLink::cleanup() {
  redis_ = nullptr;
  connected_ = false;
  if (descriptor_.is_open()) descriptor_.release();
  if (closing_) return;
  // Subtle: we are inside hiredis, which still uses its context; whoever hears of this must not.
  asio::post(context_, [self = shared_from_this()] {
    if (!self->closing_ && self->events_.closed) self->events_.closed();
  });
}

void RedisLink::want_read() {
  if (reading_ || redis_ == nullptr) return;
  reading_ = true;
  descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](boost::system::error_code error) {
                           self->reading_ = false;
                           if (error || self->redis_ == nullptr) return;
                           redisAsyncHandleRead(self->redis_);
                           if (self->redis_ != nullptr && self->read_wanted_) self->want_read();
                         });
}

// A connected socket is nearly always writable: one write at the end of this turn of the loop sends
// what all coroutines of the turn asked for. Only what did not fit waits for the reactor.
void RedisLink::want_write() {
  if (writing_ || redis_ == nullptr) return;
  writing_ = true;
  if (connected_) {
    asio::post(context_, [self = shared_from_this()] { self->flush(); });
    return;
  }
  descriptor_.async_wait(asio::posix::descriptor_base::wait_write,
                         [self = shared_from_this()](boost::system::error_code error) {
                           self->writing_ = false;
                           if (!error && self->redis_ != nullptr)
                             redisAsyncHandleWrite(self->redis_);
                         });
}

void RedisLink::flush() {
  // `writing_` stays on meanwhile, so that hiredis' wish to go on does not post another flush.
  if (redis_ != nullptr) redisAsyncHandleWrite(redis_);
  writing_ = false;
  if (redis_ == nullptr || !write_wanted_) return;
  writing_ = true;
  descriptor_.async_wait(asio::posix::descriptor_base::wait_write,
                         [self = shared_from_this()](boost::system::error_code error) {
                           if (error) {
                             self->writing_ = false;
                             return;
                           }
                           self->flush();
                         });
}

void RedisLink::send(std::shared_ptr<RedisBatch> batch, const std::vector<std::string>& commands) {
  if (!connected_ || redis_ == nullptr) {
    batch->fail("not connected");
    return;
  }
  if (commands.empty()) {
    batch->finish_if_complete();
    return;
  }
  RedisBatch* const key = batch.get();
  batches_.emplace(key, std::move(batch));
  std::size_t accepted = 0;
  for (const std::string& command : commands) {
    const int result =
        redisAsyncFormattedCommand(redis_, &Hooks::reply, key, command.data(), command.size());
    if (result != REDIS_OK) break;
    key->sent();
    ++accepted;
  }
  if (accepted < commands.size()) key->fail("the connection is closing");
  if (accepted == 0) batches_.erase(key);
}

void RedisLink::batch_over(RedisBatch* batch) { batches_.erase(batch); }

std::size_t RedisLink::expire(TimePoint now, Millis silence_max, bool& silent) {
  silent = false;
  for (const auto& [key, batch] : batches_) {
    if (batch->deadline() > now) continue;
    batch->fail("no answer in time");
    if (batch->deadline() + silence_max <= now) silent = true;
  }
  return batches_.size();
}

}  // namespace boxoffice
