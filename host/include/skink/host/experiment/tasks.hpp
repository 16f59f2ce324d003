#pragma once
/// @file
/// Which task a device gets: a pure function of seed, round and number, so that a simulated device, a host client and
/// an evaluation draw the same samples without talking to each other. Every draw: docs/arithmetic.md, section 10.

#include <cstdint>
#include <memory>
#include <string>
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
  std::uint32_t round = 0;   ///< of kAdapt; has no effect when tasks are drawn once per device, nor on kEvaluate
  std::uint32_t number = 0;  ///< kAdapt: device index; kEvaluate: number of the evaluation task
  TaskUse use = TaskUse::kAdapt;
};

/// One sample of a task that is drawn from a data set.
struct TaskSample {
  std::uint32_t record = 0;  ///< of the data set
  std::uint16_t label = 0;   ///< what the network is to answer; reconstruction: 0 normal, 1 not
  std::uint8_t turns = 0;    ///< by 90 degrees
};

/// Who takes part, and who does not.
struct TaskCensus {
  /// A client without tasks.
  struct LeftOut {
    std::string client;
    std::string reason;
  };
  std::uint32_t clients = 0;           ///< that tasks are drawn from; 1 where all records are one pool
  std::uint32_t lacking_classes = 0;   ///< of these, clients without one of the classes
  std::uint32_t short_of_records = 0;  ///< of these, clients with fewer records of a class than the sizes say
  std::uint64_t records = 0;
  std::uint64_t fewest_records = 0;  ///< of a client
  std::uint64_t most_records = 0;
  double label_entropy = 0;  ///< mean over clients, in bits; 0 where there are no classes
  std::vector<LeftOut> left_out;
};

/// One drawn task. Immutable; samples are computed or read when asked for. Borrows from the TaskGenerator that drew it,
/// of which one copy must outlive it. Thread-safe.
class Task {
 public:
  /// Samples of the support set, of the query set, of either.
  std::uint32_t support_count() const noexcept { return count(TaskSet::kSupport); }
  std::uint32_t query_count() const noexcept { return count(TaskSet::kQuery); }
  std::uint32_t count(TaskSet set) const noexcept;

  /// Reads the input of one sample as stored, before the model's scale and offset.
  /// @param[in]  index   0..count(set)-1.
  /// @param[out] stored  [TaskGenerator::input_size()].
  void read_input(TaskSet set, std::uint32_t index, Span<float> stored) const noexcept;

  /// The target of one sample. Classification: the label as a whole number, whatever `output` is. Regression: the
  /// wanted value of that output. Reconstruction: not used, the target is the network's input.
  float target(TaskSet set, std::uint32_t index, std::uint32_t output) const noexcept;

  /// What output `output` would have to be if nothing changed: the last reading of its channel ([task] persistence), in
  /// the unit of the targets and then as the network learns them. Only where the experiment names channels.
  /// @param[in] stored  the input of the sample, as read_input() gives it.
  float persistence(std::uint32_t output, Span<const float> stored) const noexcept;

  /// Reads the whole set; for sine tasks a third of the cost of asking sample by sample.
  /// @param[out] stored   [count(set)][input_size].
  /// @param[out] targets  [count(set)][TaskGenerator::target_size()].
  void read_set(TaskSet set, Span<float> stored, Span<float> targets) const noexcept;

  /// Data sets only: the sample.
  const TaskSample& sample(TaskSet set, std::uint32_t index) const noexcept {
    return set == TaskSet::kQuery ? query_[index] : support_[index];
  }
  /// Data sets only: the place of its client among those of the side, and that client's name; empty when the records
  /// are nobody's in particular.
  std::uint32_t client() const noexcept { return client_; }
  const std::string& client_name() const noexcept;
  /// Sine only: amplitude, and phase in radians.
  float amplitude() const noexcept { return amplitude_; }
  float phase() const noexcept { return phase_; }

 private:
  friend class TaskGenerator;

  Task(const internal::TaskPlan& plan, const internal::TaskSide& side, const arithmetic::RandomStream& samples)
      : plan_(&plan), side_(&side), samples_(samples) {}
  float sine_input(TaskSet set, std::uint32_t index, arithmetic::RandomStream& samples) const noexcept;
  float sine_value(float input) const noexcept;

