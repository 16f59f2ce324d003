/// @file
/// What the coordinator says: models, tasks, replies.

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "skink/common/little_endian.hpp"
#include "skink/coordinator/core/coordinator.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kFirstResendMs = 5000;
constexpr std::uint64_t kLongestResendMs = 60000;

skink_wire_TaskKind wire_kind(bool is_evaluation) {
  return is_evaluation ? skink_wire_TaskKind_TASK_KIND_EVALUATE : skink_wire_TaskKind_TASK_KIND_ADAPT;
}

/// Of all the messages that carry a model.
std::size_t model_payload_bytes(std::size_t file_bytes) {
  const std::size_t chunks = (file_bytes + wire::kModelChunkBytes - 1) / wire::kModelChunkBytes;
  return file_bytes + chunks * wire::kModelHeadBytes;
}

/// A message to one device under its key, as `encode` writes it.
template <class Message, class Encode>
Publish sealed(wire::TopicKind topic, const wire::Identity& identity, const Message& message, Encode encode) {
  Publish publish;
  publish.topic = topic;
  publish.device_id = identity.device_id;
  publish.payload.resize(wire::kMaxControlBytes);
  std::size_t written = 0;
  const MutableBytes out{publish.payload.data(), publish.payload.size()};
  if (encode(message, identity, out, written) != Status::kOk) {
    throw std::logic_error("a task or reply does not fit in kMaxControlBytes");
  }
  publish.payload.resize(written);
  return publish;
}

}  // namespace

void Coordinator::publish_model() {
  if (model_published_ || all_settled()) return;
  model_published_ = true;
  for (std::size_t offset = 0; offset < model_file_.size(); offset += wire::kModelChunkBytes) {
    const std::size_t count = std::min(wire::kModelChunkBytes, model_file_.size() - offset);
    Publish publish;
    publish.topic = wire::TopicKind::kModel;
    publish.slot = model_slot();
    publish.chunk = static_cast<std::uint32_t>(offset / wire::kModelChunkBytes);
    publish.payload.resize(wire::kModelHeadBytes + count);
    store_u64(publish.payload.data(), crypto::prefix_of(digest_));
    std::memcpy(publish.payload.data() + wire::kModelHeadBytes, model_file_.data() + offset, count);
    publish.retain = true;
    actions_.emplace_back(std::move(publish));
  }
}

/// An empty retained message removes a chunk from the broker.
void Coordinator::clear_slot(std::uint32_t slot) {
  for (std::size_t offset = 0; offset < model_file_.size(); offset += wire::kModelChunkBytes) {
    Publish publish;
    publish.topic = wire::TopicKind::kModel;
    publish.slot = slot;
    publish.chunk = static_cast<std::uint32_t>(offset / wire::kModelChunkBytes);
    publish.retain = true;
    actions_.emplace_back(std::move(publish));
  }
}

bool Coordinator::publishes(std::uint32_t slot, std::uint32_t chunk) const {
  return model_published_ && phase_ != Phase::kFinished && slot == model_slot() &&
         std::size_t{chunk} * wire::kModelChunkBytes < model_file_.size();
}

void Coordinator::withdraw() {
  settle_waiting();
  model_published_ = false;
  for (std::uint32_t slot = 0; slot < wire::kModelSlots; ++slot) clear_slot(slot);
}

/// What a birth says of the device's model.
void Coordinator::note_model(Device& device, std::uint64_t prefix) {
  const crypto::Digest* base = prefix == crypto::prefix_of(digest_) ? &digest_ : patches_.find(prefix);
  device.has_base = base != nullptr;
  if (base != nullptr) device.base = *base;
}

/// The chain in messages as long as a model's chunks; in front of each part whose it is, and where.
void Coordinator::publish_patches(const Device& device, const std::vector<std::uint8_t>& chain) {
  constexpr std::size_t kPartBytes = wire::kModelChunkBytes - wire::kPatchHeadBytes;
  for (std::size_t offset = 0; offset < chain.size(); offset += kPartBytes) {
    const std::size_t count = std::min(kPartBytes, chain.size() - offset);
    Publish publish;
    publish.topic = wire::TopicKind::kPatch;
    publish.device_id = device.id;
    publish.payload.resize(wire::kPatchHeadBytes + count);
    store_u64(publish.payload.data(), crypto::prefix_of(digest_));
    store_u32(publish.payload.data() + 8, static_cast<std::uint32_t>(offset));
    std::memcpy(publish.payload.data() + wire::kPatchHeadBytes, chain.data() + offset, count);
    traffic_.downlink_bytes += publish.payload.size();
    actions_.emplace_back(std::move(publish));
  }
}

