/// @file
/// The client's model download: chunks into the model slot, then the whole file checked.

#include <string.h>

#include "client_details.hpp"
#include "skink/edge/client.hpp"

namespace skink::edge {

void Client::begin_download(uint64_t now_ms) noexcept {
  chunk_count_ = chunks_for(task_.model_bytes, wire::kModelChunkBytes);
  if (task_.model_bytes > platform_.model.size || chunk_count_ > SKINK_EDGE_MAX_MODEL_CHUNKS) {
    model_ready_ = false;
    refuse_current(wire::Refusal::kDoesNotFit, task_.model_bytes, platform_.model.size, now_ms);
    return;
  }
  if (!begin_patch(now_ms)) begin_chunks(now_ms);
}

void Client::begin_chunks(uint64_t now_ms) noexcept {
  model_ready_ = false;
  ++download_;
  piece_end_ = 0;
  memset(chunks_, 0, sizeof chunks_);
  chunks_missing_ = chunk_count_;
  subscribe_next_ = chunk_count_;
  subscribe_all_ = true;
  state_ = ClientState::kDownloading;
  arm_timer(now_ms);
}

crypto::Digest Client::download() const noexcept { return model_of(task_); }

uint32_t Client::chunk_length(uint32_t chunk) const noexcept {
  const uint32_t start = chunk * static_cast<uint32_t>(wire::kModelChunkBytes);
  const uint32_t left = task_.model_bytes - start;
  return left < wire::kModelChunkBytes ? left : static_cast<uint32_t>(wire::kModelChunkBytes);
}

bool Client::on_model_bytes(const ModelPiece& piece, ModelWrite& write) noexcept {
  if (state_ != ClientState::kDownloading || patching_ != Patching::kNo) return false;
  if (piece.model != crypto::prefix_of(model_of(task_))) return false;
  if (piece.chunk >= chunk_count_ || has_bit(chunks_, piece.chunk)) return false;
  const uint32_t length = chunk_length(piece.chunk);
  if (piece.chunk_bytes != length || piece.offset > length || piece.piece_bytes > length - piece.offset) return false;
  // Without the pieces before it the last one would complete a chunk that has a hole.
  if (piece.offset != 0 && (piece.chunk != piece_chunk_ || piece.offset != piece_end_)) return false;
  piece_chunk_ = piece.chunk;
  piece_end_ = piece.offset + piece.piece_bytes;
  write.offset = piece.chunk * static_cast<uint32_t>(wire::kModelChunkBytes) + piece.offset;
  write.download = download_;
  write.chunk = piece.chunk;
  write.completes_chunk = piece_end_ == length;
  return true;
}

void Client::on_model_stored(const ModelWrite& write, Status status, uint64_t now_ms) noexcept {
  if (state_ != ClientState::kDownloading || write.download != download_) return;
  if (patching_ == Patching::kStoring) {
    on_patch_stored(status, now_ms);
    return;
  }
  if (status != Status::kOk) {
    refuse_current(wire::Refusal::kStorageFailed, 0, 0, now_ms);
    return;
  }
  if (!write.completes_chunk || has_bit(chunks_, write.chunk)) return;
  set_bit(chunks_, write.chunk);
  --chunks_missing_;
  retries_ = 0;
  arm_timer(now_ms);
  if (chunks_missing_ == 0) finish_download(now_ms);
}

void Client::on_task_not_noted(uint64_t now_ms) noexcept {
  if (state_ != ClientState::kDownloading && state_ != ClientState::kWorking) return;  // refused for another reason
  patching_ = Patching::kNo;
  refuse_current(wire::Refusal::kStorageFailed, 0, 0, now_ms);
}

void Client::finish_download(uint64_t now_ms) noexcept {
  const Status status = restore_model(task_.model_bytes);
  model_ready_ = false;
  if (status == Status::kUnavailable) {
    refuse_current(wire::Refusal::kStorageFailed, 0, 0, now_ms);
  } else if (status == Status::kNewerVersion) {  // nobody can say where a later format keeps its digest
    refuse_current(wire::Refusal::kUnusableModel, 0, 0, now_ms);
  } else if (status == Status::kDamaged || status == Status::kTruncated || model_.digest != model_of(task_)) {
    refuse_current(wire::Refusal::kWrongModelHash, 0, 0, now_ms);
  } else if (status != Status::kOk) {
    refuse_current(wire::Refusal::kUnusableModel, 0, 0, now_ms);
  } else {
    model_ready_ = true;
    begin_work(now_ms);
  }
}

}  // namespace skink::edge
