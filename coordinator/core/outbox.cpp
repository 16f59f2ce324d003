#include "skink/coordinator/core/outbox.hpp"

#include <algorithm>
#include <cstring>

#include "sealed_message.hpp"
#include "skink/common/wire/versions.hpp"
#include "skink/coordinator/core/chain_messages.hpp"
#include "skink/coordinator/core/model_messages.hpp"
#include "skink/coordinator/core/state_message.hpp"

namespace skink::coordinator {

Outbox::Outbox(const Experiment& experiment, const rounds::MetaModel& model, std::uint32_t chunk_bytes)
    : experiment_(&experiment),
      model_(&model),
      chunk_bytes_(chunk_bytes),
      patches_(experiment.downlink, model.scopes().sent.frozen(), model::model_bytes(model.model())) {}

/// Of all the messages that carry the model.
std::size_t Outbox::model_payload_bytes() const {
  return model_->file().size() + chunk_count(model_->file().size(), chunk_bytes_) * wire::kModelHeadBytes;
}

void Outbox::set_rounds_done(std::uint32_t rounds_done) {
  rounds_done_ = rounds_done;
  model_published_ = false;
}

void Outbox::publish_model() {
  if (model_published_) return;
  model_published_ = true;
  const ChunkTopics topics{wire::TopicKind::kModel, model_slot()};
  for (Publish& chunk : model_chunks(topics, model_->digest(), model_->file(), chunk_bytes_)) {
    actions_.emplace_back(std::move(chunk));
  }
}

void Outbox::clear_slot(std::uint32_t slot) {
  for (std::uint32_t chunk = 0; chunk < chunk_count(model_->file().size(), chunk_bytes_); ++chunk) {
    actions_.emplace_back(chunk_removal({wire::TopicKind::kModel, slot}, chunk));
  }
}

void Outbox::withdraw() {
  model_published_ = false;
  for (std::uint32_t slot = 0; slot < wire::kModelSlots; ++slot) clear_slot(slot);
}

bool Outbox::publishes(std::uint32_t slot, std::uint32_t chunk) const {
  return model_published_ && slot == model_slot() && chunk < chunk_count(model_->file().size(), chunk_bytes_);
}

void Outbox::note_model(KnownDevice& device, std::uint64_t digest_prefix) const {
  const bool is_newest = digest_prefix == crypto::prefix_of(model_->digest());
  const crypto::Digest* base = is_newest ? &model_->digest() : patches_.find(digest_prefix);
  device.base = base != nullptr ? std::optional<crypto::Digest>(*base) : std::nullopt;
}

void Outbox::note_repeated(KnownDevice& device, const wire::Update& update) {
  if (update.repeated_model_bytes == 0 || device.repeated_in == update.id) return;
  constexpr std::uint64_t kMostModels = 16;
  const std::uint64_t most = kMostModels * model_payload_bytes();
  traffic_.downlink_bytes += std::min<std::uint64_t>(update.repeated_model_bytes, most);
  device.repeated_in = update.id;
}

void Outbox::send_task(KnownDevice& device, const TaskRequest& request) {
  publish_model();
  const crypto::Digest& digest = model_->digest();
  wire::Task task{};
  task.has_versions = true;
  task.versions = wire::own_versions();
  task.run = request.id.run;
  task.round = request.id.round;
  task.attempt = request.id.attempt;
  task.kind = static_cast<skink_wire_TaskKind>(request.kind);
  task.device_index = request.device_index;
  std::memcpy(task.model_sha256, digest.bytes, crypto::kDigestBytes);
  task.model_bytes = static_cast<std::uint32_t>(model_->file().size());
  task.model_slot = model_slot();
  task.model_chunk_bytes = said_chunk_bytes(chunk_bytes_);
  task.seed = experiment_->seed;
  task.inner_learning_rate = request.loop.inner_learning_rate;
  task.passes = request.loop.passes;
  task.batch_size = request.loop.batch_size;
  task.proximal = request.loop.proximal;
  task.frozen =
      request.kind == wire::TaskKind::kAdapt ? experiment_->adapt.scope.frozen : experiment_->evaluation.scope.frozen;
  task.change = static_cast<std::uint32_t>(request.loop.change);
  if (request.kind == wire::TaskKind::kAdapt) {
    std::strncpy(task.uplink, experiment_->uplink.c_str(), sizeof task.uplink - 1);
  }
  task.accepted_round = request.accepted_round;
  task.time_left_ms = static_cast<std::uint32_t>(request.time_left_ms);
  task.first_task = request.first_task;
  task.task_count = request.task_count;
  task.task_step = request.task_step;
  std::vector<std::uint8_t> chain;
  if (device.base && request.sending == TaskRequest::Sending::kFirst) chain = patches_.chain_from(*device.base);
  if (!chain.empty()) {
    task.patch_base = crypto::prefix_of(*device.base);
    task.patch_bytes = static_cast<std::uint32_t>(chain.size());
  }
  Publish publish = internal::sealed(wire::TopicKind::kTask, device, task, wire::encode_task);
  traffic_.downlink_bytes += publish.payload.size();
  if (chain.empty() && device.model_sent != digest && device.base != digest) {
    traffic_.downlink_bytes += model_payload_bytes();
  }
  device.model_sent = digest;
  actions_.emplace_back(std::move(publish));
  for (Publish& part : chain_messages(device.id, digest, chain, chunk_bytes_)) {
    traffic_.downlink_bytes += part.payload.size();
    actions_.emplace_back(std::move(part));
  }
}

void Outbox::send_challenge(const KnownDevice& device) { actions_.emplace_back(challenge_for(device)); }

void Outbox::reply(const KnownDevice& device, const wire::RoundId& id, wire::Verdict verdict, wire::Refusal reason,
                   std::uint32_t chunk) {
  wire::Reply message{};
  message.run = id.run;
  message.round = id.round;
  message.attempt = id.attempt;
  message.verdict = static_cast<skink_wire_Verdict>(verdict);
  message.reason = static_cast<skink_wire_Refusal>(reason);
  message.chunk = chunk;
  Publish publish = internal::sealed(wire::TopicKind::kReply, device, message, wire::encode_reply);
  traffic_.downlink_bytes += publish.payload.size();
  actions_.emplace_back(std::move(publish));
}

}  // namespace skink::coordinator
