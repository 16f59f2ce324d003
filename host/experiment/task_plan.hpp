#pragma once
/// @file
/// What task draws need of an experiment and a data set: which records take part, whose they are, and the classes they
/// are of. Include from .cpp files only.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::internal {

/// The records of one class, or of all where there are no classes.
struct ClassRecords {
  std::uint16_t label = 0;             ///< of the data set; 0 where there are no classes
  std::uint16_t output = 0;            ///< what the network is to answer, with fixed labels
  bool has_support = true;             ///< reconstruction: only what is normal has
  std::vector<std::uint32_t> records;  ///< ascending
};

/// Whose records a task is drawn from: a client's, a dealt-out share, or everybody's.
struct TaskGroup {
  std::string name;                   ///< of the client; empty: nobody's in particular
  std::vector<ClassRecords> classes;  ///< by label
  // order = "time": the one task there is
  std::vector<TaskSample> support;
  std::vector<TaskSample> query;
};

/// Adaptation or evaluation.
struct TaskSide {
  TaskUse use = TaskUse::kAdapt;
  Split split = Split::kTrain;
  TaskSize support_size;
  TaskSize query_size;
  arithmetic::Purpose task_purpose = arithmetic::Purpose::kTask;
  arithmetic::Purpose sample_purpose = arithmetic::Purpose::kSample;
  std::uint32_t rotations = 1;    ///< permuted labels
  std::vector<TaskGroup> groups;  ///< of a data set, at least one
  TaskCensus census;
  std::uint32_t most_support = 0;  ///< of a task
  std::uint32_t most_query = 0;
  bool is_even = true;  ///< all tasks have as many samples
};

/// The classes of a data set that take part: the network's output of each.
using Outputs = std::map<std::uint16_t, std::uint16_t>;

struct TaskPlan {
  Experiment experiment;
  std::shared_ptr<const Dataset> dataset;  ///< null for sine tasks
  std::size_t input_size = 1;
  std::size_t target_size = 1;  ///< numbers of a target that the source gives
  bool learns_targets = false;  ///< those of target.npy
  Outputs outputs;
  std::vector<std::uint32_t> places;  ///< of the devices that train, among these; others: 0
  std::uint32_t training_devices = 0;
  TaskSide adapt;
  TaskSide evaluate;
  std::string partition_sha256;

  const TaskConfig& task() const noexcept { return experiment.task; }
  bool is_sine() const noexcept { return task().source == TaskSource::kSine; }
  bool permutes() const noexcept {
    return task().labels == TaskLabels::kPermuted && objective_of(experiment) == Objective::kClassify;
  }
};

/// Finds which classes take part and the output of each.
/// @returns kInvalidArgument when [task] classes or normal names none of the data set's.
Result<void> choose_classes(TaskPlan& plan);

/// Fills in the groups, census and sizes of one side.
/// @param[in] devices  that the records are dealt out to, where a partition does
/// @returns kInvalidArgument when no task can be drawn; the message names the data set and what it lacks.
Result<void> group_records(const TaskPlan& plan, std::uint32_t devices, TaskSide& side);

/// Does a sample fit the model's input and outputs, and can it be rotated if need be?
Result<void> check_shapes(const TaskPlan& plan, std::uint32_t rotations);

/// SHA-256 over the records of all groups, 64 hexadecimal digits: docs/arithmetic.md, section 10.
std::string hash_partition(const TaskPlan& plan);

/// kInvalidArgument, beginning with the data set's name.
Error refuse(const Dataset& dataset, const std::string& reason);

// ---- draws (task_draw.cpp)

/// Support and query samples of a class.
struct ClassShare {
  std::uint32_t support = 0;
  std::uint32_t query = 0;
};
/// Of `one` on `side`.
ClassShare share_of(const ClassRecords& one, const TaskSide& side, bool permutes);

/// The support set and the query set of a task.
struct DrawnSets {
  std::vector<TaskSample> support;
  std::vector<TaskSample> query;
};
DrawnSets draw_sets(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group, std::uint64_t seed,
                    std::uint32_t round, std::uint32_t number);
/// The sets of a group whose order is that of time.
DrawnSets split_by_time(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group);

}  // namespace skink::internal
