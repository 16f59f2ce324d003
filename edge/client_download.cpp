/// @file
/// The model of a task or a release on its way to the device: what comes, what is waited for, and what a device does
/// when nothing comes (docs/protocol.md, section 3, step 3).

#include "skink/edge/client.hpp"

namespace skink::edge {

using internal::DownloadProgress;
using internal::offer_of;

void Client::begin_download() noexcept {
  runner_.forget_split_weights();
  // The end of the arena may hold a residual.
  const size_t room = arena_.size() / sizeof(float) * sizeof(float) - residual_.kept_bytes();
  if (!download_.begin(offer_of(gate_.task()), {&slot_, &slot_, slot_.capacity()}, arena_.first(room))) {
    refuse(wire::Refusal::kDoesNotFit, download_bytes(), download_.most_bytes());
    return;
  }
  state_ = ClientState::kDownloading;
  await_model();
}

bool Client::on_model_bytes(const ModelPiece& piece, ModelWrite& write) noexcept {
  if (!download_.on_model_bytes(piece, write)) return false;
  has_progress_ = true;
  return true;
}

void Client::on_model_stored(const ModelWrite& write, Status status, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  follow(download_.on_stored(write, status));
}

void Client::on_patch_bytes(const PatchPiece& piece, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  const DownloadProgress progress = download_.on_patch_bytes(piece);
  if (progress == DownloadProgress::kNone) return;
  lose_release_weights();
  runner_.forget_weights();  // the parameters that are patched take their place
  follow(progress);
  follow(download_.finish_chain());
}

void Client::follow(DownloadProgress progress) noexcept {
  switch (progress) {
    case DownloadProgress::kNone: return;
    case DownloadProgress::kMoved: await_model(); return;
    case DownloadProgress::kFellBack: ++counters_.patches_failed; break;
    case DownloadProgress::kWritten:
      timer_.reset_backoff();
      finish_download();
      return;
    case DownloadProgress::kPatched:
      ++counters_.patched;
      finish_download();
      return;
    case DownloadProgress::kFailed:
      is_fetching() ? refuse_release(wire::Refusal::kStorageFailed) : refuse(wire::Refusal::kStorageFailed);
      return;
  }
  arm_timer();
}

/// From now on something has to come in time.
void Client::await_model() noexcept {
  probe_ = Probe::kNone;
  has_progress_ = false;
  timer_.reset_backoff();
  arm_timer();
}

/// Nothing came in time. A slow link may still hold all of it, and asking again would bring it twice: first a ping,
/// whose answer comes behind what is on its way.
void Client::probe() noexcept {
  if (probe_ == Probe::kNone) probe_ = Probe::kDue;
}

bool Client::next_probe(Action& action) noexcept {
  if (probe_ != Probe::kDue) return false;
  probe_ = Probe::kAsked;
  action.kind = ActionKind::kProbe;
  return true;
}

void Client::on_probe_answered(uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (probe_ != Probe::kAsked) return;
  probe_ = Probe::kNone;
  if (!is_downloading()) return;
  if (has_progress_) {
    await_model();
    return;
  }
  follow(download_.on_timeout());
  if (is_downloading()) arm_timer();
}

void Client::finish_download() noexcept {
  if (is_fetching()) {
    finish_release_download();
    return;
  }
  upload_.note_repeated(download_.repeated_bytes());
  runner_.forget_weights();
  const wire::Refusal reason = slot_.verify(download_bytes(), download());
  if (reason == wire::Refusal::kNone) {
    begin_work();
  } else {
    refuse(reason);
  }
}

}  // namespace skink::edge
