/// @file
/// Releases: what the client does with an announced model when no task wants it; how its own samples judge it:
/// client_personal.cpp (docs/protocol.md, section 7). It uses what rounds leave over: the download while there is no
/// task, and of the arena what no result and no residual may still need.

#include "skink/edge/client.hpp"

namespace skink::edge {

using internal::DownloadPlaces;
using internal::ReleaseGate;
using internal::ReleaseStage;

Status Client::restore_release(uint32_t number, uint32_t bytes, KeptRelease which) noexcept {
  has_own_weights_ = false;
  releases_.restore(number, which);
  const Status status = release_.open(bytes);
  take_up_personal();
  return status;
}

// ---- the announcement -----------------------------------------------------------------------------------------------

void Client::on_release(Bytes message, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (!releases_.is_open()) return;
  if (message.empty()) {
    stop_fetching();
    releases_.withdraw();
    return;
  }
  wire::Release release{};
  if (!is_readable(wire::decode_release(message, identity_, release))) return;
  const bool was_fetching = is_fetching();
  const ReleaseGate::Meaning meaning = releases_.announce(release);
  if (was_fetching && meaning != ReleaseGate::Meaning::kRepeat) stop_download();
  if (meaning == ReleaseGate::Meaning::kRefused) count_refused_release();
  if (meaning == ReleaseGate::Meaning::kKept)
    is_judgement_due_ = !is_judging_ && !is_adapted_release() && !is_personal();
  pursue_release();  // patches follow the announcement
}

void Client::count_refused_release() noexcept {
  wire::State said{};
  releases_.describe(said);
  ++counters_.refused[said.release_reason];
}

void Client::refuse_release(wire::Refusal reason) noexcept {
  timer_.stop();
  releases_.refuse(reason);
  count_refused_release();
}

/// Called whenever the client looks for something to do.
void Client::pursue_release() noexcept {
  if (!is_idle() || is_judging_) return;
  if (releases_.stage() == ReleaseStage::kWanted) begin_fetching();
  const bool can_judge = adapts_itself() ? used().has_model() : releases_.stage() == ReleaseStage::kKept;
  if (is_judgement_due_ && can_judge && !download_.is_patching()) begin_judgement();
}

// ---- its model ------------------------------------------------------------------------------------------------------

void Client::begin_fetching() noexcept {
  const internal::ModelOffer& offer = releases_.offer();
  copies_release_ = slot_.has_model(offer.digest) && slot_.bytes() == offer.bytes;
  if (copies_release_) {
    check_release(slot_);
    return;
  }
  // Patches may begin with either of the two models that a birth names. They are added up in the arena.
  if (offer.patch_bytes != 0) (void)give_up_result();
  const bool is_from_kept = release_.has_model() && release_.prefix() == offer.patch_base;
  const DownloadPlaces places = {is_from_kept ? &release_ : &slot_, nullptr, release_.capacity()};
  if (!download_.begin(offer, places, spare_arena())) {
    refuse_release(wire::Refusal::kDoesNotFit);
    return;
  }
  releases_.go_on(ReleaseStage::kFetching);
  await_model();
}

/// A task goes first, or nobody wants it any more. One that the port was not asked to keep yet may stand in the model
/// slot, which the task overwrites.
void Client::stop_fetching() noexcept {
  if (is_fetching()) stop_download();
  if (is_fetching() || releases_.stage() == ReleaseStage::kKeeping) releases_.go_on(ReleaseStage::kWanted);
}

void Client::stop_download() noexcept {
  download_.stop();
  timer_.stop();
}

/// The download has ended: is it the model that was signed?
void Client::finish_release_download() noexcept {
  timer_.stop();
  const internal::ModelOffer& offer = releases_.offer();
  const uint32_t kept_bytes = release_.has_model() ? release_.bytes() : 0;
  release_.read_from(store_.coming);
  const wire::Refusal reason = release_.verify(offer.bytes, offer.digest);
  if (reason == wire::Refusal::kNone) {
    check_release(release_);
  } else {
    refuse_release(reason);
  }
  // Until the port has kept it, the other one is in use.
  release_.read_from(store_.kept);
  if (kept_bytes != 0) (void)release_.open(kept_bytes);
}

/// The network of the file is checked; the signature is over all of its bytes.
void Client::check_release(const internal::ModelSlot& place) noexcept {
  if (place.has_content(releases_.content())) {
    releases_.go_on(ReleaseStage::kKeeping);
  } else {
    refuse_release(wire::Refusal::kWrongModelHash);
  }
}

void Client::on_release_kept(Status status, uint64_t now_ms) noexcept {
  now_ms_ = now_ms;
  if (releases_.stage() != ReleaseStage::kKeeping) return;
  const internal::ModelOffer& offer = releases_.offer();
  if (has_own_weights_ || is_judging_) runner_.forget_weights();
  has_own_weights_ = false;
  is_judging_ = false;  // adapt_now() works with the one before
  personal_.stop();
  if (status == Status::kOk) status = release_.open(offer.bytes);
  if (status != Status::kOk || !release_.has_model(offer.digest)) {
    refuse_release(wire::Refusal::kStorageFailed);
    return;
  }
  ++counters_.releases;
  releases_.on_kept();
  is_judgement_due_ = true;
}

// ---- memory ---------------------------------------------------------------------------------------------------------

MutableBytes Client::spare_arena() const noexcept {
  const size_t begin = (result_bytes_ + 3) / 4 * 4;
  const size_t end = arena_.size() / 4 * 4 - residual_.kept_bytes();
  return begin < end ? arena_.subspan(begin, end - begin) : MutableBytes();
}

/// The arena belongs to nobody but error feedback then; a repeat of the task begins it anew, as after a reset.
bool Client::give_up_result() noexcept {
  if (!is_idle() || residual_.has_open_change() || result_bytes_ == 0) return false;
  gate_.abandon();
  result_bytes_ = 0;
  state_ = ClientState::kIdle;
  return true;
}

}  // namespace skink::edge
