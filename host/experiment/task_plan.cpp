#include "task_plan.hpp"

#include <iterator>
#include <map>
#include <set>
#include <string>

namespace skink::internal {
namespace {

const char* split_name(Split split) {
  switch (split) {
    case Split::kTrain: return "train";
    case Split::kValidation: return "validation";
    case Split::kTest: return "test";
  }
  return "unknown";
}

Error refuse(const Dataset& dataset, const std::string& reason) {
  return make_error(Status::kInvalidArgument, "data set " + dataset.name() + ": " + reason);
}

std::string group_name(const TaskGroup& group, Split split, const TaskConfig& task) {
  const std::string of_split = std::string("the ") + split_name(split) + " split";
  return task.group == TaskGrouping::kClient ? "client " + std::to_string(group.client) + " of " + of_split : of_split;
}

Result<void> check_group(const Dataset& dataset, const TaskGroup& group, Split split, const TaskConfig& task,
                         const TaskSide& side) {
  const std::string where = group_name(group, split, task);
  const std::size_t classes = group.classes.size() * side.rotations;
  const std::uint32_t records_per_class = side.support_size + side.query_size;
  if (classes < task.ways) {
    return refuse(dataset, where + " has " + std::to_string(group.classes.size()) + " classes" +
                               (side.rotations > 1 ? " in " + std::to_string(side.rotations) + " rotations" : "") +
                               ", but ways is " + std::to_string(task.ways));
  }
  for (const ClassRecords& one : group.classes) {
    if (one.records.size() >= records_per_class) continue;
    return refuse(dataset, "class " + std::to_string(one.label) + " (" + dataset.class_name(one.label) + ") of " +
                               where + " has " + std::to_string(one.records.size()) +
                               " records, support_size + query_size need " + std::to_string(records_per_class));
  }
  return {};
}

using Labels = std::set<std::uint16_t>;

/// The training classes that validate: those with the largest labels.
Result<Labels> find_validation_classes(const Dataset& dataset, const TaskConfig& task) {
  Labels labels;
  if (task.validation_classes == 0) return labels;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) {
    if (dataset.split_of(record) == Split::kTrain) labels.insert(dataset.class_of(record));
  }
  if (labels.size() <= task.validation_classes) {
    return refuse(dataset, "the train split has " + std::to_string(labels.size()) +
                               " classes, but validation_classes is " + std::to_string(task.validation_classes));
  }
  labels.erase(labels.begin(), std::prev(labels.end(), task.validation_classes));
  return labels;
}

Split split_of(const Dataset& dataset, std::size_t record, const Labels& validation) {
  const Split split = dataset.split_of(record);
  const bool is_moved = split == Split::kTrain && validation.count(dataset.class_of(record)) > 0;
  return is_moved ? Split::kValidation : split;
}

}  // namespace

Result<std::vector<TaskGroup>> group_records(const Dataset& dataset, Split split, const TaskConfig& task,
                                             const TaskSide& side) {
  const Result<Labels> validation = find_validation_classes(dataset, task);
  if (!validation) return validation.error();
  std::map<std::uint16_t, std::map<std::uint16_t, std::vector<std::uint32_t>>> by_client;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) {
    if (split_of(dataset, record, *validation) != split) continue;
    const std::uint16_t client = task.group == TaskGrouping::kClient ? dataset.client_of(record) : std::uint16_t{0};
    by_client[client][dataset.class_of(record)].push_back(static_cast<std::uint32_t>(record));
  }
  if (by_client.empty()) return refuse(dataset, std::string("the ") + split_name(split) + " split is empty");
  std::vector<TaskGroup> groups;
  for (auto& [client, by_class] : by_client) {
    TaskGroup& group = groups.emplace_back();
    group.client = client;
    for (auto& [label, records] : by_class) group.classes.push_back({label, std::move(records)});
    const Result<void> checked = check_group(dataset, group, split, task, side);
    if (!checked) return checked.error();
  }
  return groups;
}

Result<void> check_sample_shape(const Dataset& dataset, nn::Shape input, std::uint32_t rotations) {
  const std::vector<std::size_t>& shape = dataset.sample_shape();
  const std::vector<std::size_t> wanted{input.height, input.width, input.channels};
  std::vector<std::size_t> padded = shape;
  if (shape.size() == 2) padded.push_back(1);
  if (shape.size() == 1) padded = {1, 1, shape[0]};
  const bool is_flattened = input.is_flat() && input.size() == dataset.sample_size();
  if (padded != wanted && !is_flattened) {
    return refuse(dataset, "its samples have shape " + npy_shape_text(shape) + ", but [model] input is " +
                               npy_shape_text(input.is_flat() ? std::vector<std::size_t>{input.channels} : wanted));
  }
  const bool is_square = padded.size() == 3 && shape.size() >= 2 && padded[0] == padded[1] && padded[2] == 1;
  if (rotations > 1 && !is_square) {
    return refuse(dataset,
                  "rotations need square images of one channel, its samples have shape " + npy_shape_text(shape));
  }
  return {};
}

}  // namespace skink::internal
