#pragma once
/// @file
/// A bridge's end of one node's session over datagrams (docs/datagram.md): what the node says comes out as events, what
/// the broker says goes into a bounded queue. A state machine without I/O: datagrams and time go in, datagrams come
/// out. It knows neither DTLS nor MQTT; DatagramBridge joins the three.

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "skink/edge/datagram/datagram_channel.hpp"

namespace skink::edge {

/// What a bridge keeps for one node at most.
struct DatagramPeerLimits {
  std::size_t messages = 256;                ///< that wait
  std::size_t bytes = std::size_t{1} << 20;  ///< of these
};

/// What a node has said.
enum class DatagramEventKind : std::uint8_t {
  kBegun,    ///< a session begins: DatagramPeer::welcome() when a broker is there for it
  kMessage,  ///< publish, subscribe or unsubscribe as `address` says; DatagramPeer::complete() when it is taken
  kLeft,     ///< the node ends the session
};
struct DatagramEvent {
  DatagramEventKind kind = DatagramEventKind::kBegun;
  datagram::Address address;
  std::vector<std::uint8_t> payload;
};

/// One node. One thread at a time. `now_ms` is any monotonic clock.
class DatagramPeer {
 public:
  static constexpr std::uint64_t kNever = datagram::Channel::kNever;  ///< of next_wake_ms()

  /// A node without a session.
  explicit DatagramPeer(const DatagramPeerLimits& limits = {}) : limits_(limits) {}

  /// Takes one datagram, any bytes. @returns what the node has said, if it has.
  std::optional<DatagramEvent> receive(Bytes bytes, std::uint64_t now_ms);

  /// The session that has begun is there.
  void welcome(std::uint64_t now_ms);
  /// The message of the last event was taken: the node may send the next one.
  void complete() { channel_.complete(); }
  /// Ends the session: the node is told, once; nothing else goes out. Harmless without one.
  void end(datagram::Reason reason);

  /// A message for the node. One that waits on the same topic is replaced; where there is no room it is dropped and
  /// counted: nothing in docs/protocol.md depends on a message coming. Nothing without a session, or longer than
  /// datagram::kMaxMessageBytes, is taken.
  void deliver(const datagram::Address& address, std::vector<std::uint8_t> payload, std::uint64_t now_ms);

  /// The next datagram, valid until the next call; empty: nothing to send now.
  Bytes output(std::uint64_t now_ms);

  /// Call when next_wake_ms() has come. @returns false when the node is silent for longer than it announced: the
  /// session is over.
  bool on_time(std::uint64_t now_ms);
  /// When to call on_time(); kNever without a session.
  std::uint64_t next_wake_ms() const;

  bool has_session() const { return session_ != 0; }     ///< begun, and not over
  bool is_welcome() const { return is_welcome_; }        ///< and a broker is there for it
  bool is_asleep() const { return is_asleep_; }          ///< the node has said so
  std::size_t waiting() const { return queue_.size(); }  ///< messages
  std::uint64_t dropped() const { return dropped_; }     ///< messages for which there was no room
  std::uint64_t damaged() const { return damaged_; }     ///< datagrams that were none of a node's

 private:
  struct Waiting {
    datagram::Address address;
    std::vector<std::uint8_t> payload;
  };

  std::optional<DatagramEvent> begin(const datagram::Datagram& hello, std::uint64_t now_ms);
  std::optional<DatagramEvent> take_piece(const datagram::Incoming& incoming);
  void take_poll(const datagram::Datagram& poll, std::uint64_t now_ms);
  void send_next(std::uint64_t now_ms);
  void forget();
  std::uint64_t silent_ms() const;

  const DatagramPeerLimits limits_;
  datagram::Channel channel_;
  std::uint16_t session_ = 0;
  std::uint16_t keep_alive_s_ = 0;
  bool is_welcome_ = false;
  bool is_asleep_ = false;
  std::uint32_t sleep_s_ = 0;
  std::uint16_t poll_number_ = 0;
  std::uint64_t heard_ms_ = 0;
  std::vector<std::uint8_t> coming_;  ///< the message that comes
  Waiting sending_;                   ///< the message that goes
  std::deque<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t damaged_ = 0;

  bool owes_welcome_ = false;
  bool owes_pong_ = false;
  std::uint16_t bye_session_ = 0;  ///< to be told that it is over; 0: none
  datagram::Reason bye_reason_ = datagram::Reason::kLeaving;
  std::vector<std::uint8_t> out_;
};

}  // namespace skink::edge
