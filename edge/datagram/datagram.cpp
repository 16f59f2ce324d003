#include "skink/edge/datagram/datagram.hpp"

#include <string.h>

#include "skink/common/little_endian.hpp"

namespace skink::edge::datagram {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 4;  // version and kind, flags, session

// Flags of a piece.
constexpr uint8_t kTopicMask = 0x07;
constexpr uint8_t kSlotFlag = 0x10;
constexpr uint8_t kOperationShift = 5;
constexpr uint8_t kRetainedFlag = 0x80;
// Of an acknowledgement, and of an answer to a poll.
constexpr uint8_t kYesFlag = 0x01;

/// Bytes of a datagram; of a piece those before its bytes, without the number of a chunk. 0: there is no such kind.
size_t bytes_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::kHello: return kHeadBytes + 2;
    case Kind::kWelcome: return kHeadBytes;
    case Kind::kPiece: return kHeadBytes + 6;
    case Kind::kAck: return kHeadBytes + 4;
    case Kind::kPoll: return kHeadBytes + 6;
    case Kind::kPong: return kHeadBytes + 2;
    case Kind::kBye: return kHeadBytes;
  }
  return 0;
}

uint8_t flags_of(const Address& address) noexcept {
  return static_cast<uint8_t>(static_cast<uint8_t>(address.topic) | (address.slot != 0 ? kSlotFlag : 0) |
                              (static_cast<uint8_t>(address.operation) << kOperationShift) |
                              (address.retained ? kRetainedFlag : 0));
}

Status parse_piece(uint8_t flags, Bytes bytes, Datagram& out) noexcept {
  const uint8_t operation = (flags >> kOperationShift) & 3;
  if ((flags & 0x08) != 0 || operation > static_cast<uint8_t>(Operation::kUnsubscribe)) return Status::kDamaged;
  Address& address = out.address;
  address.topic = static_cast<wire::TopicKind>(flags & kTopicMask);
  address.operation = static_cast<Operation>(operation);
  address.slot = (flags & kSlotFlag) != 0 ? 1 : 0;
  address.retained = (flags & kRetainedFlag) != 0;
  out.number = load_u16(bytes.data() + kHeadBytes);
  out.total = load_u16(bytes.data() + kHeadBytes + 2);
  out.offset = load_u16(bytes.data() + kHeadBytes + 4);
  size_t header = bytes_of(Kind::kPiece);
  const bool is_chunk = wire::is_chunk(address.topic);
  if (is_chunk) {
    if (bytes.size() < kPieceHeaderBytes) return Status::kTruncated;
    address.chunk = load_u32(bytes.data() + header);
    header = kPieceHeaderBytes;
  }
  out.piece = bytes.subspan(header);
  const bool is_publication = address.operation == Operation::kPublish;
  if (!is_chunk && address.slot != 0) return Status::kDamaged;
  if (is_publication && is_chunk && address.chunk == wire::kAllChunks) return Status::kDamaged;
  if (!is_publication && (out.total != 0 || address.retained)) return Status::kDamaged;
  return out.offset <= out.total && out.piece.size() <= size_t{out.total} - out.offset ? Status::kOk : Status::kDamaged;
}

}  // namespace

Status parse(Bytes bytes, Datagram& out) noexcept {
  if (bytes.size() < kHeadBytes) return Status::kTruncated;
  out = Datagram();
  out.kind = static_cast<Kind>(bytes[0] & 0x0f);
  const size_t needed = bytes_of(out.kind);
  if (bytes[0] >> 4 != kVersion || needed == 0) return Status::kUnsupported;
  if (bytes.size() < needed) return Status::kTruncated;
  if (out.kind != Kind::kPiece && bytes.size() > needed) return Status::kDamaged;
  const uint8_t flags = bytes[1];
  const uint8_t* body = bytes.data() + kHeadBytes;
  out.session = load_u16(bytes.data() + 2);
  if (out.session == 0) return Status::kDamaged;
  switch (out.kind) {
    case Kind::kHello: out.keep_alive_s = load_u16(body); break;
    case Kind::kWelcome: break;
    case Kind::kPiece: return parse_piece(flags, bytes, out);
    case Kind::kAck:
      out.is_complete = (flags & kYesFlag) != 0;
      out.number = load_u16(body);
      out.offset = load_u16(body + 2);
      break;
    case Kind::kPoll:
      out.number = load_u16(body);
      out.sleep_s = load_u32(body + 2);
      if (out.sleep_s > kMaxSleepS) return Status::kDamaged;
      break;
    case Kind::kPong:
      out.is_empty = (flags & kYesFlag) != 0;
      out.number = load_u16(body);
      break;
    case Kind::kBye:
      out.reason = flags >= 1 && flags <= static_cast<uint8_t>(Reason::kProtocol) ? static_cast<Reason>(flags)
                                                                                  : Reason::kProtocol;
      break;
  }
  return Status::kOk;
}

size_t write(const Datagram& datagram, MutableBytes out) noexcept {
  const bool is_piece = datagram.kind == Kind::kPiece;
  const bool has_chunk = is_piece && wire::is_chunk(datagram.address.topic);
  const size_t header = has_chunk ? kPieceHeaderBytes : bytes_of(datagram.kind);
  const size_t needed = header + (is_piece ? datagram.piece.size() : 0);
  if (needed > out.size()) return 0;
  uint8_t* body = out.data() + kHeadBytes;
  out[0] = static_cast<uint8_t>((kVersion << 4) | static_cast<uint8_t>(datagram.kind));
  out[1] = 0;
  store_u16(out.data() + 2, datagram.session);
  switch (datagram.kind) {
    case Kind::kHello: store_u16(body, datagram.keep_alive_s); break;
    case Kind::kWelcome: break;
    case Kind::kPiece:
      out[1] = flags_of(datagram.address);
      store_u16(body, datagram.number);
      store_u16(body + 2, datagram.total);
      store_u16(body + 4, datagram.offset);
      if (has_chunk) store_u32(body + 6, datagram.address.chunk);
      if (!datagram.piece.empty()) memcpy(out.data() + header, datagram.piece.data(), datagram.piece.size());
      break;
    case Kind::kAck:
      out[1] = datagram.is_complete ? kYesFlag : 0;
      store_u16(body, datagram.number);
      store_u16(body + 2, datagram.offset);
      break;
    case Kind::kPoll:
      store_u16(body, datagram.number);
      store_u32(body + 2, datagram.sleep_s);
      break;
    case Kind::kPong:
      out[1] = datagram.is_empty ? kYesFlag : 0;
      store_u16(body, datagram.number);
      break;
    case Kind::kBye: out[1] = static_cast<uint8_t>(datagram.reason); break;
  }
  return needed;
}

}  // namespace skink::edge::datagram
