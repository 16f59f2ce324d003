#include "skink/edge/internal/chunk_download.hpp"

namespace skink::edge::internal {

bool ChunkDownload::set_model(uint32_t model_bytes, uint32_t chunk_bytes) noexcept {
  bytes_ = model_bytes;
  chunk_bytes_ = chunk_bytes != 0 ? chunk_bytes : static_cast<uint32_t>(wire::kModelChunkBytes);
  count_ = model_bytes / chunk_bytes_ + (model_bytes % chunk_bytes_ != 0 ? 1 : 0);
  return count_ <= SKINK_EDGE_MAX_MODEL_CHUNKS;
}

void ChunkDownload::begin(const ChunkPlace& place) noexcept {
  pause(place);
  all_due_ = true;
  stored_.clear();
  missing_ = count_;
  piece_end_ = 0;
}

bool ChunkDownload::next_action(Action& action) noexcept {
  const bool is_outdated = !is_active_ || all_due_ || !(subscribed_ == place_);
  if (is_outdated && next_unsubscription(action)) return true;
  if (!is_active_) return false;
  action.kind = ActionKind::kSubscribe;
  subscribed_ = place_;
  action.topic = place_.topic;
  action.slot = place_.slot;
  if (all_due_) {
    all_due_ = false;
    all_subscribed_ = true;
    action.chunk = wire::kAllChunks;
    return true;
  }
  while (next_ < count_) {
    action.chunk = next_++;
    if (stored_.has(action.chunk)) continue;
    asked_.insert(action.chunk);
    asked_end_ = count_;
    return true;
  }
  return false;
}

/// Ends one subscription to chunks that are no longer waited for.
bool ChunkDownload::next_unsubscription(Action& action) noexcept {
  action.kind = ActionKind::kUnsubscribe;
  action.topic = subscribed_.topic;
  action.slot = subscribed_.slot;
  if (all_subscribed_) {
    all_subscribed_ = false;
    action.chunk = wire::kAllChunks;
    return true;
  }
  while (asked_end_ > 0) {
    action.chunk = --asked_end_;
    if (!asked_.has(action.chunk)) continue;
    asked_.erase(action.chunk);
    return true;
  }
  return false;
}

uint32_t ChunkDownload::length_of(uint32_t chunk) const noexcept {
  const uint32_t left = bytes_ - chunk * chunk_bytes_;
  return left < chunk_bytes_ ? left : chunk_bytes_;
}

bool ChunkDownload::place(const ModelPiece& piece, ModelWrite& write) noexcept {
  if (piece.chunk >= count_ || stored_.has(piece.chunk)) return false;
  const uint32_t length = length_of(piece.chunk);
  if (piece.chunk_bytes != length || piece.offset > length || piece.piece_bytes > length - piece.offset) return false;
  // Without the pieces before it the last one would complete a chunk that has a hole.
  if (piece.offset != 0 && (piece.chunk != piece_chunk_ || piece.offset != piece_end_)) return false;
  piece_chunk_ = piece.chunk;
  piece_end_ = piece.offset + piece.piece_bytes;
  write.offset = piece.chunk * chunk_bytes_ + piece.offset;
  write.chunk = piece.chunk;
  write.completes_chunk = piece_end_ == length;
  return true;
}

bool ChunkDownload::on_stored(uint32_t chunk) noexcept {
  if (stored_.has(chunk)) return false;
  stored_.insert(chunk);
  --missing_;
  return true;
}

}  // namespace skink::edge::internal
