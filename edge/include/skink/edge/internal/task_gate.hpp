#pragma once
/// @file
/// Decides what a task message means: a new task, a repeat of the current one, or one to refuse, with the reason
/// (docs/protocol.md, section 3, step 2). Owns the current task, its deadline, and the refusal of another task that is
/// still to be sent. A refusal of the current task is a result like others: UpdateUpload.

#include "skink/common/wire/messages.hpp"

namespace skink::edge::internal {

/// Does a task ask for an adaptation?
inline bool is_adapt(const wire::Task& task) noexcept { return task.kind == skink_wire_TaskKind_TASK_KIND_ADAPT; }

/// The current task, and what others mean beside it.
class TaskGate {
 public:
  /// What a birth says of the last task.
  void describe(wire::State& state) const noexcept {
    if (!has_task_) return;
    state.run = task_.run;
    state.round = task_.round;
  }
  /// A task of before the reset: lower ones are refused, and it may come again.
  void restore(const wire::RoundId& id) noexcept {
    has_task_ = true;
    task_.run = id.run;
    task_.round = id.round;
    task_.attempt = id.attempt;
  }

  /// Is it the current task again, with work or a result to go on with? Not with another size of the model's chunks:
  /// its coordinator was started anew with that, and the task begins anew.
  bool is_repeat(const wire::Task& task) const noexcept;
  /// May a task that is no repeat replace the current one? @returns kNone; a reason, which next_refusal() then gives.
  wire::Refusal judge(const wire::Task& task) noexcept;

  /// The task becomes the current one, and its deadline counts from now.
  void accept(const wire::Task& task, uint64_t now_ms) noexcept;
  /// A repeat says anew how much time is left.
  void extend(const wire::Task& repeat, uint64_t now_ms) noexcept { deadline_ms_ = now_ms + repeat.time_left_ms; }
  /// Only (run, round, attempt) of the current task still matter, as after restore().
  void abandon() noexcept { is_open_ = false; }

  /// The refusal that judge() found and that was not taken yet; a later one replaces it. False: none.
  bool next_refusal(wire::Update& update) noexcept;

  /// Is there a current, last or restored task?
  bool has_task() const noexcept { return has_task_; }
  /// The current or last task; after restore() only its id.
  const wire::Task& task() const noexcept { return task_; }
  /// Is the time that the coordinator gave the current task over?
  bool is_over(uint64_t now_ms) const noexcept { return now_ms >= deadline_ms_; }

 private:
  wire::Refusal reason_to_refuse(const wire::Task& task) const noexcept;

  bool has_task_ = false;
  bool is_open_ = false;  ///< a repeat goes on with what there is; otherwise it begins anew
  wire::Refusal refusal_ = wire::Refusal::kNone;
  wire::RoundId refused_;
  uint64_t deadline_ms_ = 0;
  wire::Task task_{};
};

}  // namespace skink::edge::internal
