#pragma once
/// @file
/// A node's end of a session with a bridge, over datagrams: the counterpart of edge/mqtt/connection.hpp for nodes that
/// have no stream. The same calls and events, so that a device does not care which of the two it has; the topics are
/// those of docs/protocol.md and travel as one byte. A state machine without I/O. No heap; some 1.7 KB, a datagram in
/// them. docs/datagram.md is the contract.
///
/// A port's loop, once datagrams can be sent (DTLS is up) and open() was called:
///   1. send each output() as one datagram, tell sent()
///   2. receive() each datagram that comes, as a whole
///   3. on_time(now); when a call says kDamaged or kUnavailable the session is over: problem() has the reason
///
/// Not thread-safe and not ISR-safe. `now_ms` is any monotonic clock.

#include "skink/edge/datagram/datagram_channel.hpp"
#include "skink/edge/mqtt/connection.hpp"

namespace skink::edge::datagram {

/// What a session begins with. Names are borrowed until the next open(); nothing else is.
struct OpenOptions {
  uint16_t session = 1;        ///< another one than that of the last session, never 0
  uint16_t keep_alive_s = 60;  ///< seconds; 0: no polls. One goes out after half of it without a datagram.
  Span<const char> fleet;      ///< for the topics of events
  Span<const char> device_id;
};

/// Why a session is of no use any more.
enum class Problem : uint8_t {
  kNone,        ///< it is, or it was never opened
  kSilent,      ///< the bridge does not answer
  kLeft,        ///< the bridge ended it
  kUnknown,     ///< the bridge does not know it: it was started again
  kBrokerLost,  ///< the bridge has no broker, or is refused by it
  kProtocol,    ///< the bridge makes no sense of this node
};
/// For a person; static storage.
const char* problem_text(Problem problem) noexcept;

/// The node's end. Re-entrant for different objects.
class Connection {
 public:
  static constexpr uint64_t kNever = Channel::kNever;  ///< What next_wake_ms() returns while no time matters.

  /// Forgets everything and asks the bridge for a session. @returns kOk; kInvalidArgument for session 0.
  Status open(const OpenOptions& options, uint64_t now_ms) noexcept;
  /// There is no bridge any more: forgets everything, as a new object.
  void reset() noexcept;

  /// Has the bridge the session, with a broker behind it, and is there no problem since?
  bool is_connected() const noexcept { return phase_ == Phase::kConnected; }
  /// Why a call said kDamaged or kUnavailable; until reset() or open().
  Problem problem() const noexcept { return problem_; }
  /// Datagrams that were none of a bridge's.
  uint32_t damaged_datagrams() const noexcept { return damaged_; }

  // ---- out

  /// Asks for a topic's messages, ends that, publishes: as the calls of mqtt::Connection, with its events.
  ///
  /// @param[in]  topic      a name of docs/protocol.md
  /// @param[in]  payload    borrowed until kPublished or the end of the session; at most kMaxMessageBytes
  /// @param[out] packet_id  names the message in its event; set on kOk only
  /// @returns kOk; kUnavailable when not connected, or while another message is in flight: try again after an event;
  ///          kInvalidArgument: not a topic of the protocol, or too long a payload.
  Status subscribe(Span<const char> topic, uint16_t& packet_id, uint64_t now_ms) noexcept;
  Status unsubscribe(Span<const char> topic, uint16_t& packet_id, uint64_t now_ms) noexcept;
  Status publish(Span<const char> topic, Bytes payload, mqtt::Retain retain, uint16_t& packet_id,
                 uint64_t now_ms) noexcept;
  /// Asks until nothing waits for this node at the bridge: the event kProbed.
  /// @returns kOk, of several the last one counts; kUnavailable when not connected.
  Status probe(uint64_t now_ms) noexcept;
  /// Tells the bridge that this node hears nothing from now on for `seconds`: the bridge keeps what comes. When it has
  /// said so, is_asleep() is true until the time is over or one of the calls above wakes the node. After that time it
  /// asks for what was kept: kProbed when all of it has come.
  /// @returns kOk; kUnavailable when not connected, or while a message is in flight in either direction;
  ///          kInvalidArgument for 0 or more than kMaxSleepS.
  Status sleep(uint32_t seconds, uint64_t now_ms) noexcept;
  /// Is it awake with nothing under way in either direction, no question either, so that sleep() is taken?
  bool can_sleep() const noexcept {
    return is_connected() && !says_bye_ && !is_asleep_ && polling_ == Polling::kNo && !channel_.is_sending() &&
           !is_receiving_;
  }
  /// May the radio be off until next_wake_ms()?
  bool is_asleep() const noexcept { return is_asleep_; }
  /// Ends the session, without an answer: then send output(). @returns kOk; kUnavailable when not connected.
  Status disconnect() noexcept;

