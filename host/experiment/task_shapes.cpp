/// @file
/// What an experiment asks of a data set as a whole: its classes, and the shapes of samples and targets.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "task_plan.hpp"

namespace skink::internal {
namespace {

/// The class that a name or number of an experiment means.
Result<std::uint16_t> class_named(const Dataset& dataset, const std::set<std::uint16_t>& labels, const char* key,
                                  const std::string& name) {
  for (const std::uint16_t label : labels) {
    if (dataset.class_name(label) == name) return label;
  }
  for (const std::uint16_t label : labels) {
    if (std::to_string(label) == name) return label;
  }
  std::string known;
  for (const std::uint16_t label : labels) {
    if (known.size() > 300) {
      known += ", ...";
      break;
    }
    known += (known.empty() ? "" : ", ") + dataset.class_name(label);
  }
  return refuse(dataset, std::string("[task] ") + key + ": no record is of class \"" + name + "\", there are " + known);
}

std::string input_text(nn::Shape input) {
  return npy_shape_text(input.is_flat() ? std::vector<std::size_t>{input.channels}
                                        : std::vector<std::size_t>{input.height, input.width, input.channels});
}

/// Row-major samples are the same numbers whether a series [n, c] is called [n, 1, c] or [n, c, 1].
bool is_same_shape(const std::vector<std::size_t>& sample, nn::Shape input) {
  std::vector<std::size_t> wanted;
  for (const std::size_t extent : {input.height, input.width, input.channels}) {
    if (extent != 1) wanted.push_back(extent);
  }
  std::vector<std::size_t> found;
  for (const std::size_t extent : sample) {
    if (extent != 1) found.push_back(extent);
  }
  return found == wanted;
}

Result<void> check_persistence(const TaskPlan& plan) {
  const std::vector<std::uint32_t>& named = plan.task().persistence;
  const Dataset& dataset = *plan.dataset;
  const std::size_t channels = dataset.sample_shape().back();
  if (named.size() > 1 && named.size() != dataset.target_size()) {
    return refuse(dataset, "[task] persistence names " + std::to_string(named.size()) + " channels, but targets have " +
                               std::to_string(dataset.target_size()) + " numbers: name one, or one for each");
  }
  for (const std::uint32_t channel : named) {
    if (channel < channels) continue;
    return refuse(dataset, "[task] persistence: there is no channel " + std::to_string(channel) + ", use 0.." +
                               std::to_string(channels - 1));
  }
  return {};
}

Result<void> check_outputs(const TaskPlan& plan) {
  const nn::Network network = make_network(plan.experiment.model);
  const std::size_t outputs = network.output_size();
  const Dataset& dataset = *plan.dataset;
  switch (objective_of(plan.experiment)) {
    case Objective::kClassify:
      if (plan.permutes() || outputs == plan.outputs.size()) return {};
      return refuse(dataset, "has " + std::to_string(plan.outputs.size()) + " classes" +
                                 (plan.task().classes.empty() ? "" : " that [task] classes names") +
                                 ", but the last layer gives " + std::to_string(outputs) +
                                 " outputs: with labels = \"fixed\" it needs one for each (or name fewer in [task] "
                                 "classes, or use labels = \"permuted\")");
    case Objective::kRegress:
      if (dataset.target_size() == 0) {
        return refuse(dataset,
                      "has no target.npy, which loss = \"mean_squared_error\" learns (for the input itself: "
                      "loss = \"reconstruction\")");
      }
      if (outputs == dataset.target_size()) return check_persistence(plan);
      return refuse(dataset, "its targets have " + std::to_string(dataset.target_size()) +
                                 " numbers, but the last layer gives " + std::to_string(outputs) + " outputs");
    case Objective::kReconstruct: break;
  }
  return {};
}

/// Seconds since 1970 are steps of 128 s in float32: records would stand in the order of the file.
Result<void> check_times(const Dataset& dataset) {
  constexpr float kWhole = 16777216.0F;  // from here on not every second has a number
  std::map<std::uint16_t, std::set<float>> times;
  std::map<std::uint16_t, std::size_t> records;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) {
    if (std::fabs(dataset.time_of(record)) < kWhole) continue;
    times[dataset.client_of(record)].insert(dataset.time_of(record));
    ++records[dataset.client_of(record)];
  }
  for (const auto& [client, different] : times) {
    if (2 * different.size() > records[client]) continue;
    return refuse(dataset, "time.npy: the " + std::to_string(records[client]) + " records of " +
                               dataset.client_name(client) + " have " + std::to_string(different.size()) +
                               " times: float32 cannot tell such large ones apart; store seconds since the client's "
                               "first record");
  }
  return {};
}

}  // namespace

Result<void> choose_classes(TaskPlan& plan) {
  const Dataset& dataset = *plan.dataset;
  std::set<std::uint16_t> labels;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) labels.insert(dataset.class_of(record));
  std::set<std::uint16_t> chosen;
  for (const std::string& name : plan.task().classes) {
    const auto label = class_named(dataset, labels, "classes", name);
    if (!label) return label.error();
    if (!chosen.insert(*label).second) {
      return refuse(dataset, "[task] classes: class " + dataset.class_name(*label) + " is there twice");
    }
  }
  if (chosen.empty()) chosen = labels;
  if (!plan.task().normal.empty()) {
    const auto normal = class_named(dataset, chosen, "normal", plan.task().normal);
    if (!normal) return normal.error();
    for (const std::uint16_t label : chosen) plan.outputs[label] = label == *normal ? 0 : 1;
    return {};
  }
  std::uint16_t output = 0;
  for (const std::uint16_t label : chosen) plan.outputs[label] = output++;
  return {};
}

Result<void> check_shapes(const TaskPlan& plan, std::uint32_t rotations) {
  const Dataset& dataset = *plan.dataset;
  const std::vector<std::size_t>& shape = dataset.sample_shape();
  const nn::Shape input = plan.experiment.model.input;
  const bool is_flattened = input.is_flat() && input.size() == dataset.sample_size();
  if (!is_same_shape(shape, input) && !is_flattened) {
    return refuse(dataset,
                  "its samples have shape " + npy_shape_text(shape) + ", but [model] input is " + input_text(input));
  }
  const bool is_square = (shape.size() == 2 || (shape.size() == 3 && shape[2] == 1)) && shape[0] == shape[1];
  if (rotations > 1 && !is_square) {
    return refuse(dataset,
                  "rotations need square images of one channel, its samples have shape " + npy_shape_text(shape));
  }
  if (plan.task().order == SampleOrder::kTime && !dataset.has_time()) {
    return refuse(dataset, "has no time.npy, which order = \"time\" goes by");
  }
  if (plan.task().order == SampleOrder::kTime) {
    Result<void> told = check_times(dataset);
    if (!told) return told;
  }
  return check_outputs(plan);
}

}  // namespace skink::internal
