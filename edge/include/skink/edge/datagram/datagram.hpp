#pragma once
/// @file
/// One datagram between a node and a bridge as bytes: docs/datagram.md, section 2. Reading is total: any bytes give a
/// datagram or a status.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::edge::datagram {

/// What a datagram is; the numbers are those on the wire.
enum class Kind : uint8_t {
  kHello = 1,    ///< node: begins a session
  kWelcome = 2,  ///< bridge: the session is there
  kPiece = 3,    ///< of a message, or an empty one that asks how far the receiver is
  kAck = 4,      ///< how far the receiver is
  kPoll = 5,     ///< node: is here, or will sleep
  kPong = 6,     ///< bridge: answers
  kBye = 7,      ///< the session is over
};

/// What a message does.
enum class Operation : uint8_t { kPublish = 0, kSubscribe = 1, kUnsubscribe = 2 };

/// Why a session is over; the numbers are those on the wire.
enum class Reason : uint8_t {
  kLeaving = 1,         ///< the sender ends it
  kUnknownSession = 2,  ///< there is no such session
  kBrokerLost = 3,      ///< the bridge has lost the broker, or is refused by it
  kProtocol = 4,        ///< what came makes no sense
};

/// Longest message: lengths have 16 bits.
inline constexpr size_t kMaxMessageBytes = 65535;
/// In front of the bytes of a piece, at most.
inline constexpr size_t kPieceHeaderBytes = 14;
/// Longest of the other datagrams.
inline constexpr size_t kMaxControlDatagramBytes = 10;
/// Longest time that a node may sleep, seconds: a week.
inline constexpr uint32_t kMaxSleepS = 604800;

/// Which message: what it does, on which topic.
struct Address {
  Operation operation = Operation::kPublish;
  wire::TopicKind topic = wire::TopicKind::kState;
  uint32_t slot = 0;      ///< of topics of chunks: below wire::kModelSlots
  uint32_t chunk = 0;     ///< of topics of chunks; wire::kAllChunks in a subscription: every chunk of the slot
  bool retained = false;  ///< kPublish: to be kept by the broker, or kept by it before

  /// The same message?
  friend bool operator==(const Address& a, const Address& b) noexcept {
    return a.operation == b.operation && a.topic == b.topic && a.slot == b.slot && a.chunk == b.chunk &&
           a.retained == b.retained;
  }
};

/// A datagram, taken apart. Fields of other kinds have their defaults.
struct Datagram {
  Kind kind = Kind::kHello;
  uint16_t session = 0;              ///< never 0
  uint16_t number = 0;               ///< kPiece, kAck: of the message; kPoll, kPong: of the poll
  uint16_t total = 0;                ///< kPiece: bytes of the whole message
  uint16_t offset = 0;               ///< kPiece: of its first byte; kAck: bytes that have come, from the first on
  bool is_complete = false;          ///< kAck: the message has come and was taken
  bool is_empty = false;             ///< kPong: nothing waits at the bridge
  Reason reason = Reason::kLeaving;  ///< kBye; a number that is not known counts as kProtocol
  uint16_t keep_alive_s = 0;  ///< kHello: the node is heard at least so often while it does not sleep; 0: it need not
  uint32_t sleep_s = 0;       ///< kPoll: the node sleeps from now on, at most kMaxSleepS; 0: it is awake
  Address address;            ///< kPiece
  Bytes piece;                ///< kPiece: points into what was read
};

/// Takes a datagram apart.
///
/// @param[in]  bytes  any; `out.piece` points into them
/// @param[out] out    unspecified on errors
/// @returns kOk; kUnsupported: another version or kind; kTruncated; kDamaged: a field is out of its range, or bytes
/// follow.
Status parse(Bytes bytes, Datagram& out) noexcept;

/// Writes a datagram whose fields are in their ranges, so that parse() gives it back.
///
/// @param[out] out  kPieceHeaderBytes and the piece, or kMaxControlDatagramBytes, always suffice
/// @returns bytes written; 0 when it does not fit in `out`
size_t write(const Datagram& datagram, MutableBytes out) noexcept;

}  // namespace skink::edge::datagram
