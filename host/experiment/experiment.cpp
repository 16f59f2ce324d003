#include "skink/host/experiment/experiment.hpp"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "experiment_sections.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/codec/codec.hpp"
#include "skink/common/limits.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink {
namespace {

constexpr IntegerRange kSeedRange{0, std::numeric_limits<std::int64_t>::max()};
constexpr IntegerRange kSizeRange{1, limits::kMaxSamples};
constexpr IntegerRange kBatchRange{1, limits::kMaxBatchSize};  // beyond it every device refuses
constexpr IntegerRange kPassesRange{1, limits::kMaxPasses};
constexpr IntegerRange kRoundsRange{1, limits::kMaxRounds};
constexpr IntegerRange kTasksRange{0, limits::kMaxTasks};
constexpr IntegerRange kDevicesRange{1, limits::kMaxDevices};
constexpr RealRange kLearningRateRange{0.0, 100.0, true};
constexpr RealRange kClipNormRange{0.0, 1e6};
/// sin is defined up to 8192 (docs/arithmetic.md, section 3): half for the input, half for the phase.
constexpr RealRange kAngleRange{-4096.0, 4096.0};

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
  for (const char* key : {"dataset", "ways", "group", "rotations", "validation_classes"}) {
    reader.forbid(key, "belongs to source = \"dataset\"");
  }
}

std::uint32_t read_rotations(const ConfigReader& reader, std::uint32_t fallback) {
  const std::uint32_t rotations = reader.count("rotations", {1, 4}, fallback);
  if (rotations != 1 && rotations != 4) {
    reader.problem("rotations", std::to_string(rotations) + " is not allowed, use 1 or 4");
  }
  return rotations;
}

void read_dataset(const ConfigReader& reader, TaskConfig& task) {
  task.dataset = reader.word("dataset", "-_");
  task.ways = reader.count("ways", {limits::kMinWays, limits::kMaxWays});
  task.group = reader.choice<TaskGrouping>(
      "group", {{"class", TaskGrouping::kClass}, {"client", TaskGrouping::kClient}}, TaskGrouping::kClass);
  task.rotations = read_rotations(reader, 1);
  task.validation_classes = reader.count("validation_classes", {0, std::numeric_limits<std::uint16_t>::max()}, 0);
  if (task.group == TaskGrouping::kClient) {
    reader.forbid("validation_classes", "belongs to group = \"class\"; clients are split in the data set");
  }
  for (const char* key : {"amplitude", "phase", "input"}) reader.forbid(key, "belongs to source = \"sine\"");
}

void read_task(const ConfigReader& reader, TaskConfig& task) {
  task.source = reader.choice<TaskSource>("source", {{"sine", TaskSource::kSine}, {"dataset", TaskSource::kDataset}});
  task.support_size = reader.count("support_size", kSizeRange);
  task.query_size = reader.count("query_size", kSizeRange, 1);
  task.fresh = reader.choice<TaskFreshness>(
      "fresh", {{"round", TaskFreshness::kRound}, {"device", TaskFreshness::kDevice}}, TaskFreshness::kRound);
  task.source == TaskSource::kSine ? read_sine(reader, task) : read_dataset(reader, task);
}

void read_meta(const ConfigReader& reader, MetaConfig& meta) {
  internal::read_strategy(reader, meta);
  meta.rounds = reader.count("rounds", kRoundsRange);
  meta.cohort = reader.count("cohort", kDevicesRange, 1);
  meta.inner_learning_rate = reader.real32("inner_learning_rate", kLearningRateRange);
  meta.passes = reader.count("passes", kPassesRange, 1);
  meta.batch_size = reader.count("batch_size", kBatchRange, 1);
  meta.clip_norm = reader.real("clip_norm", kClipNormRange, 0.0);
}

/// Sizes, passes and rate are those of training where the section does not say otherwise.
void read_evaluation(const ConfigReader& reader, const Experiment& experiment, EvaluationConfig& evaluation) {
  evaluation.every = reader.count("every", {0, kRoundsRange.max}, 0);
  evaluation.tasks = reader.count("tasks", kTasksRange, 0);
  evaluation.final_tasks = reader.count("final_tasks", kTasksRange, evaluation.tasks);
  evaluation.split =
      reader.choice<Split>("split", {{"test", Split::kTest}, {"validation", Split::kValidation}}, Split::kTest);
  evaluation.support_size = reader.count("support_size", kSizeRange, experiment.task.support_size);
  evaluation.query_size = reader.count("query_size", kSizeRange, experiment.task.query_size);
  evaluation.passes = reader.count("passes", {0, kPassesRange.max}, experiment.meta.passes);
  evaluation.batch_size = reader.count("batch_size", kBatchRange, 1);
  evaluation.inner_learning_rate =
      reader.real32("inner_learning_rate", kLearningRateRange, experiment.meta.inner_learning_rate);
  if (experiment.task.source == TaskSource::kDataset) {
    evaluation.rotations = read_rotations(reader, experiment.task.rotations);
  } else {
    reader.forbid("rotations", "belongs to source = \"dataset\"");
  }
}