/// A device that has one of the last models gets the way from there, the first time; a reminder finds it waiting for a
/// chain, or for the whole model that it fetches when no chain comes.
void Coordinator::send_task(Slot& slot, std::uint64_t now_ms, Sending sending) {
  Device& device = device_at(slot.device_index);
  if (is_revoked(device.id)) {  // every device that could be asked is: the round waits for the operator
    slot.resend_ms = kNever;
    return;
  }
  publish_model();
  const bool evaluates = phase_ == Phase::kEvaluating;
  const EvaluationConfig& evaluation = config_.experiment.evaluation;
  const rounds::InnerLoop loop =
      evaluates ? rounds::InnerLoop{evaluation.inner_learning_rate, evaluation.passes, evaluation.batch_size}
                : strategy_->inner_loop();
  wire::Task task{};
  task.has_versions = true;
  task.versions = wire::own_versions();
  task.run = config_.run;
  task.round = rounds_done_;
  task.attempt = slot.attempt;
  task.kind = wire_kind(evaluates);
  task.device_index = slot.device_index;
  std::memcpy(task.model_sha256, digest_.bytes, crypto::kDigestBytes);
  task.model_bytes = static_cast<std::uint32_t>(model_file_.size());
  task.model_slot = model_slot();
  task.seed = config_.experiment.seed;
  task.inner_learning_rate = loop.inner_learning_rate;
  task.passes = loop.passes;
  task.batch_size = loop.batch_size;
  if (!evaluates) std::strncpy(task.uplink, config_.experiment.uplink.c_str(), sizeof task.uplink - 1);
  if (codec_.error_feedback) task.accepted_round = residual_round_of(slot);
  task.time_left_ms = static_cast<std::uint32_t>(slot.deadline_ms > now_ms ? slot.deadline_ms - now_ms : 0);
  task.first_task = slot.first_task;
  task.task_count = slot.task_count;
  std::vector<std::uint8_t> chain;
  if (device.has_base && sending == Sending::kFirst) chain = patches_.chain_from(device.base);
  if (!chain.empty()) {
    task.patch_base = crypto::prefix_of(device.base);
    task.patch_bytes = static_cast<std::uint32_t>(chain.size());
  }
  Publish publish = sealed(wire::TopicKind::kTask, {device.id.c_str(), device.key}, task, wire::encode_task);
  traffic_.downlink_bytes += publish.payload.size();
  const bool was_sent = device.has_model && device.model_sent == digest_;
  if (chain.empty() && !was_sent) traffic_.downlink_bytes += model_payload_bytes(model_file_.size());
  device.has_model = true;
  device.model_sent = digest_;
  actions_.emplace_back(std::move(publish));
  publish_patches(device, chain);
  put_off_resend(slot, now_ms);
  ++slot.sends;
}

void Coordinator::send_probes(std::uint64_t now_ms) {
  if (!connected_) return;
  for (std::string_view due = presence_.due(now_ms); !due.empty(); due = presence_.due(now_ms)) {
    Device& device = devices_.find(due)->second;
    wire::Task task{};
    task.has_versions = true;
    task.versions = wire::own_versions();
    task.kind = skink_wire_TaskKind_TASK_KIND_PRESENCE;
    task.challenge = device.presence.challenge;
    actions_.emplace_back(sealed(wire::TopicKind::kTask, {device.id.c_str(), device.key}, task, wire::encode_task));
    presence_.probe_sent(device.id, device.presence, now_ms);
  }
}

/// A task that was lost is sent again, soon at first; a device that is heard has not lost it.
void Coordinator::put_off_resend(Slot& slot, std::uint64_t now_ms) const {
  slot.resend_ms = now_ms + resend_wait(slot.sends);
}

/// Never so often that it disturbs a slow device.
std::uint64_t Coordinator::resend_wait(std::uint32_t sends) const {
  const std::uint64_t wait = std::min<std::uint64_t>(kFirstResendMs << std::min(sends, 10U), kLongestResendMs);
  return std::clamp<std::uint64_t>(wait, 1, std::max<std::uint64_t>(1, config_.experiment.fleet.deadline_ms / 3));
}

void Coordinator::reply(Device& device, const wire::RoundId& id, wire::Verdict verdict, wire::Refusal reason,
                        std::uint32_t chunk) {
  wire::Reply message{};
  message.run = id.run;
  message.round = id.round;
  message.attempt = id.attempt;
  message.verdict = static_cast<skink_wire_Verdict>(verdict);
  message.reason = static_cast<skink_wire_Refusal>(reason);
  message.chunk = chunk;
  Publish publish = sealed(wire::TopicKind::kReply, {device.id.c_str(), device.key}, message, wire::encode_reply);
  traffic_.downlink_bytes += publish.payload.size();
  actions_.emplace_back(std::move(publish));
}

}  // namespace skink::coordinator
