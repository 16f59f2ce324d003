#pragma once
/// @file
/// Samples for a client on a host: the tasks of an experiment, drawn by the generator (docs/arithmetic.md, section 10).

#include <optional>

#include "skink/edge/platform/samples.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::edge {

/// One per client. Keep it where it is while the client lives: the source points here.
class TaskSource {
 public:
  /// @param[in] generator  of the experiment's tasks, which are the same for every client
  explicit TaskSource(TaskGenerator generator) : generator_(std::move(generator)) {}
  TaskSource(const TaskSource&) = delete;
  TaskSource& operator=(const TaskSource&) = delete;

  /// The samples; borrows this object. begin() returns what the generator does: kOk, or kUnavailable for a task that it
  /// cannot draw.
  SampleSource source() noexcept;

 private:
  static Status begin(void* context, const TaskRequest& request, SampleCounts& counts);
  static Status input(void* context, SampleSet set, uint32_t index, Span<float> stored);
  static float target(void* context, SampleSet set, uint32_t index, uint32_t output);

  TaskGenerator generator_;
  std::optional<Task> task_;
};

}  // namespace skink::edge
