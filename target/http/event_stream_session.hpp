// One open event stream (server-sent events): texts out through a bounded queue of shared texts, so
// that an event for ten thousand clients is in memory once. Knows nothing of what it carries.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "target/http/api.hpp"
#include "target/http/lane.hpp"

namespace boxoffice {

inline constexpr std::size_t event_stream_queue_bytes_max = 256 * 1024;

class EventStreamSession final : public EventStreamPeer,
                                 public Watched,
                                 public std::enable_shared_from_this<EventStreamSession> {
 public:
  EventStreamSession(Lane& lane, Socket socket);
  ~EventStreamSession() override;

  // From the sent head to the end of the connection. closed() is called exactly once.
  static Task<void> run(std::shared_ptr<EventStreamSession> session,
                        std::shared_ptr<EventStreamHandler> handler);

  bool send(std::shared_ptr<const std::string> events) override;
  void finish() override;

  void expired(TimePoint now) noexcept override;
  void drain(TimePoint now) noexcept override;
  void cut() noexcept override;

 private:
  using Text = std::shared_ptr<const std::string>;

  bool queue(Text text);
  void flush();
  std::size_t write_some(boost::system::error_code& error);
  void took(std::size_t bytes);
  void drop(std::string_view why) noexcept;

  Lane& lane_;
  Socket socket_;
  std::vector<Text> waiting_;  // the first one from `sent_` on
  std::size_t sent_ = 0, queued_bytes_ = 0;
  TimePoint moved_;  // when the peer last took something, or was last sent something
  bool waiting_to_write_ = false;
  bool finishing_ = false;
};

}  // namespace boxoffice