  const internal::TaskPlan* plan_;
  const internal::TaskSide* side_;
  arithmetic::RandomStream samples_;
  float amplitude_ = 0;
  float phase_ = 0;
  std::uint32_t client_ = 0;
  std::vector<TaskSample> support_;
  std::vector<TaskSample> query_;
};

/// The experiment with everything that the data set decides: with devices = "clients" the devices, those of them that
/// are held out, and the tasks of an evaluation, one for each of these, where no number is written.
///
/// @param[in] dataset  that of experiment.task.dataset; null for sine tasks.
/// @returns kUnavailable when a data set is needed and `dataset` is null; kInvalidArgument when it has no clients to
///          train or none to hold out, or fewer than the experiment needs.
Result<Experiment> resolve(const Experiment& experiment, const Dataset* dataset);

/// Draws tasks. Immutable after creation, cheap to copy (copies share), thread-safe.
class TaskGenerator {
 public:
  /// Checks that the data set can serve the experiment: sample and target shape, classes, records. Clients that
  /// cannot serve a task are left out: census(). Evaluation is checked when the experiment has evaluation tasks.
  ///
  /// @param[in] experiment  resolved: resolve().
  /// @param[in] dataset     That of experiment.task.dataset; null for sine tasks. Shared for as long as copies exist.
  /// @returns kUnavailable when a data set is needed and `dataset` is null; kInvalidArgument when it cannot serve the
  ///          tasks: the message names the data set and what it lacks.
  static Result<TaskGenerator> create(const Experiment& experiment, std::shared_ptr<const Dataset> dataset);

  /// False for kEvaluate of a data set in an experiment without evaluation tasks: nothing was checked for them.
  bool can_draw(TaskUse use) const noexcept;

  /// Draws a task: docs/arithmetic.md, section 10.
  /// @param[in] key  key.use must be one that can be drawn: can_draw(); a device that trains.
  Task draw(const TaskKey& key) const;

  /// Numbers of one input: 1 for sine tasks, else the data set's sample size; of one target: 1 for labels and sine
  /// tasks, else the data set's target size.
  std::size_t input_size() const noexcept;
  std::size_t target_size() const noexcept;
  /// The most support and query samples that a task has, and whether all tasks have as many.
  std::uint32_t most_support(TaskUse use) const noexcept;
  std::uint32_t most_query(TaskUse use) const noexcept;
  bool is_even(TaskUse use) const noexcept;

  /// Who takes part; nobody in particular for sine tasks.
  const TaskCensus& census(TaskUse use) const noexcept;
  /// Data sets only: the names of the clients of a side, by Task::client(), empty when records are nobody's in
  /// particular; the names of the classes that take part, by the network's output.
  std::vector<std::string> client_names(TaskUse use) const;
  std::vector<std::string> class_names() const;
  /// Data sets only: the hash of who has which records, 64 hexadecimal digits; and the data set.
  const std::string& partition_sha256() const noexcept;
  const Dataset* dataset() const noexcept;
  /// How many records after a record share readings with it, where support and query sets of an evaluation may so share
  /// them: windows that overlap, drawn in any order, or less than so many records apart. 0: they cannot.
  std::uint32_t shared_readings() const noexcept;
  /// How many clients of the evaluation have records in the training split too, where records are as they are
  /// (partition = "natural") and their labels the same in both.
  std::uint32_t known_clients() const;
  /// How many devices train with each client, by its place among those of kAdapt, as long as there are at least as many
  /// devices as clients; else clients take turns, and it is 1 or 0 in the first round.
  std::vector<std::uint32_t> devices_of_clients() const;

 private:
  explicit TaskGenerator(std::shared_ptr<const internal::TaskPlan> plan) : plan_(std::move(plan)) {}
  std::uint32_t client_of(const internal::TaskSide& side, const TaskKey& key) const noexcept;

  std::shared_ptr<const internal::TaskPlan> plan_;
};

/// An experiment that is resolved, and the generator of its tasks.
struct PreparedTasks {
  Experiment experiment;
  TaskGenerator tasks;
};

/// resolve() and TaskGenerator::create(), one after the other, with their errors.
Result<PreparedTasks> prepare_tasks(const Experiment& experiment, std::shared_ptr<const Dataset> dataset);
/// The same with the data set found and loaded: load_dataset(), with its errors.
Result<PreparedTasks> prepare_tasks(const Experiment& experiment, const std::string& data_dir);

}  // namespace skink
