#include "skink/coordinator/core/idle_fleet.hpp"

#include "sealed_message.hpp"
#include "skink/coordinator/core/state_message.hpp"

namespace skink::coordinator {

void IdleFleet::on_connected(std::uint64_t now_ms) {
  devices_->on_connected(now_ms);
  connected_ = true;
}

void IdleFleet::on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  const StateMessage state = read_state(*devices_, device_id, message, refused_);
  switch (state.kind) {
    case StateMessage::Kind::kNothing: return;
    case StateMessage::Kind::kWill:
      if (KnownDevice* device = devices_->find(device_id)) devices_->on_will(*device, now_ms);
      return;
    case StateMessage::Kind::kBirth: break;
  }
  devices_->on_birth(devices_->add(device_id), state.birth, now_ms);
  on_time(now_ms);
}

void IdleFleet::on_update(std::string_view device_id, Bytes message) {
  const KnownDevice* device = devices_->find(device_id);
  if (device == nullptr || devices_->is_revoked(device_id)) return;
  wire::Update update;
  Bytes payload;
  if (wire::decode_update(message, {device->id.c_str(), device->key}, update, payload) != Status::kOk) return;
  if (update.chunk + 1 < update.chunk_count) return;  // of many chunks the last one is answered
  wire::Reply reply{};
  reply.run = update.id.run;
  reply.round = update.id.round;
  reply.attempt = update.id.attempt;
  reply.verdict = skink_wire_Verdict_VERDICT_REFUSED;
  reply.reason = skink_wire_Refusal_REFUSAL_NOT_EXPECTED;
  actions_.emplace_back(internal::sealed(wire::TopicKind::kReply, *device, reply, wire::encode_reply));
}

void IdleFleet::on_time(std::uint64_t now_ms) {
  if (!connected_) return;
  while (KnownDevice* device = devices_->due_probe(now_ms)) {
    actions_.emplace_back(challenge_for(*device));
    devices_->probe_sent(*device, now_ms);
  }
}

void IdleFleet::revoke(const RevokedIds& ids, std::uint64_t now_ms) {
  for (KnownDevice* device : devices_->revoke(ids)) devices_->on_gone(*device, now_ms);
}

}  // namespace skink::coordinator