void read_fleet(const ConfigReader& reader, FleetConfig& fleet) {
  fleet.devices = reader.count("devices", kDevicesRange);
  fleet.held_out = reader.count("held_out", {0, kDevicesRange.max}, 0);
  fleet.deadline_ms = reader.count("deadline_ms", {1, limits::kMaxWaitMs}, 30'000);
  fleet.offline_ms = reader.count("offline_ms", {0, limits::kMaxWaitMs}, 3'000);
}

struct Sections {
  internal::ModelReaders model;
  ConfigReader meta;
  ConfigReader evaluation;
  ConfigReader fleet;
};

/// Sizes count samples of each class, where there are classes.
std::uint64_t classes_of_task(const TaskConfig& task) { return task.source == TaskSource::kDataset ? task.ways : 1; }

void check_meta(const ConfigReader& reader, const Experiment& experiment) {
  const MetaConfig& meta = experiment.meta;
  const FleetConfig& fleet = experiment.fleet;
  internal::check_strategy(reader, meta);
  const bool weighs_samples = traits_of(meta.strategy).weighing == Weighing::kBySamples;
  const std::uint64_t weight = meta.cohort * (weighs_samples ? support_samples(experiment) : 1);
  if (weight >= arithmetic::kMaxTotalWeight) {
    reader.problem("cohort", "the aggregation weights of a round add up to " + std::to_string(weight) +
                                 ", they must stay below " + std::to_string(arithmetic::kMaxTotalWeight));
  }
  if (fleet.held_out < fleet.devices && meta.cohort > fleet.devices - fleet.held_out) {
    reader.problem("cohort", std::to_string(meta.cohort) + " is more than the devices that train, use 1.." +
                                 std::to_string(fleet.devices - fleet.held_out) + " or more [fleet] devices");
  }
}

void check_evaluation(const ConfigReader& reader, const Experiment& experiment) {
  const EvaluationConfig& evaluation = experiment.evaluation;
  if (evaluation.every > 0 && evaluation.tasks == 0) {
    reader.problem("every",
                   "evaluating every " + std::to_string(evaluation.every) + " rounds needs tasks of at least 1");
  }
}

void check_fleet(const ConfigReader& reader, const Experiment& experiment) {
  const FleetConfig& fleet = experiment.fleet;
  if (fleet.held_out >= fleet.devices) {
    reader.problem("held_out", std::to_string(fleet.held_out) + " of " + std::to_string(fleet.devices) +
                                   " devices leave none to train, use 0.." + std::to_string(fleet.devices - 1));
  }
  if (fleet.held_out == 0 && (experiment.evaluation.tasks > 0 || experiment.evaluation.final_tasks > 0)) {
    reader.problem("held_out",
                   "0 is not allowed when [evaluation] has tasks: they run on held-out devices, use 1 or more");
  }
}

/// A codec's name, checked here so that nobody finds it wrong later.
std::string read_codec(const ConfigReader& reader, const char* key, const std::string& fallback) {
  std::string name = reader.text(key, codec::kMaxNameBytes, fallback);
  codec::Codec codec;
  codec::NameError error;
  if (name == fallback || codec::parse(name.c_str(), codec, error)) return name;
  reader.problem(key,
                 fmt::format("\"{}\" is not a codec, at character {}: {}", name, error.position + 1, error.reason));
  return fallback;
}

void read_codecs(const ConfigReader& reader, Experiment& experiment) {
  experiment.uplink = read_codec(reader, "uplink", "float32");
  experiment.downlink = read_codec(reader, "downlink", kWholeModel);
  if (experiment.downlink == "float32") {
    reader.problem("downlink", "\"float32\" is as long as the model: use \"whole\", or a codec that is shorter");
  }
}

void check(const Sections& sections, const Experiment& experiment) {
  internal::check_model(sections.model, experiment.model, experiment.task);
  check_meta(sections.meta, experiment);
  check_evaluation(sections.evaluation, experiment);
  check_fleet(sections.fleet, experiment);
}

Result<Experiment> read_sections(Result<ConfigFile> file) {
  if (!file) return file.error();
  Experiment experiment;
  const ConfigReader root = file->root();
  experiment.name = root.word("name", "-");
  experiment.seed = static_cast<std::uint64_t>(root.integer("seed", kSeedRange, 1));
  const Sections sections{internal::read_model(root, experiment.model), root.table("meta", Presence::kRequired),
                          root.table("evaluation", Presence::kOptional), root.table("fleet", Presence::kRequired)};
  read_task(root.table("task", Presence::kRequired), experiment.task);
  read_meta(sections.meta, experiment.meta);
  read_evaluation(sections.evaluation, experiment, experiment.evaluation);
  read_fleet(sections.fleet, experiment.fleet);
  read_codecs(root.table("codec", Presence::kOptional), experiment);
  if (file->sound()) check(sections, experiment);
  const Result<void> finished = file->finish();
  if (!finished) return finished.error();
  return experiment;
}

}  // namespace

std::uint64_t support_samples(const Experiment& experiment) {
  return experiment.task.support_size * classes_of_task(experiment.task);
}

std::uint64_t evaluation_query_samples(const Experiment& experiment) {
  return experiment.evaluation.query_size * classes_of_task(experiment.task);
}

Result<Experiment> read_experiment(const std::string& path, const std::vector<Override>& overrides) {
  return read_sections(ConfigFile::read(path, overrides));
}

Result<Experiment> parse_experiment(std::string_view text, const std::string& name,
                                    const std::vector<Override>& overrides) {
  return read_sections(ConfigFile::parse(text, name, overrides));
}

}  // namespace skink
