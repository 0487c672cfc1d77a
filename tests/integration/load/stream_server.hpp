// A loopback server whose connections are each a plain function over a blocking socket, on a thread
// of its own: it can send any bytes in any order, which a correct WebSocket or HTTP library cannot.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace stampede::test {

class StreamServer {
 public:
  // As the client sent it, unmasked.
  struct Frame {
    unsigned opcode = 0;
    bool masked = false;
    std::uint32_t mask = 0;
    std::string payload;
  };

  class Connection {
   public:
    Connection(int descriptor, std::uint64_t connection_number);

    std::uint64_t number;  // from 0
    std::string head;      // of the request
    // The value of a field of the head; "" if it is not there.
    [[nodiscard]] std::string header(std::string_view name) const;

    void send(std::string_view bytes);
    // 101, with the right key; `fields` are further lines, each with CR LF.
    void accept_websocket(std::string_view fields = {});
    void send_frame(unsigned first_byte, std::string_view payload);
    void send_text(std::string_view text) { send_frame(0x81, text); }
    void send_close(std::uint16_t code);
    // nullopt: the client has closed.
    std::optional<Frame> read_frame();
    // Reads frames until one of this opcode; answers none of the others.
    std::optional<Frame> await_frame(unsigned opcode);
    // 200 with text/event-stream, chunked.
    void begin_events();
    void send_chunk(std::string_view text);
    // Until the client closes; what it sends is dropped.
    void await_end();
    bool read_head();

   private:
    bool fill();

    int descriptor_;
    std::string input_;
  };
  using Script = std::function<void(Connection&)>;

  explicit StreamServer(Script script);
  // Cuts all connections and waits for their scripts.
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  std::atomic<std::uint64_t> connections{0};

 private:
  void accept();
  void serve(int descriptor, std::uint64_t number);

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::jthread> threads_;  // of connections
  std::jthread acceptor_;
};

}  // namespace stampede::test
