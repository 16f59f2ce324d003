#pragma once
/// @file
/// Experiments whose tasks are drawn, and their data set.

#include <memory>
#include <vector>

#include "dataset_folder.hpp"
#include "skink/host/experiment/tasks.hpp"

namespace skink::test {

inline constexpr TaskSet kSupport = TaskSet::kSupport;
inline constexpr TaskSet kQuery = TaskSet::kQuery;

inline Experiment sine_experiment() {
  Experiment experiment;
  experiment.fleet.devices = 64;
  experiment.task.support_size = 32;
  experiment.task.query_size = 100;
  experiment.evaluation.support_size = 32;
  experiment.evaluation.query_size = 100;
  return experiment;
}

/// 3 ways, 2 + 1 records, evaluation on the same sizes of the test split.
inline Experiment image_experiment() {
  Experiment experiment;
  experiment.model.input = {2, 2, 1};
  experiment.task.source = TaskSource::kDataset;
  experiment.task.labels = TaskLabels::kPermuted;
  experiment.model.loss = nn::Loss::kSoftmaxCrossEntropy;
  experiment.model.layers.resize(2);
  experiment.model.layers[0].spec.kind = nn::LayerKind::kFlatten;
  experiment.model.layers[1].spec.units = 3;
  experiment.task.ways = 3;
  experiment.task.support_size = 2;
  experiment.task.query_size = 1;
  experiment.evaluation.support_size = 2;
  experiment.evaluation.query_size = 1;
  return experiment;
}

inline std::shared_ptr<const Dataset> load(const DatasetFolder& content) {
  const TemporaryFolder folder;
  content.write(folder);
  return std::make_shared<const Dataset>(Dataset::load(folder.path()).value());
}

inline std::vector<float> input_of(const Task& task, TaskSet query, std::uint32_t index) {
  std::vector<float> stored(4);
  task.read_input(query, index, {stored.data(), stored.size()});
  return stored;
}

}  // namespace skink::test
