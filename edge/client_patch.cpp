/// @file
/// The client's model from patches: docs/codec.md, section 9. Whatever goes wrong before the slot is written, the model
/// is fetched whole.

#include <string.h>

#include "client_details.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/edge/client.hpp"

namespace skink::edge {

/// Will a chain of patches make the task's model?
bool Client::begin_patch(uint64_t now_ms) noexcept {
  const bool has_base = model_ready_ && task_.patch_base == crypto::prefix_of(model_.digest);
  if (!has_base || task_.patch_bytes == 0 || task_.model_bytes != model_bytes_) return false;
  patching_ = Patching::kReceiving;
  subscribe_next_ = chunk_count_;  // to no chunk
  subscribe_all_ = false;
  restart_patch();
  state_ = ClientState::kDownloading;
  arm_timer(now_ms);
  return true;
}

/// The end of the arena may hold a residual.
void Client::restart_patch() noexcept {
  const size_t room = config_.arena.size() / sizeof(float) * sizeof(float) - residual_.kept_bytes();
  patch_.begin(model_, platform_.model, task_.seed, config_.arena.first(room));
}

void Client::give_up_patch(uint64_t now_ms) noexcept {
  ++counters_.patches_failed;
  patching_ = Patching::kNo;
  begin_chunks(now_ms);
}

void Client::on_patch_bytes(const PatchPiece& piece, uint64_t now_ms) noexcept {
  if (patching_ != Patching::kReceiving) return;
  uint32_t offset = piece.offset;
  Bytes bytes = piece.bytes;
  for (; offset < wire::kPatchHeadBytes && !bytes.empty(); bytes = bytes.subspan(1)) patch_head_[offset++] = bytes[0];
  if (bytes.empty() || load_u64(patch_head_) != crypto::prefix_of(model_of(task_))) return;
  const uint64_t place = uint64_t{load_u32(patch_head_ + 8)} + (offset - wire::kPatchHeadBytes);
  if (place > patch_.size()) return;  // some are missing: the timer will see to it
  const uint64_t known = patch_.size() - place;
  if (known >= bytes.size()) return;
  bytes = bytes.subspan(static_cast<size_t>(known));
  runner_.forget_weights();
  const bool fits = bytes.size() <= task_.patch_bytes - patch_.size();
  if (!fits || patch_.add(bytes) != Status::kOk) {
    give_up_patch(now_ms);
    return;
  }
  retries_ = 0;
  arm_timer(now_ms);
  if (patch_.size() == task_.patch_bytes) finish_patch(now_ms);
}

void Client::finish_patch(uint64_t now_ms) noexcept {
  const bool is_right = patch_.finish() == Status::kOk && patch_.file().digest() == model_of(task_);
  if (!is_right) {
    give_up_patch(now_ms);
    return;
  }
  patching_ = Patching::kStoring;
  model_ready_ = false;  // the port may use the slot from now on
  ++download_;
  stored_bytes_ = 0;
  storing_bytes_ = 0;
}

/// The next piece of the new model.
bool Client::next_storing(Action& action) noexcept {
  if (patching_ != Patching::kStoring || storing_bytes_ > 0) return false;
  const size_t left = patch_.file().size() - stored_bytes_;
  const MutableBytes buffer = patch_.buffer();
  const MutableBytes piece = buffer.first(left < buffer.size() ? left : buffer.size());
  patch_.file().read(stored_bytes_, piece);
  storing_bytes_ = static_cast<uint32_t>(piece.size());
  action.kind = ActionKind::kStoreModel;
  action.model = patch_.file().digest();
  action.write.offset = stored_bytes_;
  action.write.download = download_;
  action.payload = piece;
  return true;
}

void Client::on_patch_stored(Status status, uint64_t now_ms) noexcept {
  if (status != Status::kOk) {
    patching_ = Patching::kNo;
    refuse_current(wire::Refusal::kStorageFailed, 0, 0, now_ms);
    return;
  }
  stored_bytes_ += storing_bytes_;
  storing_bytes_ = 0;
  if (stored_bytes_ < patch_.file().size()) return;
  patching_ = Patching::kNo;
  ++counters_.patched;
  finish_download(now_ms);
}

}  // namespace skink::edge
