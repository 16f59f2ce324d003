/// @file
/// Who belongs to a run and who is there: births, last wills, silence, the roster, revocation.

#include <algorithm>

#include "skink/coordinator/core/coordinator.hpp"

namespace skink::coordinator {

Coordinator::Device& Coordinator::device_of(std::string_view id) {
  const auto found = devices_.find(id);
  if (found != devices_.end()) return found->second;
  Device device;
  device.id = std::string(id);
  device.key = key_of(id);
  return devices_.emplace(device.id, std::move(device)).first->second;
}

crypto::Key Coordinator::key_of(std::string_view id) const {
  return crypto::device_key(config_.master_key, {config_.fleet.data(), config_.fleet.size()}, {id.data(), id.size()});
}

void Coordinator::freeze_roster(std::uint64_t now_ms) {
  for (const auto& [id, device] : devices_) {
    if (device.presence.online && roster_.size() < config_.experiment.fleet.devices) roster_.push_back(id);
  }
  std::sort(roster_.begin(), roster_.end());
  actions_.emplace_back(CommitRoster{roster_});
  adopt_roster();
  advance(now_ms);
}

void Coordinator::adopt_roster() {
  roster_devices_.clear();
  for (const std::string& id : roster_) roster_devices_.push_back(&device_of(id));
  membership_ = rounds::split_roster(config_.experiment.seed, static_cast<std::uint32_t>(roster_.size()),
                                     config_.experiment.fleet.held_out);
}

void Coordinator::revoke(const RevokedIds& ids, std::uint64_t now_ms) {
  if (config_.replay) return;
  settle_waiting();
  std::vector<Device*> members;
  for (const std::string& id : ids) {
    if (!revoked_.insert(id).second) continue;
    const auto found = devices_.find(id);
    if (found != devices_.end()) members.push_back(&found->second);
  }
  // All are marked by now, so that none of them takes another's place.
  for (Device* device : members) {
    note_gone(*device, now_ms);
    Slot* slot = open_slot_of(*device);
    if (slot != nullptr) replace(*slot, wire::Refusal::kRevoked, "revoked", now_ms);
  }
  if (!slots_.empty()) close_if_settled(now_ms);
}

void Coordinator::on_state(std::string_view device_id, Bytes message, std::uint64_t now_ms) {
  if (is_revoked(device_id)) {
    count(wire::Refusal::kRevoked);
    return;
  }
  if (message.empty()) {
    take_will(device_id, now_ms);
    return;
  }
  const auto found = devices_.find(device_id);
  const std::string id(device_id);
  const crypto::Key key = found != devices_.end() ? found->second.key : key_of(id);
  wire::State state{};
  const Status status = wire::decode_state(message, {id.c_str(), key}, state);
  if (status != Status::kOk || !state.online) {
    const bool is_authentic = status == Status::kOk || status == Status::kDamaged;
    count(is_authentic ? wire::Refusal::kMalformed : wire::Refusal::kWrongAuthentication);
    return;
  }
  if (!(state.has_versions && wire::same_versions(state.versions))) {
    count(wire::Refusal::kVersionMismatch);
    return;
  }
  settle_waiting();
  Device& device = device_of(id);
  if (presence_.on_birth(id, device.key, device.presence, state.challenge, now_ms)) {
    take_birth(device, state, now_ms);
  }
  send_probes(now_ms);
  update_wake();
}

/// Nobody vouches for a last will: the broker publishes it. All that it can do is to make us wait for a device.
void Coordinator::take_will(std::string_view id, std::uint64_t now_ms) {
  const auto found = devices_.find(id);
  if (found == devices_.end()) return;  // it never came
  settle_waiting();
  Device& device = found->second;
  note_gone(device, now_ms);
  Slot* slot = open_slot_of(device);
  if (slot != nullptr) slot->offline_ms = given_up_ms(device);
  update_wake();
}

/// It is there, now.
void Coordinator::take_birth(Device& device, const wire::State& state, std::uint64_t now_ms) {
  news_.push_back({device.id, true, state});
  note_model(device, state.model);
  if (phase_ == Phase::kWaitingForFleet && roster_.empty()) {
    if (connected_ && devices_online() >= config_.experiment.fleet.devices) freeze_roster(now_ms);
    return;
  }
  const bool in_roster = std::binary_search(roster_.begin(), roster_.end(), device.id);
  if (!in_roster && !device.reported_late_join && phase_ != Phase::kFinished) {
    device.reported_late_join = true;
    record({rounds_done_, EventKind::kLateJoin, 0, 0, 0, wire::Refusal::kNone, device.id});
  }
  Slot* slot = open_slot_of(device);
  if (slot == nullptr) return;
  slot->offline_ms = kNever;
  send_task(*slot, now_ms);
}

void Coordinator::note_gone(Device& device, std::uint64_t now_ms) {
  if (device.presence.online) news_.push_back({device.id, false, {}});
  presence_.on_gone(device.id, device.presence, now_ms);
}

/// A device of which nothing was heard all the time may be gone, whatever the broker says: it is not asked again before
/// it answers a challenge.
void Coordinator::note_silence(const Slot& slot, std::uint64_t now_ms) {
  Device& device = device_at(slot.device_index);
  if (config_.replay || slot.assembly.next_chunk() > 0) return;
  if (device.presence.online) news_.push_back({device.id, false, {}});
  presence_.on_silence(device.id, device.key, device.presence, now_ms);
}

}  // namespace skink::coordinator
