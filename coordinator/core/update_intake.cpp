#include "skink/coordinator/core/update_intake.hpp"

#include <stdexcept>
#include <utility>

namespace skink::coordinator {

UpdateIntake::UpdateIntake(const Experiment& experiment, const nn::Network& network, const rounds::Strategy& strategy,
                           rounds::Executor executor)
    : experiment_(&experiment), strategy_(&strategy), executor_(executor), aggregator_(network, std::move(executor)) {
  if (!codec::parse(experiment.uplink.c_str(), codec_)) throw std::runtime_error("unknown codec");
  longest_update_ = codec::encoded_bytes(codec_, network);
}

std::vector<OpenedUpdate> UpdateIntake::open(Span<const UpdateMessage> messages, const DeviceBook& devices) const {
  std::vector<OpenedUpdate> opened(messages.size());
  executor_.run(static_cast<std::uint32_t>(messages.size()), [&](std::uint32_t /*worker*/, std::uint32_t part) {
    const KnownDevice* device = devices.find(messages[part].device_id);
    if (device == nullptr || devices.is_revoked(device->id)) return;
    OpenedUpdate& one = opened[part];
    one.status = wire::decode_update(messages[part].bytes, {device->id.c_str(), device->key}, one.update, one.payload);
  });
  return opened;
}

UpdateIntake::Taken UpdateIntake::take_chunk(Slot& slot, std::uint32_t number, const wire::Update& update,
                                             Bytes payload, std::uint32_t residual_round, std::uint64_t now_ms,
                                             wire::Refusal& reason) {
  reason = wire::Refusal::kUnknownCodec;
  if (experiment_->uplink != update.uplink) return Taken::kRefused;
  switch (slot.assembly.take(update, payload, longest_update_)) {
    case UpdateAssembly::Step::kIncomplete: return Taken::kIncomplete;
    case UpdateAssembly::Step::kKnownGap: return Taken::kKnownGap;
    case UpdateAssembly::Step::kResend: return Taken::kResend;
    case UpdateAssembly::Step::kWrongShape: reason = wire::Refusal::kWrongShape; return Taken::kRefused;
    case UpdateAssembly::Step::kComplete: break;
  }
  reason = wire::Refusal::kMalformed;
  const bool has_its_residual = update.residual_round == 0 || update.residual_round == residual_round;
  const bool has_its_samples = update.support_samples >= 1 && update.support_samples <= support_samples(*experiment_);
  if (!has_its_samples || (codec_.error_feedback && !has_its_residual)) return Taken::kRefused;
  slot.waits = true;
  const std::uint32_t samples = slot.known_samples != 0 ? slot.known_samples : update.support_samples;
  waiting_.push_back({number, update.id, samples, update.residual_round, now_ms, 0, wire::Refusal::kNone});
  return Taken::kWaits;
}

std::vector<CompleteChange> UpdateIntake::decode_waiting(std::uint32_t round, SlotBook& slots) {
  std::vector<CompleteChange> waiting = std::exchange(waiting_, {});
  std::vector<rounds::EncodedChange> changes;
  changes.reserve(waiting.size());
  for (const CompleteChange& change : waiting) {
    Slot& slot = slots[change.slot];
    slot.waits = false;
    changes.push_back({slot.assembly.bytes(),
                       {experiment_->seed, round, slot.device_index},
                       strategy_->aggregation_weight(change.support_samples)});
  }
  const std::vector<wire::Refusal> refusals = aggregator_.add(codec_, {changes.data(), changes.size()});
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    waiting[i].refusal = refusals[i];
    waiting[i].norm = aggregator_.norms()[i];
  }
  return waiting;
}

}  // namespace skink::coordinator
