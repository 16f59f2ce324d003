#include "skink/edge/internal/model_download.hpp"

#include "skink/common/little_endian.hpp"

namespace skink::edge::internal {

ModelDownload::ModelDownload(ModelSlot& slot, const wire::Task& task) noexcept : slot_(slot), task_(task) {}

bool ModelDownload::begin(MutableBytes memory) noexcept {
  if (!chunks_.set_model(task_.model_bytes) || task_.model_bytes > slot_.capacity()) {
    slot_.invalidate();
    return false;
  }
  if (!begin_patches(memory)) begin_chunks();
  return true;
}

/// Will a chain of patches make the task's model?
bool ModelDownload::begin_patches(MutableBytes memory) noexcept {
  const bool has_base = slot_.has_model() && slot_.prefix() == task_.patch_base;
  if (!has_base || task_.patch_bytes == 0 || task_.model_bytes != slot_.bytes()) return false;
  way_ = Way::kPatches;
  chunks_.pause(task_.model_slot);
  patch_.begin(slot_.info(), slot_.memory(), task_.seed, memory);
  return true;
}

void ModelDownload::begin_chunks() noexcept {
  slot_.invalidate();
  way_ = Way::kChunks;
  ++number_;
  chunks_.begin(task_.model_slot);
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
  if (way_ != Way::kChunks || piece.model != load_u64(task_.model_sha256) || !chunks_.place(piece, write)) return false;
  write.download = number_;
  return true;
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
  if (bytes.empty() || load_u64(patch_head_) != load_u64(task_.model_sha256)) return DownloadProgress::kNone;
  const uint64_t place = uint64_t{load_u32(patch_head_ + 8)} + (offset - wire::kPatchHeadBytes);
  if (place > patch_.size()) return DownloadProgress::kNone;  // some are missing: the timer will see to it
  const uint64_t known = patch_.size() - place;
  if (known >= bytes.size()) return DownloadProgress::kNone;
  bytes = bytes.subspan(static_cast<size_t>(known));
  const bool fits = bytes.size() <= task_.patch_bytes - patch_.size();
  return fits && patch_.add(bytes) == Status::kOk ? DownloadProgress::kMoved : fall_back();
}

DownloadProgress ModelDownload::finish_chain() noexcept {
  if (way_ != Way::kPatches || patch_.size() != task_.patch_bytes) return DownloadProgress::kNone;
  if (patch_.finish() != Status::kOk || patch_.file().digest() != model_of(task_)) return fall_back();
  way_ = Way::kWriting;
  slot_.invalidate();  // the port may use the slot from now on
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
  action.payload = piece;
  return true;
}

}  // namespace skink::edge::internal
