#include "skink/edge/model_message.hpp"

#include "skink/common/little_endian.hpp"

namespace skink::edge {

bool ModelMessage::take(uint32_t chunk, uint32_t offset, uint32_t message_bytes, Bytes bytes, ModelPiece& piece,
                        Bytes& content) noexcept {
  constexpr auto kHead = static_cast<uint32_t>(wire::kModelHeadBytes);
  for (; offset < kHead && !bytes.empty(); bytes = bytes.subspan(1)) head_[offset++] = bytes[0];
  if (message_bytes < kHead || bytes.empty()) return false;
  piece.model = load_u64(head_);
  piece.chunk = chunk;
  piece.offset = offset - kHead;
  piece.chunk_bytes = message_bytes - kHead;
  piece.piece_bytes = static_cast<uint32_t>(bytes.size());
  content = bytes;
  return true;
}

}  // namespace skink::edge
