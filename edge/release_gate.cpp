#include "skink/edge/internal/release_gate.hpp"

#include <string.h>

#include "skink/common/provisioning/signed_release.hpp"

namespace skink::edge::internal {
namespace {

static_assert(sizeof(wire::Release::header) == provisioning::kReleaseHeaderBytes, "docs/protocol.md, section 7");

ModelOffer offer_of(const wire::Release& message, uint32_t bytes) noexcept {
  ModelOffer offer;
  memcpy(offer.digest.bytes, message.model_sha256, sizeof offer.digest.bytes);
  offer.bytes = bytes;
  offer.store = ModelStoreKind::kRelease;
  offer.topic = wire::TopicKind::kReleaseModel;
  offer.topic_slot = message.slot;
  offer.chunk_bytes = message.model_chunk_bytes;
  offer.patch_base = message.patch_base;
  offer.patch_bytes = message.patch_bytes;
  offer.seed = message.seed;
  return offer;
}

}  // namespace

ReleaseGate::ReleaseGate(Bytes key, const ModelSlot& kept) noexcept : key_(key), kept_(kept) {}

ReleaseGate::Meaning ReleaseGate::announce(const wire::Release& message) noexcept {
  is_announced_ = true;
  judgement_ = {message.inner_learning_rate, message.passes, message.batch_size, message.first_task};
  const Bytes header(message.header);
  provisioning::Release manifest;
  const Status signature = provisioning::read_manifest(header, key_, manifest);
  const ModelOffer offer = offer_of(message, manifest.content_bytes);
  wire::Refusal reason =
      signature == Status::kBufferTooSmall ? wire::Refusal::kDoesNotFit : wire::Refusal::kWrongSignature;
  if (signature == Status::kOk) {
    const bool is_model = manifest.kind == provisioning::ReleaseKind::kModel;
    reason = is_model ? reason_to_refuse(offer, manifest.number) : wire::Refusal::kUnusableModel;
  }
  if (reason != wire::Refusal::kNone) {
    stage_ = ReleaseStage::kNone;
    set_refused(provisioning::claimed_number(header), reason);
    return Meaning::kRefused;
  }
  set_refused(0, wire::Refusal::kNone);
  const bool is_coming = stage_ == ReleaseStage::kWanted || stage_ == ReleaseStage::kFetching;
  const bool is_repeat = is_coming && manifest.number == number_ && offer.digest == offer_.digest &&
                         manifest.digest == content_ && offer.topic_slot == offer_.topic_slot &&
                         offer.chunk_bytes == offer_.chunk_bytes;
  number_ = manifest.number;
  offer_ = offer;
  content_ = manifest.digest;
  if (is_repeat) return Meaning::kRepeat;
  const bool is_kept = manifest.number == kept_number_ && kept_.has_model(offer.digest);
  stage_ = is_kept ? ReleaseStage::kKept : ReleaseStage::kWanted;
  return is_kept ? Meaning::kKept : Meaning::kNew;
}

/// Of a model that the release key has signed.
wire::Refusal ReleaseGate::reason_to_refuse(const ModelOffer& offer, uint32_t number) const noexcept {
  // A kept model that cannot be read any more may come again.
  const bool may_come_again = kept_.has_model(offer.digest) || !kept_.has_model() || has_previous_;
  const bool is_kept = number != 0 && number == kept_number_ && may_come_again;
  if (number <= kept_number_ && !is_kept) return wire::Refusal::kOlderRelease;
  if (offer.bytes > kept_.capacity()) return wire::Refusal::kDoesNotFit;
  const bool is_sound = offer.topic_slot < wire::kModelSlots && wire::is_model_chunk_size(offer.chunk_bytes) &&
                        (judgement_.passes == 0 || is_valid(judgement()));
  return is_sound ? wire::Refusal::kNone : wire::Refusal::kInvalidTask;
}

void ReleaseGate::withdraw() noexcept {
  stage_ = ReleaseStage::kNone;
  is_announced_ = false;
  set_refused(0, wire::Refusal::kNone);
}

void ReleaseGate::on_kept() noexcept {
  stage_ = ReleaseStage::kKept;
  use_ = wire::ReleaseUse::kUnknown;
  restore(number_);
}

void ReleaseGate::refuse(wire::Refusal reason) noexcept {
  stage_ = ReleaseStage::kNone;
  set_refused(number_, reason);
}

void ReleaseGate::set_refused(uint32_t number, wire::Refusal reason) noexcept {
  is_changed_ = is_changed_ || number != refused_ || reason != reason_;
  refused_ = number;
  reason_ = reason;
}

TaskSettings ReleaseGate::judgement() const noexcept {
  TaskSettings settings;
  settings.kind = wire::TaskKind::kEvaluate;
  settings.seed = offer_.seed;
  settings.first_task = judgement_.first_task;
  settings.inner_learning_rate = judgement_.inner_learning_rate;
  settings.passes = judgement_.passes;
  settings.batch_size = judgement_.batch_size;
  return settings;
}

bool ReleaseGate::next_keep(bool copies, Action& action) noexcept {
  if (stage_ != ReleaseStage::kKeeping || !is_keep_due_) return false;
  is_keep_due_ = false;
  action.kind = ActionKind::kKeepRelease;
  action.model = offer_.digest;
  action.release = {number_, offer_.bytes, copies};
  return true;
}

void ReleaseGate::set_use(wire::ReleaseUse use) noexcept {
  is_changed_ = is_changed_ || use != use_;
  use_ = use;
}

void ReleaseGate::describe(wire::State& state) const noexcept {
  state.takes_releases = is_open();
  state.release = kept_number_;
  state.release_model = kept_.prefix();
  state.release_refused = refused_;
  state.release_reason = static_cast<skink_wire_Refusal>(reason_);
  state.release_use = static_cast<skink_wire_ReleaseUse>(use_);
}

}  // namespace skink::edge::internal
