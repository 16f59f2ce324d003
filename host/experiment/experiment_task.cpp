/// @file
/// The sections [task] and [evaluation]: what devices adapt to, and what they are judged by.

#include <limits>
#include <string>

#include "experiment_sections.hpp"
#include "skink/common/limits.hpp"

namespace skink::internal {
namespace {

constexpr IntegerRange kSizeRange{1, limits::kMaxSamples};
constexpr IntegerRange kSizeOrNoneRange{0, limits::kMaxSamples};
constexpr IntegerRange kChannelRange{0, std::numeric_limits<std::uint16_t>::max() - 1};
constexpr IntegerRange kChannelCountRange{1, std::numeric_limits<std::uint16_t>::max()};
constexpr RealRange kFractionRange{0.0, 1.0, true};
constexpr std::size_t kMaxClassNameBytes = 256;
/// sin is defined up to 8192 (docs/arithmetic.md, section 3): half for the input, half for the phase.
constexpr RealRange kAngleRange{-4096.0, 4096.0};

/// A count, a fraction or "all".
TaskSize read_size(const ConfigReader& reader, const char* key, IntegerRange range, std::optional<TaskSize> fallback) {
  switch (reader.written_as(key)) {
    case WrittenAs::kText: (void)reader.choice<int>(key, {{"all", 0}}); return TaskSize::all();
    case WrittenAs::kReal: {
      const double fraction = reader.real(key, kFractionRange);
      if (fraction >= 1.0) reader.problem(key, "a fraction is below 1; for all records write \"all\"");
      return TaskSize::part_of_all(fraction);
    }
    case WrittenAs::kNothing:
      if (fallback) {
        (void)reader.count(key, range, static_cast<std::uint32_t>(range.min));  // allows the key
        return *fallback;
      }
      break;
    default: break;
  }
  return {reader.count(key, range)};
}

std::uint32_t read_rotations(const ConfigReader& reader, std::uint32_t fallback) {
  const std::uint32_t rotations = reader.count("rotations", {1, 4}, fallback);
  if (rotations != 1 && rotations != 4) {
    reader.problem("rotations", std::to_string(rotations) + " is not allowed, use 1 or 4");
  }
  return rotations;
}

void read_sine(const ConfigReader& reader, TaskConfig& task) {
  const auto amplitude = reader.interval("amplitude", kAngleRange, {{task.amplitude_min, task.amplitude_max}});
  const auto phase = reader.interval("phase", kAngleRange, {{task.phase_min, task.phase_max}});
  const auto input = reader.interval("input", kAngleRange, {{task.input_min, task.input_max}});
  task.amplitude_min = amplitude[0];
  task.amplitude_max = amplitude[1];
  task.phase_min = phase[0];
  task.phase_max = phase[1];
  task.input_min = input[0];
  task.input_max = input[1];
  for (const char* key : {"dataset", "labels", "ways", "group", "classes", "normal", "order", "gap", "min_records",
                          "target_scale", "target_offset", "persistence", "rotations", "validation_classes"}) {
    reader.forbid(key, "belongs to source = \"dataset\"");
  }
}

/// All classes, or so many.
std::uint32_t read_ways(const ConfigReader& reader, bool is_fixed) {
  if (reader.written_as("ways") == WrittenAs::kText) {
    (void)reader.choice<int>("ways", {{"all", 0}});
    return 0;
  }
  const IntegerRange range{limits::kMinWays, limits::kMaxWays};
  if (!is_fixed) return reader.count("ways", range);
  const bool is_written = reader.has("ways");
  const std::uint32_t ways = reader.count("ways", range, limits::kMinWays);
  return is_written ? ways : 0;
}

TaskGrouping read_group(const ConfigReader& reader, TaskGrouping fallback) {
  return reader.choice<TaskGrouping>("group", {{"class", TaskGrouping::kClass}, {"client", TaskGrouping::kClient}},
                                     fallback);
}

void read_classes(const ConfigReader& reader, TaskConfig& task) {
  task.labels = reader.choice<TaskLabels>(
      "labels", {{"fixed", TaskLabels::kFixed}, {"permuted", TaskLabels::kPermuted}}, TaskLabels::kFixed);
  const bool is_fixed = task.labels == TaskLabels::kFixed;
  task.ways = read_ways(reader, is_fixed);
  task.group = read_group(reader, is_fixed ? TaskGrouping::kClient : TaskGrouping::kClass);
  if (is_fixed) {
    const char* sentence = "belongs to labels = \"permuted\": with fixed labels a class is what it is";
    reader.forbid("rotations", sentence);
    reader.forbid("validation_classes", sentence);
    return;
  }
  task.rotations = read_rotations(reader, 1);
  task.validation_classes = reader.count("validation_classes", {0, std::numeric_limits<std::uint16_t>::max()}, 0);
  if (task.group == TaskGrouping::kClient) {
    reader.forbid("validation_classes", "belongs to group = \"class\"; clients are split in the data set");
  }
}

void read_targets(const ConfigReader& reader, Objective objective, TaskConfig& task) {
  if (objective != Objective::kRegress) {
    for (const char* key : {"target_scale", "target_offset", "persistence"}) {
      reader.forbid(key, "belongs to loss = \"mean_squared_error\"");
    }
    return;
  }
  const std::vector<std::int64_t> none;
  for (const std::int64_t channel : reader.integers("persistence", kChannelCountRange, kChannelRange, none)) {
    task.persistence.push_back(static_cast<std::uint32_t>(channel));
  }
  constexpr RealRange kScaleRange{-1e9, 1e9};
  task.target_scale = reader.real32("target_scale", kScaleRange, 1.0F);
  task.target_offset = reader.real32("target_offset", kScaleRange, 0.0F);
  if (task.target_scale == 0.0F) reader.problem("target_scale", "0 is not allowed: every target would be the same");
}

void read_dataset(const ConfigReader& reader, Objective objective, TaskConfig& task) {
  task.dataset = reader.word("dataset", "-_");
  if (objective == Objective::kClassify) {
    read_classes(reader, task);
  } else {
    task.group = read_group(reader, TaskGrouping::kClient);
    for (const char* key : {"labels", "ways", "rotations", "validation_classes"}) {
      reader.forbid(key,
                    "belongs to a loss that tells classes apart: \"softmax_cross_entropy\" or \"multiclass_hinge\"");
    }
  }
  task.classes = reader.names("classes", {1, std::numeric_limits<std::uint16_t>::max()}, kMaxClassNameBytes);
  if (objective == Objective::kReconstruct) {
    const std::vector<std::string> normal = reader.names("normal", {1, 1}, kMaxClassNameBytes);
    if (!normal.empty()) task.normal = normal.front();
  } else {
    reader.forbid("normal", "belongs to loss = \"reconstruction\"");
  }
  read_targets(reader, objective, task);
  task.order = reader.choice<SampleOrder>("order", {{"random", SampleOrder::kRandom}, {"time", SampleOrder::kTime}},
                                          SampleOrder::kRandom);
  task.gap = reader.count("gap", kSizeOrNoneRange, 0);
  if (task.order != SampleOrder::kTime && task.gap != 0) reader.forbid("gap", "belongs to order = \"time\"");
  task.min_records = reader.count("min_records", kSizeRange, 1);
  for (const char* key : {"amplitude", "phase", "input"}) reader.forbid(key, "belongs to source = \"sine\"");
}

/// Whose sizes are numbers: they are the same for every task.
bool has_even_tasks(const TaskConfig& task) {
  return task.source == TaskSource::kSine || task.labels == TaskLabels::kPermuted;
}

void check_sizes(const ConfigReader& reader, const TaskConfig& task, const TaskSize& support, const TaskSize& query) {
  if (!has_even_tasks(task)) return;
  const char* reason = task.source == TaskSource::kSine ? "source = \"sine\" draws as many samples as a number says"
                                                        : "labels = \"permuted\" takes a number: all tasks are alike";
  if (!support.is_count()) reader.problem("support_size", reason);
  if (!query.is_count()) reader.problem("query_size", reason);
}

}  // namespace

void read_task(const ConfigReader& reader, Objective objective, TaskConfig& task) {
  const auto source =
      reader.selector<TaskSource>("source", {{"sine", TaskSource::kSine}, {"dataset", TaskSource::kDataset}});
  task.source = source.value_or(TaskSource::kDataset);  // which has more keys in other tables
  if (!source) return;
  task.fresh = reader.choice<TaskFreshness>(
      "fresh", {{"round", TaskFreshness::kRound}, {"device", TaskFreshness::kDevice}}, TaskFreshness::kRound);
  const bool is_sine = task.source == TaskSource::kSine;
  is_sine ? read_sine(reader, task) : read_dataset(reader, objective, task);
  task.support_size = read_size(reader, "support_size", kSizeRange, std::nullopt);
  task.query_size = read_size(reader, "query_size", kSizeOrNoneRange, TaskSize(has_even_tasks(task) ? 1 : 0));
}

/// Sizes, passes and rate are those of training where the section does not say otherwise.
void read_evaluation(const ConfigReader& reader, const Experiment& experiment, EvaluationConfig& evaluation) {
  const TaskConfig& task = experiment.task;
  evaluation.every = reader.count("every", {0, limits::kMaxRounds}, 0);
  evaluation.tasks = reader.count("tasks", {0, limits::kMaxTasks}, 0);
  evaluation.says_tasks = reader.has("tasks");
  evaluation.says_final_tasks = reader.has("final_tasks");
  evaluation.final_tasks = reader.count("final_tasks", {0, limits::kMaxTasks}, evaluation.tasks);
  evaluation.split =
      reader.choice<Split>("split", {{"test", Split::kTest}, {"validation", Split::kValidation}}, Split::kTest);
  evaluation.passes = reader.count("passes", {0, limits::kMaxPasses}, experiment.meta.passes);
  evaluation.support_size = read_size(reader, "support_size", kSizeOrNoneRange, task.support_size);
  const TaskSize any = has_even_tasks(task) ? TaskSize(1) : TaskSize::all();
  const TaskSize& usual = task.query_size.is_none() ? any : task.query_size;
  evaluation.query_size = read_size(reader, "query_size", kSizeRange, usual);
  evaluation.batch_size = reader.count("batch_size", {1, limits::kMaxBatchSize}, 1);
  evaluation.inner_learning_rate =
      reader.real32("inner_learning_rate", {0.0, 100.0, true}, experiment.meta.inner_learning_rate);
  evaluation.scope.text = reader.text("scope", kMaxScopeBytes, experiment.adapt.scope.text);
  if (task.source == TaskSource::kDataset && task.labels == TaskLabels::kPermuted) {
    evaluation.rotations = read_rotations(reader, task.rotations);
  } else {
    reader.forbid("rotations", "belongs to [task] source = \"dataset\" with labels = \"permuted\"");
  }
}

void check_task(const ConfigReader& reader, const Experiment& experiment) {
  const TaskConfig& task = experiment.task;
  const bool goes_by_time = task.order == SampleOrder::kTime;
  if (goes_by_time && (task.labels == TaskLabels::kPermuted || task.group == TaskGrouping::kClass || task.ways != 0)) {
    reader.problem("order",
                   "\"time\" is of a client's own records: it needs group = \"client\", labels = \"fixed\" and "
                   "ways = \"all\"");
  }
  check_sizes(reader, experiment.task, experiment.task.support_size, experiment.task.query_size);
}

void check_evaluation(const ConfigReader& reader, const Experiment& experiment) {
  const EvaluationConfig& evaluation = experiment.evaluation;
  check_sizes(reader, experiment.task, evaluation.support_size, evaluation.query_size);
  const bool are_clients = experiment.fleet.devices_are_clients && !evaluation.says_tasks;
  const bool has_tasks = evaluation.tasks > 0 || are_clients;
  if (evaluation.every > 0 && !has_tasks) {
    reader.problem("every",
                   "evaluating every " + std::to_string(evaluation.every) + " rounds needs tasks of at least 1");
  }
  if (evaluation.support_size.is_none() && evaluation.passes > 0) {
    reader.problem("support_size", "0 is for passes = 0: a device adapts to at least 1 sample");
  }
  const bool takes_all = evaluation.support_size.kind == TaskSize::Kind::kAll;
  if (takes_all && (has_tasks || evaluation.final_tasks > 0)) {
    reader.problem("support_size",
                   "\"all\" leaves a device nothing to be judged by: say how many samples it adapts to, a number or a "
                   "fraction");
  }
}

}  // namespace skink::internal
