#include "skink/edge/internal/model_download.hpp"

#include <string.h>

#include "skink/common/little_endian.hpp"

namespace skink::edge::internal {

ModelOffer offer_of(const wire::Task& task) noexcept {
  ModelOffer offer;
  memcpy(offer.digest.bytes, task.model_sha256, sizeof offer.digest.bytes);
  offer.bytes = task.model_bytes;
  offer.topic_slot = task.model_slot;
  offer.chunk_bytes = task.model_chunk_bytes;
  offer.patch_base = task.patch_base;
  offer.patch_bytes = task.patch_bytes;
  offer.seed = task.seed;
  return offer;
}

bool ModelDownload::begin(const ModelOffer& offer, const DownloadPlaces& places, MutableBytes memory) noexcept {
  offer_ = offer;
  places_ = places;
  received_bytes_ = 0;
  if (!chunks_.set_model(offer_.bytes, offer_.chunk_bytes) || offer_.bytes > places_.capacity) {
    invalidate();
    return false;
  }
  if (!begin_patches(memory)) begin_chunks();
  return true;
}

/// Will a chain of patches make the model?
bool ModelDownload::begin_patches(MutableBytes memory) noexcept {
  ModelSlot& base = *places_.base;
  const bool has_base = base.has_model() && base.prefix() == offer_.patch_base;
  if (!has_base || offer_.patch_bytes == 0 || offer_.bytes != base.bytes()) return false;
  way_ = Way::kPatches;
  chunks_.pause(chunk_place());
  patch_.begin(base.info(), base.memory(), offer_.seed, memory);
  return true;
}

void ModelDownload::begin_chunks() noexcept {
  invalidate();
  way_ = Way::kChunks;
  ++number_;
  chunks_.begin(chunk_place());
}

DownloadProgress ModelDownload::fall_back() noexcept {
  begin_chunks();
  return DownloadProgress::kFellBack;
}

void ModelDownload::stop() noexcept {
  way_ = Way::kNone;
  chunks_.stop();
}

void ModelDownload::on_connected() noexcept {
  chunks_.on_connected();
  if (way_ == Way::kChunks) chunks_.resume();
  if (way_ == Way::kPatches) patch_.restart();
}

DownloadProgress ModelDownload::on_timeout() noexcept {
  if (way_ == Way::kPatches) return fall_back();
  if (way_ == Way::kChunks) chunks_.request_missing();
  return DownloadProgress::kNone;
}

// ---- chunks ---------------------------------------------------------------------------------------------------------

bool ModelDownload::on_model_bytes(const ModelPiece& piece, ModelWrite& write) noexcept {
  if (piece.model != crypto::prefix_of(offer_.digest)) return false;
  received_bytes_ += piece.piece_bytes;
  if (piece.offset == 0) received_bytes_ += wire::kModelHeadBytes;
  if (way_ != Way::kChunks || !chunks_.place(piece, write)) return false;
  write.download = number_;
  write.store = offer_.store;
  return true;
}

uint32_t ModelDownload::repeated_bytes() const noexcept {
  if (offer_.patch_bytes != 0) return received_bytes_;
  const uint32_t once = offer_.bytes + chunks_.count() * static_cast<uint32_t>(wire::kModelHeadBytes);
  return received_bytes_ < once ? 0 : received_bytes_ - once;
}

DownloadProgress ModelDownload::on_stored(const ModelWrite& write, Status status) noexcept {
  const bool writes = way_ == Way::kChunks || way_ == Way::kWriting;
  if (!writes || write.download != number_) return DownloadProgress::kNone;
  DownloadProgress progress = DownloadProgress::kNone;
  if (status != Status::kOk) {
    progress = DownloadProgress::kFailed;
  } else if (way_ == Way::kWriting) {
    written_bytes_ += writing_bytes_;
    writing_bytes_ = 0;
    if (written_bytes_ == patch_.file().size()) progress = DownloadProgress::kPatched;
  } else if (write.completes_chunk && chunks_.on_stored(write.chunk)) {
    progress = chunks_.is_complete() ? DownloadProgress::kWritten : DownloadProgress::kMoved;
  }
  if (progress != DownloadProgress::kNone && progress != DownloadProgress::kMoved) stop();
  return progress;
}

// ---- patches --------------------------------------------------------------------------------------------------------

DownloadProgress ModelDownload::on_patch_bytes(const PatchPiece& piece) noexcept {
  if (way_ != Way::kPatches) return DownloadProgress::kNone;
  uint32_t offset = piece.offset;
  Bytes bytes = piece.bytes;
  for (; offset < wire::kPatchHeadBytes && !bytes.empty(); bytes = bytes.subspan(1)) patch_head_[offset++] = bytes[0];
  if (bytes.empty() || load_u64(patch_head_) != crypto::prefix_of(offer_.digest)) return DownloadProgress::kNone;
  const uint64_t place = uint64_t{load_u32(patch_head_ + 8)} + (offset - wire::kPatchHeadBytes);
  if (place > patch_.size()) return DownloadProgress::kNone;  // some are missing: the timer will see to it
  const uint64_t known = patch_.size() - place;
  if (known >= bytes.size()) return DownloadProgress::kNone;
  bytes = bytes.subspan(static_cast<size_t>(known));
  const bool fits = bytes.size() <= offer_.patch_bytes - patch_.size();
  return fits && patch_.add(bytes) == Status::kOk ? DownloadProgress::kMoved : fall_back();
}

DownloadProgress ModelDownload::finish_chain() noexcept {
  if (way_ != Way::kPatches || patch_.size() != offer_.patch_bytes) return DownloadProgress::kNone;
  if (patch_.finish() != Status::kOk || patch_.file().digest() != offer_.digest) return fall_back();
  way_ = Way::kWriting;
  invalidate();  // the port may write from now on
  ++number_;
  written_bytes_ = 0;
  writing_bytes_ = 0;
  return DownloadProgress::kNone;
}

// ---- actions --------------------------------------------------------------------------------------------------------

bool ModelDownload::next_action(Action& action) noexcept { return chunks_.next_action(action) || next_write(action); }

/// The next piece of the patched model.
bool ModelDownload::next_write(Action& action) noexcept {
  if (way_ != Way::kWriting || writing_bytes_ > 0) return false;
  const size_t left = patch_.file().size() - written_bytes_;
  const MutableBytes buffer = patch_.buffer();
  const MutableBytes piece = buffer.first(left < buffer.size() ? left : buffer.size());
  patch_.file().read(written_bytes_, piece);
  writing_bytes_ = static_cast<uint32_t>(piece.size());
  action.kind = ActionKind::kStoreModel;
  action.model = patch_.file().digest();
  action.write.offset = written_bytes_;
  action.write.download = number_;
  action.write.store = offer_.store;
  action.payload = piece;
  return true;
}

}  // namespace skink::edge::internal
