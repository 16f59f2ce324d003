#pragma once
/// @file
/// A WebSocket client for tests (RFC 6455): the upgrade, frames that come, and masked frames that go.

#include <string>
#include <utility>

#include "socket_client.hpp"

namespace skink::test {

struct Frame {
  int opcode = -1;  ///< 1 text, 8 close, 9 ping, 10 pong; -1: the connection ended
  std::string payload;

  /// Of a close.
  int close_code() const {
    if (opcode != 8 || payload.size() < 2) return 0;
    return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  }
};

class WebSocketClient {
 public:
  explicit WebSocketClient(SocketClient client) : client_(std::move(client)) {}

  Answer upgrade(const std::string& target, const std::string& headers = "") {
    return client_.get(target,
                       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                           headers);
  }

  Frame read() {
    const std::string start = client_.read_bytes(2);
    if (start.size() < 2) return {};
    auto length = static_cast<std::size_t>(start[1] & 0x7f);
    if (length >= 126) {
      const std::string wide = client_.read_bytes(length == 126 ? 2 : 8);
      length = 0;
      for (const char byte : wide) length = length * 256 + static_cast<unsigned char>(byte);
    }
    return {start[0] & 0x0f, client_.read_bytes(length)};
  }

  void send(int opcode, const std::string& payload) {
    std::string frame(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80 | payload.size());
    } else {
      frame += static_cast<char>(0x80 | 126);
      frame += static_cast<char>(payload.size() >> 8);
      frame += static_cast<char>(payload.size() & 0xff);
    }
    client_.send(frame + std::string(4, '\0') + payload);  // a mask of zeros changes nothing
  }

  SocketClient& socket() { return client_; }

 private:
  SocketClient client_;
};

}  // namespace skink::test
