#pragma once
/// @file
/// Messages over datagrams that get lost, come twice or out of order: one message in flight in each direction, cut into
/// pieces, acknowledged, repeated with back-off. Both ends of a session have one (docs/datagram.md, section 3). A state
/// machine without I/O: datagrams and time go in, datagrams come out.
///
/// Not thread-safe and not ISR-safe. `now_ms` is any monotonic clock.

#include "skink/edge/datagram/datagram.hpp"
#include "skink/edge/datagram/datagram_config.hpp"

namespace skink::edge::datagram {

/// When to send again what was not answered: a little above the round trips that were measured, doubled with each
/// attempt (as in RFC 6298).
class Patience {
 public:
  /// A new peer.
  void reset() noexcept { *this = Patience(); }
  /// Something was sent that was never sent before, now; or was answered, now. Only one thing at a time is measured.
  void begin(uint64_t now_ms) noexcept;
  void answered(uint64_t now_ms) noexcept;
  /// Nothing came: the next pause is twice as long, and what was sent is not measured. @returns false after
  /// SKINK_DATAGRAM_TRIES of them.
  bool repeat() noexcept;
  /// It is sent again before its time: what was sent is not measured.
  void forget() noexcept { is_measuring_ = false; }
  /// Some answer came: pauses begin afresh.
  void heard() noexcept { tries_ = 0; }
  /// The pause from now on, ms.
  uint32_t wait_ms() const noexcept;

 private:
  uint64_t begun_ms_ = 0;
  bool is_measuring_ = false;
  bool has_measured_ = false;
  uint8_t tries_ = 0;
  uint32_t trip_ms_ = 0;       ///< smoothed
  uint32_t deviation_ms_ = 0;  ///< likewise
};

/// Bytes of a message that have come.
struct Incoming {
  Address address;
  uint32_t total = 0;    ///< of the message
  uint32_t offset = 0;   ///< of `piece`; pieces come in order, each byte once
  Bytes piece;           ///< part of the datagram
  bool is_last = false;  ///< the message is whole: call Channel::complete() when it is taken
};

/// Both directions of one session.
class Channel {
 public:
  /// What on_time() is never to be called for.
  static constexpr uint64_t kNever = ~uint64_t{0};

  /// A new session, never 0: forgets everything.
  void reset(uint16_t session) noexcept;

  // ---- out

  /// Begins to send a message.
  ///
  /// @param[in] payload  at most kMaxMessageBytes; borrowed until has_sent() or reset()
  /// @returns kOk; kUnavailable while one is in flight; kInvalidArgument: it is too long.
  Status send(const Address& address, Bytes payload, uint64_t now_ms) noexcept;
  /// Is a message in flight?
  bool is_sending() const noexcept { return is_sending_; }
  /// Has the peer taken the last message, since the last call of this?
  bool has_sent() noexcept;

  /// Writes the next datagram, if one is due.
  /// @param[out] out  SKINK_DATAGRAM_BYTES
  /// @returns its length; 0: nothing is due.
  size_t output(MutableBytes out, uint64_t now_ms) noexcept;

  // ---- in

  /// A piece or an acknowledgement of this session has come; others are ignored.
  /// @param[out] incoming  bytes of a message, when there are new ones
  /// @returns whether there are, or a message without bytes has come.
  bool take(const Datagram& datagram, Incoming& incoming, uint64_t now_ms) noexcept;
  /// The message whose last piece take() gave out was taken: its sender is told. Until then it is not.
  void complete() noexcept;

  // ---- time

  /// Call when next_wake_ms() has come. @returns kOk; kUnavailable: the peer does not answer any more.
  Status on_time(uint64_t now_ms) noexcept;
  /// When to call on_time(); kNever while no time matters.
  uint64_t next_wake_ms() const noexcept { return resend_ms_; }
  /// Holds back what would be sent again, while the peer sleeps; the next on_time() is due when it is over.
  void pause(bool is_paused, uint64_t now_ms) noexcept;

 private:
  bool take_piece(const Datagram& datagram, Incoming& incoming) noexcept;
  void hurry(uint64_t now_ms) noexcept;
  void take_ack(const Datagram& datagram, uint64_t now_ms) noexcept;
  size_t write_piece(MutableBytes out, uint64_t now_ms) noexcept;
  bool is_piece_due(size_t room) const noexcept;

  uint16_t session_ = 0;

  // out
  bool is_sending_ = false;
  bool has_sent_ = false;
  bool asks_ = false;  ///< how far the peer is: it has all, but has not taken it
  bool is_paused_ = false;
  bool has_hurried_ = false;  ///< since something new was acknowledged
  uint16_t number_ = 0;       ///< of the message in flight, or of the last one
  uint32_t sent_ = 0;         ///< of the message, bytes
  uint32_t acked_ = 0;
  uint32_t furthest_ = 0;  ///< that was ever sent
  Address address_;
  Bytes payload_;
  uint64_t resend_ms_ = kNever;
  Patience patience_;

  // in
  uint16_t taken_ = 0;  ///< number of the last message that was taken
  bool is_receiving_ = false;
  bool is_whole_ = false;
  bool owes_ack_ = false;
  bool owes_old_ack_ = false;  ///< of the last message that was taken
  uint32_t received_ = 0;
  uint32_t total_ = 0;
  Address from_;
};

}  // namespace skink::edge::datagram
