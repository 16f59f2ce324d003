#include "skink/coordinator/core/idle_fleet.hpp"

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
