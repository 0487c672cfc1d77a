// One open WebSocket: frames in to the handler, texts out through a bounded queue. Holds no buffer
// while nothing moves, because there are ten thousand of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "target/http/api.hpp"
#include "target/http/lane.hpp"
#include "target/http/websocket_frames.hpp"

namespace boxoffice {

inline constexpr std::size_t ws_queue_bytes_max = 64 * 1024;

class WebSocketSession final : public WebSocketPeer,
                               public Watched,
                               public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Lane& lane, Socket socket);
  ~WebSocketSession();

  // From the sent upgrade to the end of the connection. `early` came behind the upgrade request.
  // closed() is called exactly once, and the handler is destroyed before this returns.
  static Task<void> run(std::shared_ptr<WebSocketSession> session, WebSocketAccept accept,
                        std::string early);

  bool send(std::string text) override;
  void close(std::uint16_t code, std::string reason) override;

  void expired(TimePoint now) noexcept override;
  void drain(TimePoint now) noexcept override;
  void cut() noexcept override;

 private:
  void drop(std::string_view why) noexcept;
  bool queue(Opcode opcode, std::string_view payload);
  void flush();
  void consume(std::string_view bytes, WebSocketHandler& handler);
  void react(const FrameReader::Event& event, WebSocketHandler& handler);
  Task<void> read_frames(WebSocketHandler& handler);
  void shut();

  Lane& lane_;
  Socket socket_;
  FrameReader reader_;
  std::string out_;  // frames not yet taken by the kernel
  TimePoint heard_, close_by_;
  bool waiting_to_write_ = false;
  bool closing_ = false;      // our close frame is queued; no text follows it
  bool peer_closed_ = false;  // theirs came
};

}  // namespace boxoffice
