#include "skink/edge/internal/task_gate.hpp"

#include "skink/common/codec/codec.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::edge::internal {
namespace {

bool is_known_kind(const wire::Task& task) noexcept {
  return is_adapt(task) || task.kind == skink_wire_TaskKind_TASK_KIND_EVALUATE;
}

/// Is `a` before `b` in the order of (round, attempt)?
bool is_before(const wire::Task& a, const wire::Task& b) noexcept {
  return a.round != b.round ? a.round < b.round : a.attempt < b.attempt;
}

}  // namespace

bool TaskGate::is_repeat(const wire::Task& task) const noexcept {
  return is_open_ && wire::id_of(task) == wire::id_of(task_) && task.model_chunk_bytes == task_.model_chunk_bytes;
}

wire::Refusal TaskGate::judge(const wire::Task& task) noexcept {
  const wire::Refusal reason = reason_to_refuse(task);
  if (reason != wire::Refusal::kNone) {
    refusal_ = reason;
    refused_ = wire::id_of(task);
  }
  return reason;
}

wire::Refusal TaskGate::reason_to_refuse(const wire::Task& task) const noexcept {
  if (!task.has_versions || !wire::same_versions(task.versions)) return wire::Refusal::kVersionMismatch;
  if (has_task_ && task.run < task_.run) return wire::Refusal::kAnotherRun;
  if (has_task_ && task.run == task_.run && is_before(task, task_)) return wire::Refusal::kLowerRound;
  codec::Codec codec{};
  if (is_adapt(task) && !codec::parse(task.uplink, codec)) return wire::Refusal::kUnknownCodec;
  if (!is_known_kind(task) || task.model_bytes == 0) return wire::Refusal::kInvalidTask;
  if (!wire::is_model_chunk_size(task.model_chunk_bytes)) return wire::Refusal::kInvalidTask;
  if (is_adapt(task) && task.change >= wire::kChangeKinds) return wire::Refusal::kInvalidTask;
  return wire::Refusal::kNone;
}

void TaskGate::accept(const wire::Task& task, uint64_t now_ms) noexcept {
  task_ = task;
  has_task_ = true;
  is_open_ = true;
  extend(task, now_ms);
}

bool TaskGate::next_refusal(wire::Update& update) noexcept {
  if (refusal_ == wire::Refusal::kNone) return false;
  update.id = refused_;
  update.outcome = wire::Outcome::kRefused;
  update.refusal = refusal_;
  refusal_ = wire::Refusal::kNone;
  return true;
}

}  // namespace skink::edge::internal
