#pragma once
/// @file
/// What a client of this build says when it is asked whether it takes part.

#include <Skink.h>
#include <string.h>

namespace skink::test {

/// What came out.
struct Answer {
  unsigned announced = 99;                        ///< arithmetic version in the birth
  wire::Refusal refusal = wire::Refusal::kOther;  ///< of a task that a sound client begins: kNone
};

/// Gives a new client a connection and a task.
inline Answer ask_client() noexcept {
  static uint8_t arena[4096];
  static uint8_t message[wire::kMaxControlBytes];
  edge::ClientConfig config;
  config.identity = {"device-001", {}};
  config.arena = arena;
  static edge::Client client(config, {});
  Answer answer;
  client.on_connected(0);
  edge::Action action;
  while (client.next_action(action)) {
    if (action.kind != edge::ActionKind::kPublish) continue;
    wire::State state{};
    if (wire::decode_state(action.payload, config.identity, state) == Status::kOk) {
      answer.announced = state.versions.arithmetic;
    }
    client.on_published(0);
  }
  wire::Task task{};
  task.has_versions = true;
  task.versions.protocol = wire::kProtocolVersion;
  task.versions.arithmetic = wire::kArithmeticVersion;
  task.versions.codec = wire::kCodecVersion;
  task.run = 1;
  task.kind = skink_wire_TaskKind_TASK_KIND_EVALUATE;
  task.model_bytes = 100;
  task.passes = 1;
  task.time_left_ms = 1000;
  size_t written = 0;
  if (wire::encode_task(task, config.identity, message, written) != Status::kOk) return answer;
  client.on_task(Bytes(message, written), 0);
  for (size_t reason = 0; reason < wire::kRefusalCount; ++reason) {
    if (client.counters().refused[reason] != 0) answer.refusal = static_cast<wire::Refusal>(reason);
  }
  if (client.counters().tasks == 1) answer.refusal = wire::Refusal::kNone;  // it has no place for the model
  return answer;
}

}  // namespace skink::test
