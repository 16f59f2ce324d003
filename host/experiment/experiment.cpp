#include "skink/host/experiment/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "experiment_sections.hpp"
#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/common/codec/codec.hpp"
#include "skink/common/limits.hpp"
#include "skink/host/experiment/scope.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/printable.hpp"

namespace skink {
namespace {

constexpr std::size_t kMaxArmNameBytes = 60;
constexpr std::size_t kMaxExperimentBytes = std::size_t{1} << 20;
constexpr IntegerRange kSeedRange{0, std::numeric_limits<std::int64_t>::max()};
constexpr IntegerRange kBatchRange{1, limits::kMaxBatchSize};  // beyond it every device refuses
constexpr IntegerRange kPassesRange{1, limits::kMaxPasses};
constexpr IntegerRange kRoundsRange{1, limits::kMaxRounds};
constexpr IntegerRange kDevicesRange{1, limits::kMaxDevices};
constexpr RealRange kLearningRateRange{0.0, 100.0, true};
constexpr RealRange kClipNormRange{0.0, 1e6};

void read_meta(const ConfigReader& reader, MetaConfig& meta) {
  internal::read_strategy(reader, meta);
  meta.rounds = reader.count("rounds", kRoundsRange);
  meta.cohort = reader.count("cohort", kDevicesRange, 1);
  meta.inner_learning_rate = reader.real32("inner_learning_rate", kLearningRateRange);
  meta.passes = reader.count("passes", kPassesRange, 1);
  meta.batch_size = reader.count("batch_size", kBatchRange, 1);
  meta.clip_norm = reader.real("clip_norm", kClipNormRange, 0.0);
  meta.says_clip = reader.has("clip_norm") || reader.has("clip_factor");
  meta.clip_factor = reader.real("clip_factor", kClipNormRange, 0.0);
}

/// Empty: at random.
std::string read_init(const ConfigReader& root) {
  const std::string random = "random";
  std::string init = root.text("init", 2 * crypto::kDigestBytes, random);
  if (init == random) return {};
  crypto::Digest digest;
  char hex[2 * crypto::kDigestBytes + 1] = {};
  if (crypto::from_hex(init.data(), init.size(), digest)) crypto::to_hex(digest, hex);
  if (init != hex) {
    root.problem(
        "init",
        "use \"random\", or the hash of a model, 64 hexadecimal digits in lower case (skinkctl model show prints it)");
  }
  return init;
}

struct Sections {
  internal::ModelReaders model;
  ConfigReader task;
  ConfigReader meta;
  ConfigReader adapt;
  ConfigReader evaluation;
  ConfigReader fleet;
  ConfigReader codec;
};

void check_meta(const Sections& sections, const Experiment& experiment) {
  const ConfigReader& reader = sections.meta;
  const MetaConfig& meta = experiment.meta;
  const FleetConfig& fleet = experiment.fleet;
  internal::check_strategy(reader, sections.task, experiment);
  const bool weighs_samples = traits_of(meta.strategy).weighing == Weighing::kBySamples;
  const std::uint64_t weight = meta.cohort * (weighs_samples ? support_samples(experiment) : 1);
  if (weight >= arithmetic::kMaxTotalWeight) {
    reader.problem("cohort", "the aggregation weights of a round add up to " + std::to_string(weight) +
                                 ", they must stay below " + std::to_string(arithmetic::kMaxTotalWeight));
  }
  if (fleet.devices_are_clients) return;  // they are counted later
  if (fleet.held_out < fleet.devices && meta.cohort > fleet.devices - fleet.held_out) {
    reader.problem("cohort", std::to_string(meta.cohort) + " is more than the devices that train, use 1.." +
                                 std::to_string(fleet.devices - fleet.held_out) + " or more [fleet] devices");
  }
}

void read_personal(const ConfigReader& root, const MetaConfig& meta, PersonalConfig& personal) {
  if (!root.has("personal")) return;
  const ConfigReader reader = root.table("personal", Presence::kRequired);
  personal.inner_learning_rate = reader.real32("inner_learning_rate", kLearningRateRange, meta.inner_learning_rate);
  personal.passes = reader.count("passes", kPassesRange, meta.passes);
  personal.batch_size = reader.count("batch_size", kBatchRange, meta.batch_size);
}

/// Of an experiment whose keys are sound, and whose model is a network.
void resolve_scope(const ConfigReader& reader, const ModelConfig& model, ScopeConfig& scope) {
  const auto frozen = frozen_by(scope.text, make_network(model));
  if (!frozen) return reader.problem("scope", frozen.error().message);
  scope.frozen = *frozen;
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

/// Of an experiment whose model is one.
void check(const Sections& sections, const Experiment& experiment) {
  internal::check_task(sections.task, experiment);
  check_meta(sections, experiment);
  internal::check_evaluation(sections.evaluation, experiment);
  internal::check_fleet(sections.fleet, experiment);
}

/// @param[in,out] arm  in: does a file of one arm's keys come? out: the arm's name
Result<Experiment> read_sections(Result<ConfigFile> file, std::string* arm = nullptr) {
  if (!file) return file.error();
  Experiment experiment;
  const ConfigReader root = file->root();
  if (arm == nullptr) {
    root.forbid("arm",
                "these are several experiments, which skink-sim compare runs; the experiment.toml that it leaves "
                "for each is one");
  } else if (root.has("arm")) {
    const ConfigReader reader = root.table("arm", Presence::kRequired);
    *arm = reader.text("name", kMaxArmNameBytes);
    if (printable(*arm) != *arm || arm->find('\n') != std::string::npos) {
      reader.problem("name", "has a control character, or bytes that are not UTF-8");
    }
    reader.forbid("seed", "all arms have the same seeds: skink-sim compare --seeds");
  }
  experiment.name = root.word("name", "-");
  experiment.seed = static_cast<std::uint64_t>(root.integer("seed", kSeedRange, 1));
  experiment.init.digest = read_init(root);
  const Sections sections{internal::read_model(root, experiment.model),  root.table("task", Presence::kRequired),
                          root.table("meta", Presence::kRequired),       root.table("adapt", Presence::kOptional),
                          root.table("evaluation", Presence::kOptional), root.table("fleet", Presence::kRequired),
                          root.table("codec", Presence::kOptional)};
  internal::read_task(sections.task, objective_of(experiment), experiment.task);
  read_meta(sections.meta, experiment.meta);
  experiment.adapt.scope.text = sections.adapt.text("scope", internal::kMaxScopeBytes, "all");
  read_personal(root, experiment.meta, experiment.model.personal);
  internal::read_evaluation(sections.evaluation, experiment, experiment.evaluation);
  internal::read_fleet(sections.fleet, experiment, experiment.fleet);
  read_codecs(sections.codec, experiment);
  if (file->sound()) internal::check_model(sections.model, experiment.model, experiment.task);
  if (file->sound()) resolve_scope(sections.adapt, experiment.model, experiment.adapt.scope);
  if (file->sound()) resolve_scope(sections.evaluation, experiment.model, experiment.evaluation.scope);
  if (file->sound()) check(sections, experiment);
  const Result<void> finished = file->finish();
  if (!finished) return finished.error();
  return experiment;
}

}  // namespace

TaskSize TaskSize::of(Kind kind, double fraction) {
  TaskSize size;
  size.kind = kind;
  size.fraction = fraction;
  return size;
}

bool operator==(const TaskSize& a, const TaskSize& b) {
  return a.kind == b.kind && a.count == b.count && a.fraction == b.fraction;
}

std::uint32_t TaskSize::wanted_of(std::uint32_t available) const {
  switch (kind) {
    case Kind::kCount: return std::min(count, available);
    case Kind::kAll: return available;
    case Kind::kFraction: break;
  }
  const auto part = static_cast<std::uint32_t>(fraction * static_cast<double>(available));
  return std::min(std::max(part, 1U), available);
}

Objective objective_of(const Experiment& experiment) {
  switch (experiment.model.loss) {
    case nn::Loss::kSoftmaxCrossEntropy:
    case nn::Loss::kMulticlassHinge: return Objective::kClassify;
    case nn::Loss::kMeanSquaredError: return Objective::kRegress;
    case nn::Loss::kReconstruction: return Objective::kReconstruct;
  }
  return Objective::kClassify;
}

namespace {

/// How many classes a size counts for: those of the task; where there is a normal one, that in a support set, and it
/// and the others, as one, in a query set.
std::uint64_t classes_of(const Experiment& experiment, bool is_query) {
  if (objective_of(experiment) != Objective::kClassify) return is_query && !experiment.task.normal.empty() ? 2 : 1;
  const bool has_all_classes = experiment.task.ways == 0;
  return has_all_classes ? make_network(experiment.model).output_size() : experiment.task.ways;
}

}  // namespace

std::uint64_t support_samples(const Experiment& experiment) {
  const TaskSize& size = experiment.task.support_size;
  if (size.is_count()) return size.count * classes_of(experiment, false);
  if (traits_of(experiment.meta.strategy).weighing == Weighing::kEvenly) return limits::kMaxSamples;
  const std::uint64_t share = (arithmetic::kMaxTotalWeight - 1) / experiment.meta.cohort;
  return std::clamp<std::uint64_t>(share, 1, limits::kMaxSamples);
}

std::uint64_t evaluation_query_samples(const Experiment& experiment) {
  const TaskSize& size = experiment.evaluation.query_size;
  return size.is_count() ? size.count * classes_of(experiment, true) : limits::kMaxSamples;
}

Result<Experiment> read_experiment(const std::string& path, const std::vector<Override>& overrides) {
  return read_sections(ConfigFile::read(path, overrides));
}

Result<Experiment> parse_experiment(std::string_view text, const std::string& name,
                                    const std::vector<Override>& overrides) {
  return read_sections(ConfigFile::parse(text, name, overrides));
}

Result<std::vector<Arm>> read_arms(const std::string& path, const std::vector<Override>& overrides) {
  const auto text = read_file(path, kMaxExperimentBytes);
  if (!text) return text.error();
  auto files = ConfigFile::parse_variants(*text, path, overrides, {"arm", {"name", "seed"}});
  if (!files) return files.error();
  std::vector<Arm> arms;
  for (ConfigFile& file : *files) {
    std::string name;
    auto experiment = read_sections(std::move(file), &name);
    if (!experiment) return experiment.error();
    if (name.empty()) name = experiment->name;
    arms.push_back({std::move(name), std::move(*experiment)});
  }
  return arms;
}

}  // namespace skink
