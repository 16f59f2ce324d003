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

/// In which order a device takes its samples: place p takes data[p * stride].
struct DeviceOrder {
  const std::uint32_t* data = nullptr;
  std::size_t stride = 1;
};

/// Some samples of a set, by their places.
struct SampleRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

class TaskLanes {
 public:
  TaskLanes(const Experiment& experiment, const nn::Network& network, const TaskGenerator& tasks,
            const LaneFunctions& functions);

  /// The most samples that fill_lanes() and fill_device() are asked for at a time: whole mini-batches.
  std::uint32_t most_at_a_time() const { return most_at_a_time_; }

  void draw(const TaskDraw& draw);
  /// Data sets: the task of the k-th device.
  const Task& task(std::uint32_t k) const { return drawn_[k]; }
  bool is_sine() const { return is_sine_; }

  /// Samples of the k-th device; the most of any that was drawn; whether all have as many.
  std::uint32_t count(std::uint32_t k, TaskSet set) const;
  std::uint32_t most(TaskSet set) const;
  bool is_even(TaskSet set) const;

  /// Reads all support or query sets; what fill_lanes() takes.
  void read(TaskSet set);
  /// In which order each device takes its support set in this pass. [most][lanes]; holds until the next call.
  const std::uint32_t* order(std::uint32_t pass);

  /// Some samples of all devices, normalised; of devices that have fewer nothing. inputs: [count][input_size][lanes];
  /// targets: [count][target_size][lanes]. Lanes without a sample keep what they hold.
  /// order: null for the samples as they are.
  void fill_lanes(TaskSet set, SampleRange range, const std::uint32_t* order, float* inputs, float* targets);

  /// Reads the set of the k-th device alone.
  void read_device(std::uint32_t k, TaskSet set);
  /// The order of the k-th device alone.
  DeviceOrder order_of(std::uint32_t k, std::uint32_t pass);
  /// Samples of that set, normalised. inputs: [count][stride]; targets: [count][target_size].
  /// order: data null for the samples as they are.
  void fill_device(std::uint32_t k, TaskSet set, SampleRange range, const DeviceOrder& order, std::size_t stride,
                   float* inputs, float* targets);

 private:
  void read_sines(TaskSet set);
  void fill_sine_lanes(SampleRange range, const std::uint32_t* order, float* inputs, float* targets) const;
  const float* stored(std::uint32_t k, TaskSet set, std::uint32_t sample);
  void read_targets(std::uint32_t k, TaskSet set, std::uint32_t sample, float* targets, std::size_t stride) const;
  bool keeps_orders() const;

  const Experiment& experiment_;
  const TaskGenerator& tasks_;
  const LaneFunctions& functions_;
  bool is_sine_;
  std::size_t input_size_;
  std::size_t target_size_;
  std::vector<float> scale_;   // [input_size]
  std::vector<float> offset_;  // likewise
  std::uint32_t most_samples_;
  std::uint32_t most_at_a_time_;
  TaskDraw draw_;
  std::vector<std::uint32_t> numbers_;              // [lanes]
  std::vector<std::uint32_t> rounds_;               // [lanes]
  std::vector<std::vector<std::uint32_t>> orders_;  // of each pass: [samples][lanes]
  std::uint32_t orders_known_ = 0;
  std::vector<std::uint32_t> device_order_;
  LaneBuffer sine_inputs_;  // [samples][lanes], as drawn
  LaneBuffer sine_targets_;
  std::vector<Task> drawn_;
  bool caches_ = false;                    // a whole set at a time
  std::vector<float> stored_;              // [samples of the devices that were read][input_size]; or one sample
  std::vector<std::size_t> first_stored_;  // of each device
};

}  // namespace skink::simulations