  /// The next datagram, borrowed until the next call that is not const; empty: nothing to send.
  Bytes output(uint64_t now_ms) noexcept;
  /// The link took all of output(), or dropped it: it is gone.
  void sent(uint64_t now_ms) noexcept;

  // ---- in

  /// Takes one datagram: `input` is empty afterwards. Any bytes may come; what makes no sense is counted and dropped.
  ///
  /// @param[in,out] input  a whole datagram
  /// @param[out]    event  kNone: nothing for the device; views are good until the next call of receive()
  /// @returns kOk; kDamaged: the bridge ended the session, see problem().
  Status receive(Bytes& input, mqtt::Event& event, uint64_t now_ms) noexcept;

  // ---- time

  /// Repeats what was not answered; call when next_wake_ms() has come. @returns kOk; kUnavailable: the bridge is
  /// silent.
  Status on_time(uint64_t now_ms) noexcept;
  /// When to call on_time(), in the clock of `now_ms`; kNever while no time matters.
  uint64_t next_wake_ms() const noexcept;

 private:
  enum class Phase : uint8_t { kClosed, kConnecting, kConnected, kFailed };
  enum class Polling : uint8_t { kNo, kAlive, kProbing, kFallingAsleep };

  Status fail(Problem problem, Status status) noexcept;
  Status send(Operation operation, Span<const char> topic, Bytes payload, mqtt::Retain retain, uint16_t& packet_id,
              uint64_t now_ms) noexcept;
  void wake(uint64_t now_ms) noexcept;
  void begin_poll(Polling polling, uint32_t sleep_s, uint64_t now_ms) noexcept;
  void take_pong(const Datagram& datagram, mqtt::Event& event, uint64_t now_ms) noexcept;
  void take_ack(mqtt::Event& event) noexcept;
  void take_piece(const Incoming& incoming, mqtt::Event& event) noexcept;
  Status end(Reason reason) noexcept;
  uint64_t keep_alive_ms() const noexcept;

  Phase phase_ = Phase::kClosed;
  Problem problem_ = Problem::kNone;
  uint32_t damaged_ = 0;
  uint16_t session_ = 0;
  uint16_t keep_alive_s_ = 0;
  Span<const char> fleet_;
  Span<const char> device_id_;
  Channel channel_;
  Operation sending_ = Operation::kPublish;
  uint16_t packet_id_ = 0;

  bool is_receiving_ = false;  ///< a message has begun and is not whole
  bool is_asleep_ = false;
  bool says_bye_ = false;
  bool is_ask_due_ = false;  ///< HELLO or POLL
  Polling polling_ = Polling::kNo;
  uint16_t poll_number_ = 0;
  uint32_t sleep_s_ = 0;
  Patience patience_;          ///< with HELLO and POLL
  uint64_t ask_ms_ = kNever;   ///< when the question is repeated
  uint64_t wake_ms_ = kNever;  ///< when it sleeps no longer
  uint64_t last_sent_ms_ = 0;

  size_t out_bytes_ = 0;
  uint8_t out_[SKINK_DATAGRAM_BYTES] = {};
  char topic_[wire::kMaxTopicBytes] = {};
};

}  // namespace skink::edge::datagram
