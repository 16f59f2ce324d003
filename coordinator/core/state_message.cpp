#include "skink/coordinator/core/state_message.hpp"

#include <string>

#include "sealed_message.hpp"
#include "skink/common/wire/versions.hpp"

namespace skink::coordinator {

StateMessage read_state(const DeviceBook& devices, std::string_view device_id, Bytes message, RefusalCounts& refused) {
  const auto refuse = [&refused](wire::Refusal reason) {
    ++refused[static_cast<std::size_t>(reason)];
    return StateMessage();
  };
  if (devices.is_revoked(device_id)) return refuse(wire::Refusal::kRevoked);
  StateMessage read;
  read.kind = StateMessage::Kind::kWill;
  if (message.empty()) return read;
  const std::string id(device_id);
  const KnownDevice* known = devices.find(id);
  const crypto::Key key = known != nullptr ? known->key : devices.key_of(id);
  const Status status = wire::decode_state(message, {id.c_str(), key}, read.birth);
  if (status != Status::kOk || !read.birth.online) {
    const bool is_authentic = status == Status::kOk || status == Status::kDamaged;
    return refuse(is_authentic ? wire::Refusal::kMalformed : wire::Refusal::kWrongAuthentication);
  }
  if (!(read.birth.has_versions && wire::same_versions(read.birth.versions))) {
    return refuse(wire::Refusal::kVersionMismatch);
  }
  read.kind = StateMessage::Kind::kBirth;
  return read;
}

Publish challenge_for(const KnownDevice& device) {
  wire::Task task{};
  task.has_versions = true;
  task.versions = wire::own_versions();
  task.kind = skink_wire_TaskKind_TASK_KIND_PRESENCE;
  task.challenge = device.presence.challenge;
  return internal::sealed(wire::TopicKind::kTask, device, task, wire::encode_task);
}

}  // namespace skink::coordinator
