#pragma once
/// @file
/// Which task a device gets: a pure function of seed, round and number, so that a simulated device, a host client and
/// an evaluation draw the same samples without talking to each other. Every draw: docs/arithmetic.md, section 10.

#include <cstdint>
#include <memory>
#include <vector>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/span.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink {

namespace internal {
struct TaskPlan;
struct TaskSide;
}  // namespace internal

/// Adaptation uses the sizes of [task] and the training split; evaluation those of [evaluation], and its split.
enum class TaskUse { kAdapt, kEvaluate };

/// Which samples of a task: those that the inner loop fits, or those that score the fit.
enum class TaskSet : std::uint8_t { kSupport, kQuery };

/// What determines a task: equal keys give equal tasks.
struct TaskKey {
  std::uint64_t seed = 0;
  std::uint32_t round = 0;   ///< has no effect on kAdapt tasks when they are drawn once per device
  std::uint32_t number = 0;  ///< kAdapt: device index; kEvaluate: number of the evaluation task
  TaskUse use = TaskUse::kAdapt;
};

/// One drawn task. Small and immutable; samples are computed or read when asked for. Borrows from the TaskGenerator
/// that drew it, of which one copy must outlive it. Thread-safe.
class Task {
 public:
  /// Samples of the support set, of the query set, of either: support_size or query_size; few-shot times ways.
  std::uint32_t support_count() const noexcept;
  std::uint32_t query_count() const noexcept;
  std::uint32_t count(TaskSet set) const noexcept { return set == TaskSet::kQuery ? query_count() : support_count(); }

  /// Reads the input of one sample as stored, before the model's scale and offset.
  /// @param[in]  index   0..count(set)-1.
  /// @param[out] stored  [TaskGenerator::input_size()].
  void read_input(TaskSet set, std::uint32_t index, Span<float> stored) const noexcept;

  /// The target of one sample. Few-shot: the label, 0..ways-1, as a whole number, whatever `output` is. Sine: the
  /// wanted value; there is one output.
  float target(TaskSet set, std::uint32_t index, std::uint32_t output) const noexcept;

  /// Reads the whole set; for sine tasks a third of the cost of asking sample by sample.
  /// @param[out] stored   [count(set)][input_size].
  /// @param[out] targets  [count(set)]; label or value.
  void read_set(TaskSet set, Span<float> stored, Span<float> targets) const noexcept;

  /// Few-shot only: the record of the data set that a sample is, and how many times by 90 degrees the class `way`,
  /// 0..ways-1, is turned (0..3).
  std::uint32_t record(TaskSet set, std::uint32_t index) const noexcept;
  std::uint32_t rotation(std::uint32_t way) const noexcept { return ways_[way].rotation; }
  /// Sine only: amplitude, and phase in radians.
  float amplitude() const noexcept { return amplitude_; }
  float phase() const noexcept { return phase_; }

 private:
  friend class TaskGenerator;

  struct Way {
    const std::vector<std::uint32_t>* records;
    std::uint32_t rotation;
    arithmetic::PhiloxBlock order;
  };

  Task(const internal::TaskPlan& plan, const internal::TaskSide& side, const arithmetic::RandomStream& samples)
      : plan_(&plan), side_(&side), samples_(samples) {}
  float sine_input(TaskSet set, std::uint32_t index, arithmetic::RandomStream& samples) const noexcept;
  float sine_value(float input) const noexcept;

  const internal::TaskPlan* plan_;
  const internal::TaskSide* side_;
  arithmetic::RandomStream samples_;
  float amplitude_ = 0;
  float phase_ = 0;
  std::vector<Way> ways_;
};

/// Draws tasks. Immutable after creation, cheap to copy (copies share), thread-safe.
class TaskGenerator {
 public:
  /// Checks that the data set can serve every task of the experiment: sample shape, enough classes, enough records of
  /// each. Evaluation is checked when the experiment has evaluation tasks.
  ///
  /// @param[in] dataset  That of experiment.task.dataset; null for sine tasks. Shared for as long as copies exist.
  /// @returns kUnavailable when a data set is needed and `dataset` is null; kInvalidArgument when it cannot serve the
  ///          tasks: the message names the data set and what it lacks.
  static Result<TaskGenerator> create(const Experiment& experiment, std::shared_ptr<const Dataset> dataset);

  /// False for few-shot kEvaluate in an experiment without evaluation tasks: nothing was checked for them.
  bool can_draw(TaskUse use) const noexcept;

  /// Draws a task: docs/arithmetic.md, section 10.
  /// @param[in] key  key.use must be one that can be drawn: can_draw().
  Task draw(const TaskKey& key) const;

  /// Numbers of one input: 1 for sine tasks, else the data set's sample size. Support and query samples of one task.
  std::size_t input_size() const noexcept;
  std::uint32_t support_count(TaskUse use) const noexcept;
  std::uint32_t query_count(TaskUse use) const noexcept;

 private:
  explicit TaskGenerator(std::shared_ptr<const internal::TaskPlan> plan) : plan_(std::move(plan)) {}
  std::shared_ptr<const internal::TaskPlan> plan_;
};

}  // namespace skink
