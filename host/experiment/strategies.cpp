#include "skink/host/experiment/strategies.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "experiment_sections.hpp"

namespace skink {
namespace {

constexpr RealRange kRateRange{0.0, 100.0};
/// A momentum of 1 would never forget.
constexpr RealRange kDecayRange{0.0, 0.9999};
constexpr RealRange kProximalRange{0.0, 1000.0};
constexpr RealRange kTauRange{0.0, 100.0, true};

constexpr StrategyKey kProximal[] = {{"proximal", &MetaConfig::proximal, kProximalRange, 0.01}};
constexpr StrategyKey kMomentum[] = {{"server_momentum", &MetaConfig::server_momentum, kDecayRange, 0.9}};
constexpr StrategyKey kAdaptive[] = {{"beta1", &MetaConfig::beta1, kDecayRange, 0.9},
                                     {"beta2", &MetaConfig::beta2, kDecayRange, 0.99},
                                     {"tau", &MetaConfig::tau, kTauRange, 1e-3}};

/// A meta learning rate of fedadam and fedyogi is the length of a parameter's step, not a part of the mean change.
constexpr StrategyTraits kStrategies[] = {
    {.kind = StrategyKind::kTinyReptile,
     .name = "tinyreptile",
     .weighing = Weighing::kEvenly,
     .schedule = Schedule::kAnnealed,
     .batching = Batching::kOnlineOnly},
    {.kind = StrategyKind::kReptile, .name = "reptile", .weighing = Weighing::kEvenly, .schedule = Schedule::kAnnealed},
    {.kind = StrategyKind::kFedAvg,
     .name = "fedavg",
     .weighing = Weighing::kBySamples,
     .schedule = Schedule::kConstant},
    {.kind = StrategyKind::kFedProx,
     .name = "fedprox",
     .weighing = Weighing::kBySamples,
     .schedule = Schedule::kConstant,
     .keys = kProximal},
    {.kind = StrategyKind::kFedAvgM,
     .name = "fedavgm",
     .weighing = Weighing::kBySamples,
     .schedule = Schedule::kConstant,
     .keys = kMomentum},
    {.kind = StrategyKind::kFedAdam,
     .name = "fedadam",
     .weighing = Weighing::kBySamples,
     .schedule = Schedule::kConstant,
     .keys = kAdaptive,
     .meta_learning_rate = 0.01},
    {.kind = StrategyKind::kFedYogi,
     .name = "fedyogi",
     .weighing = Weighing::kBySamples,
     .schedule = Schedule::kConstant,
     .keys = kAdaptive,
     .meta_learning_rate = 0.01},
    {.kind = StrategyKind::kFomaml,
     .name = "fomaml",
     .weighing = Weighing::kEvenly,
     .schedule = Schedule::kConstant,
     .learns_from = LearnsFrom::kQuery},
    {.kind = StrategyKind::kNone,
     .name = "none",
     .weighing = Weighing::kEvenly,
     .schedule = Schedule::kConstant,
     .learns_from = LearnsFrom::kNothing},
    {.kind = StrategyKind::kCentral,
     .name = "central",
     .weighing = Weighing::kEvenly,
     .schedule = Schedule::kConstant,
     .learns_from = LearnsFrom::kPool},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < std::size(kStrategies); ++i) {
    if (kStrategies[i].kind != static_cast<StrategyKind>(i)) return false;
  }
  return true;
}
static_assert(is_in_order());

bool has_key(const StrategyTraits& traits, std::string_view key) {
  return std::any_of(traits.keys.begin(), traits.keys.end(), [key](const StrategyKey& own) { return own.name == key; });
}

/// `"fedadam" or "fedyogi"`: those that have the key.
std::string owners_of(std::string_view key) {
  std::string owners;
  for (const StrategyTraits& traits : kStrategies) {
    if (has_key(traits, key)) owners += (owners.empty() ? "\"" : " or \"") + std::string(traits.name) + "\"";
  }
  return owners;
}

/// The keys of this strategy are read, those of others refused.
void read_keys(const ConfigReader& reader, const StrategyTraits& traits, MetaConfig& meta) {
  for (const StrategyKey& key : traits.keys) meta.*key.value = reader.real(key.name, key.range, key.fallback);
  std::set<std::string_view> foreign;
  for (const StrategyTraits& other : kStrategies) {
    for (const StrategyKey& key : other.keys) {
      if (!has_key(traits, key.name)) foreign.insert(key.name);
    }
  }
  for (const std::string_view key : foreign) reader.forbid(key, "belongs to strategy = " + owners_of(key));
}

}  // namespace

