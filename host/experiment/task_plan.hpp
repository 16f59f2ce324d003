#pragma once
/// @file
/// What task draws need of an experiment and a data set: records sorted by client and class. Include from .cpp files
/// only.

#include <cstdint>
#include <memory>
#include <vector>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::internal {

struct ClassRecords {
  std::uint16_t label = 0;
  std::vector<std::uint32_t> records;  ///< ascending
};

/// The classes that tasks of one client (or of the whole split) are drawn from, by label.
struct TaskGroup {
  std::uint16_t client = 0;
  std::vector<ClassRecords> classes;
};

/// Adaptation or evaluation.
struct TaskSide {
  std::uint32_t support_size = 0;
  std::uint32_t query_size = 0;
  arithmetic::Purpose task_purpose = arithmetic::Purpose::kTask;
  arithmetic::Purpose sample_purpose = arithmetic::Purpose::kSample;
  bool ignores_round = false;
  std::uint32_t rotations = 1;    ///< few-shot
  std::vector<TaskGroup> groups;  ///< few-shot: one, or one per client
};

struct TaskPlan {
  TaskConfig task;
  std::shared_ptr<const Dataset> dataset;  ///< few-shot
  std::size_t input_size = 1;
  TaskSide adapt;
  TaskSide evaluate;

  bool is_sine() const noexcept { return task.source == TaskSource::kSine; }
  /// Few-shot sizes are per class.
  std::uint32_t samples_per_size() const noexcept { return is_sine() ? 1 : task.ways; }
};

/// Sorts the records of one side by client and class and checks that every task can be drawn.
Result<std::vector<TaskGroup>> group_records(const Dataset& dataset, Split split, const TaskConfig& task,
                                             const TaskSide& side);

/// Does a sample fit the model's input, and can it be rotated if need be?
Result<void> check_sample_shape(const Dataset& dataset, nn::Shape input, std::uint32_t rotations);

}  // namespace skink::internal
