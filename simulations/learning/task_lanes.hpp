#pragma once
/// @file
/// The samples of as many devices as there are lanes, drawn side by side: tasks, orders, inputs as the model wants
/// them. A workspace that one thread uses again and again.

#include <cstdint>
#include <vector>

#include "lane_buffer.hpp"
#include "skink/host/experiment/experiment.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::simulations {

/// Whose tasks.
struct TaskDraw {
  TaskUse use = TaskUse::kAdapt;
  arithmetic::Purpose order = arithmetic::Purpose::kSampleOrder;  ///< of the samples
  const std::uint32_t* numbers = nullptr;                         ///< device indices, or numbers of evaluation tasks
  const std::uint32_t* rounds = nullptr;
  std::uint32_t count = 0;  ///< at most the lanes
};

class TaskLanes {
 public:
  TaskLanes(const Experiment& experiment, const nn::Network& network, const TaskGenerator& tasks,
            const LaneFunctions& functions);

  /// The most samples of a support or query set.
  std::size_t most_samples() const { return most_samples_; }
  std::uint32_t count(TaskSet set) const;

  void draw(const TaskDraw& draw);

  /// Reads all support or query sets; what fill_lanes() takes.
  void read(TaskSet set);
  /// In which order each device takes its support set in this pass. [count][lanes]; holds until the next draw().
  const std::uint32_t* order(std::uint32_t pass);

  /// The sets of all devices, normalised. inputs: [count][input_size][lanes]; targets: [count][target_size][lanes].
  /// Lanes without a device keep what they hold.
  /// order: null for the samples as they are.
  void fill_lanes(TaskSet set, const std::uint32_t* order, float* inputs, float* targets) const;

  /// Reads the set of the k-th device alone.
  void read_device(std::uint32_t k, TaskSet set);
  /// That set, normalised. inputs: [count][stride]; targets: [count][target_size].
  void fill_device(std::uint32_t k, TaskSet set, const std::uint32_t* order, std::size_t stride, float* inputs,
                   float* targets) const;

 private:
  void read_sines(TaskSet set);
  void fill_sine_lanes(std::size_t samples, const std::uint32_t* order, float* inputs, float* targets) const;

  const Experiment& experiment_;
  const TaskGenerator& tasks_;
  const LaneFunctions& functions_;
  bool is_sine_;
  std::size_t input_size_;
  std::size_t target_size_;
  std::size_t most_samples_;
  TaskDraw draw_;
  std::vector<std::uint32_t> numbers_;              // [lanes]
  std::vector<std::uint32_t> rounds_;               // [lanes]
  std::vector<std::vector<std::uint32_t>> orders_;  // of each pass: [samples][lanes]
  std::uint32_t orders_known_ = 0;
  LaneBuffer sine_inputs_;  // [samples][lanes], as drawn
  LaneBuffer sine_targets_;
  std::vector<Task> drawn_;
  std::vector<float> stored_;  // [devices that were read][samples][input_size]
  std::vector<float> wanted_;  // [devices that were read][samples]
};

}  // namespace skink::simulations