std::span<const StrategyTraits> strategies() { return kStrategies; }

const StrategyTraits& traits_of(StrategyKind kind) { return kStrategies[static_cast<std::size_t>(kind)]; }

LearnsFrom learns_from(const Experiment& experiment) { return traits_of(experiment.meta.strategy).learns_from; }

Result<void> check_runs_in_fleets(const Experiment& experiment) {
  const StrategyTraits& traits = traits_of(experiment.meta.strategy);
  if (traits.runs_in_fleets()) return {};
  return make_error(Status::kInvalidArgument,
                    experiment.name + ": strategy = \"" + std::string(traits.name) +
                        "\" asks no fleet for anything: it is a baseline of skink-sim's learning engine, use that",
                    Cause::kConfiguration);
}

namespace internal {
namespace {

/// Ordinary SGD: one machine, which has everybody's records, and whose steps are taken whole.
void check_pool(const ConfigReader& reader, const Experiment& experiment) {
  const MetaConfig& meta = experiment.meta;
  const TaskConfig& task = experiment.task;
  if (task.source == TaskSource::kSine) {
    reader.problem("strategy",
                   "\"central\" learns from the pooled records of a data set: [task] source = \"sine\" has none");
  } else if (task.labels == TaskLabels::kPermuted) {
    reader.problem("strategy", "\"central\" is one network for all records: it needs [task] labels = \"fixed\"");
  }
  if (meta.cohort != 1) reader.problem("cohort", "strategy = \"central\" is one machine: use 1");
  const bool takes_all = meta.meta_learning_rate == 1.0 && meta.meta_learning_rate_final == 1.0;
  if (!takes_all)
    reader.problem("meta_learning_rate", "strategy = \"central\" is ordinary SGD: use 1, or leave it out");
}

}  // namespace

void read_strategy(const ConfigReader& reader, MetaConfig& meta) {
  std::vector<Choice<StrategyKind>> choices;
  for (const StrategyTraits& traits : kStrategies) choices.push_back({traits.name, traits.kind});
  meta.strategy = reader.choice<StrategyKind>("strategy", std::span<const Choice<StrategyKind>>(choices));
  const StrategyTraits& traits = traits_of(meta.strategy);
  read_keys(reader, traits, meta);
  meta.meta_learning_rate = reader.real("meta_learning_rate", kRateRange, traits.meta_learning_rate);
  const double last = traits.schedule == Schedule::kConstant ? meta.meta_learning_rate : 0.0;
  meta.meta_learning_rate_final = reader.real("meta_learning_rate_final", kRateRange, last);
}

void check_strategy(const ConfigReader& reader, const ConfigReader& task, const Experiment& experiment) {
  const MetaConfig& meta = experiment.meta;
  const auto proximal = static_cast<float>(meta.proximal);
  if (meta.inner_learning_rate * proximal >= 1.0F) {
    reader.problem("proximal",
                   "times inner_learning_rate it must be below 1, or a step goes beyond what it is pulled to");
  }
  const StrategyTraits& traits = traits_of(meta.strategy);
  if (traits.learns_from == LearnsFrom::kPool) check_pool(reader, experiment);
  if (traits.learns_from == LearnsFrom::kQuery && experiment.task.query_size.is_none()) {
    task.problem("query_size", "strategy = \"" + std::string(traits.name) +
                                   "\" learns from the query set: say how many of a device's records are for it");
  }
  if (traits.batching == Batching::kOnlineOnly && meta.batch_size != 1) {
    reader.problem("batch_size", "strategy = \"" + std::string(traits.name) +
                                     "\" learns sample by sample: use 1, or strategy \"reptile\"");
  }
}

}  // namespace internal
}  // namespace skink
