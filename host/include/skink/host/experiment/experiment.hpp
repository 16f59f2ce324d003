#pragma once
/// @file
/// One experiment: what is learned, from which tasks, how, and how it is judged. The simulator and the coordinator read
/// the same sections with the same code, so that what is simulated is what is deployed. Keys, defaults and allowed
/// values: docs/experiment.md.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "skink/common/nn/network.hpp"
#include "skink/host/config/overrides.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// How weights start: docs/arithmetic.md, section 9.
enum class Initializer { kZeros, kHeUniform, kKinks };

/// A layer and how its weights start.
struct LayerConfig {
  nn::LayerSpec spec;
  Initializer initializer = Initializer::kHeUniform;
  float gain = 1.0F;                   ///< he_uniform
  float slope_min = 0, slope_max = 0;  ///< kinks
  float input_min = 0, input_max = 0;
};

/// Equal in every field.
bool operator==(const LayerConfig& a, const LayerConfig& b);

/// [personal]: how devices may adapt the model for themselves; it travels in the model file. Passes 0: nothing is said.
struct PersonalConfig {
  float inner_learning_rate = 0.0F;
  std::uint32_t passes = 0;
  std::uint32_t batch_size = 1;
  friend bool operator==(const PersonalConfig&, const PersonalConfig&) = default;
};

/// [model]: the network and its input, stored * input_scale + input_offset.
struct ModelConfig {
  nn::Shape input;
  /// One number, or one for each channel, or one for each number of the input; both lists are equally long.
  std::vector<float> input_scale{1.0F};
  std::vector<float> input_offset{0.0F};
  nn::Loss loss = nn::Loss::kMeanSquaredError;
  std::vector<LayerConfig> layers;
  PersonalConfig personal;
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// Where tasks come from; what an output stands for: a class of the data set, or the place of a class in the task's
/// draw; records from everybody or from one client; a new task every round or one for each device; which records are
/// support and which query; the split of a data set, numbers as in split.npy.
enum class TaskSource { kSine, kDataset };
enum class TaskLabels { kFixed, kPermuted };
enum class TaskGrouping { kClass, kClient };
enum class TaskFreshness { kRound, kDevice };
enum class SampleOrder { kRandom, kTime };
enum class Split : std::uint8_t { kTrain = 0, kValidation = 1, kTest = 2 };

/// How many records of those that there are: a count, a fraction of them, or all.
struct TaskSize {
  /// What is said of the size.
  enum class Kind : std::uint8_t { kCount, kFraction, kAll };
  Kind kind = Kind::kCount;
  std::uint32_t count = 0;  ///< kCount: 0..65535
  double fraction = 0;      ///< kFraction: above 0, below 1

  /// None, or so many.
  TaskSize() = default;
  /// @param[in] samples  0..65535
  TaskSize(std::uint32_t samples) : count(samples) {}  // NOLINT(google-explicit-constructor): a count is a size
  /// All records.
  static TaskSize all() { return of(Kind::kAll, 0); }
  /// @param[in] part  above 0, below 1
  static TaskSize part_of_all(double part) { return of(Kind::kFraction, part); }

  /// A number says it.
  bool is_count() const { return kind == Kind::kCount; }
  /// No samples.
  bool is_none() const { return is_count() && count == 0; }
  /// Of `available` records: the count, at most all; the fraction rounded down, at least 1 if there is any; all.
  std::uint32_t wanted_of(std::uint32_t available) const;

 private:
  static TaskSize of(Kind kind, double fraction);
};
/// Do they say the same?
bool operator==(const TaskSize& a, const TaskSize& b);

/// [task]: what devices adapt to. Amplitude, phase (radians) and input are drawn from [min, max].
struct TaskConfig {
  TaskSource source = TaskSource::kSine;
  TaskFreshness fresh = TaskFreshness::kRound;
  TaskSize support_size;  ///< samples; of a data set's classes samples of each
  TaskSize query_size;
  // sine
  float amplitude_min = 0.1F, amplitude_max = 5.0F;
  float phase_min = 0.0F, phase_max = 6.2831853F;
  float input_min = -5.0F, input_max = 5.0F;
  // data set
  std::string dataset;
  TaskLabels labels = TaskLabels::kFixed;
  TaskGrouping group = TaskGrouping::kClass;
  std::vector<std::string> classes;  ///< names or numbers of those that take part; empty: all
  float target_scale = 1.0F;         ///< regression: what the network learns is target * scale + offset
  float target_offset = 0.0F;
  /// Regression: the channels whose last readings forecast the targets if nothing changes, one for all or one for each;
  /// empty: none does.
  std::vector<std::uint32_t> persistence;
  std::string normal;  ///< reconstruction: support is of this class alone; empty: of any
  SampleOrder order = SampleOrder::kRandom;
  std::uint32_t gap = 0;          ///< kTime: records between the last of support and the first of query
  std::uint32_t min_records = 1;  ///< a client with fewer is left out
  std::uint32_t ways = 0;         ///< classes of a task; 0: all that its records have
  std::uint32_t rotations = 1;
  std::uint32_t validation_classes = 0;  ///< of the training split, moved to the validation split
  friend bool operator==(const TaskConfig&, const TaskConfig&) = default;
};

/// What is learned by the rounds: docs/strategies.md. Names, keys and defaults: strategies.hpp, in this order.
enum class StrategyKind {
  kTinyReptile,
  kReptile,
  kFedAvg,
  kFedProx,
  kFedAvgM,
  kFedAdam,
  kFedYogi,
  kFomaml,
  kNone,
  kCentral
};

/// [meta]: the rounds, the inner loop of a device, and the outer step.
struct MetaConfig {
  StrategyKind strategy = StrategyKind::kTinyReptile;
  std::uint32_t rounds = 0;
  std::uint32_t cohort = 1;
  float inner_learning_rate = 0;
  std::uint32_t passes = 1;
  std::uint32_t batch_size = 1;  ///< 1 is online SGD in place
  double meta_learning_rate = 1.0;
  double meta_learning_rate_final = 0.0;
  double clip_norm = 0.0;    ///< of a change; 0: not clipped
  double clip_factor = 0.0;  ///< of a change, in running norms; 0: not clipped
  bool says_clip = false;    ///< one of them is written
  // of some strategies (strategies.hpp)
  double proximal = 0.0;
  double server_momentum = 0.0;
  double beta1 = 0.0, beta2 = 0.0, tau = 0.0;
  friend bool operator==(const MetaConfig&, const MetaConfig&) = default;
};

/// Which trainable tensors an adaptation moves: scope.hpp.
struct ScopeConfig {
  std::string text = "all";  ///< as it was written
  std::uint32_t frozen = 0;  ///< the tensors that stay, as Network::freeze() takes them; follows from text and model
  friend bool operator==(const ScopeConfig&, const ScopeConfig&) = default;
};

/// [adapt]: what moves on a device in the rounds.
struct AdaptConfig {
  ScopeConfig scope;
  friend bool operator==(const AdaptConfig&, const AdaptConfig&) = default;
};

/// [evaluation]: when and on which tasks the meta-parameters are scored, by held-out devices.
struct EvaluationConfig {
  std::uint32_t every = 0;  ///< rounds; 0: only before the first round and after the last
  std::uint32_t tasks = 0;
  std::uint32_t final_tasks = 0;
  bool says_tasks = true;  ///< false: the number is not written, and may be made that of clients by resolve()
  bool says_final_tasks = true;
  Split split = Split::kTest;
  TaskSize support_size;
  TaskSize query_size;
  std::uint32_t passes = 1;
  std::uint32_t batch_size = 1;
  float inner_learning_rate = 0;
  std::uint32_t rotations = 1;  ///< data set
  ScopeConfig scope;
  friend bool operator==(const EvaluationConfig&, const EvaluationConfig&) = default;
};

/// How records are dealt out to devices: as clients have them, or so that classes or sizes are as uneven as is wanted.
enum class PartitionKind { kNatural, kIid, kDirichlet, kClasses };
/// How many records each device gets of an even draw: as many as others, or in proportion to its place, or its square.
enum class PartitionSizes { kEqual, kLinear, kSquare };

/// [fleet] partition and its keys: docs/experiment.md.
struct PartitionConfig {
  PartitionKind kind = PartitionKind::kNatural;
  double alpha = 0;                      ///< kDirichlet: concentration
  std::uint32_t classes_per_device = 0;  ///< kClasses
  PartitionSizes sizes = PartitionSizes::kEqual;
  std::uint32_t least = 0;  ///< records that every device has in the end

  /// Do they say the same?
  friend bool operator==(const PartitionConfig&, const PartitionConfig&) = default;
};

/// Which devices only evaluate: drawn from the roster, or its last ones.
enum class HoldOut { kDrawn, kLast };

/// [fleet]: how many devices there are, how many of these only evaluate, and how long one may take or be absent.
struct FleetConfig {
  bool devices_are_clients = false;  ///< devices and held_out are those of the data set: resolve() counts them
  std::uint32_t devices = 0;
  std::uint32_t held_out = 0;
  HoldOut hold_out = HoldOut::kDrawn;
  PartitionConfig partition;
  std::uint32_t deadline_ms = 30000;
  std::uint32_t offline_ms = 3000;
  friend bool operator==(const FleetConfig&, const FleetConfig&) = default;
};

/// In place of a codec's name: models are sent as they are.
inline constexpr const char* kWholeModel = "whole";

/// What phi is before the first round: drawn from the seed, or a model that was learned before, which the experiment
/// names by its hash. Whoever runs it finds the file (set_initial_model() of model_match.hpp).
struct InitialModel {
  std::string digest;                                    ///< 64 hexadecimal digits; empty: drawn from the seed
  std::shared_ptr<const std::vector<float>> parameters;  ///< [P]; null: drawn, or not found yet

  /// Is it drawn?
  bool is_random() const { return digest.empty(); }
  /// Is everything there to begin?
  bool is_found() const { return is_random() || parameters != nullptr; }
  /// Do they name the same? Whether it was found does not count.
  friend bool operator==(const InitialModel& a, const InitialModel& b) { return a.digest == b.digest; }
};

/// A whole experiment file. What read_experiment() returns has been checked: its values are in range and fit together.
struct Experiment {
  std::string name;
  std::uint64_t seed = 1;
  InitialModel init;
  ModelConfig model;
  TaskConfig task;
  MetaConfig meta;
  AdaptConfig adapt;
  EvaluationConfig evaluation;
  FleetConfig fleet;
  std::string uplink = "float32";
  std::string downlink = kWholeModel;  ///< or a codec's name
  friend bool operator==(const Experiment&, const Experiment&) = default;
};

/// What a network's outputs are to be.
enum class Objective {
  kClassify,    ///< a class: softmax cross-entropy
  kRegress,     ///< values: squared error from a sine or from target.npy
  kReconstruct  ///< the network's input: squared error from it
};
Objective objective_of(const Experiment& experiment);

/// Samples that a device adapts to in one round, and query samples of one evaluation task, at most. At least 1. Where
/// the sizes depend on a device's records, the limit of one device: limits::kMaxSamples, and no more than the weights
/// of a cohort leave.
std::uint64_t support_samples(const Experiment& experiment);
std::uint64_t evaluation_query_samples(const Experiment& experiment);

/// Reads and checks an experiment file: docs/experiment.md. Unknown keys are errors, so are shapes that do not fit and
/// sizes that contradict each other.
/// @returns kUnavailable when the file cannot be read; kUnsupported when it is longer than 1 MiB; kInvalidArgument for
///          its content: every problem on a line with file, line, key and what is allowed.
Result<Experiment> read_experiment(const std::string& path, const std::vector<Override>& overrides = {});

/// The same from text; `name` stands for the file in messages.
/// @returns kInvalidArgument as above.
Result<Experiment> parse_experiment(std::string_view text, const std::string& name,
                                    const std::vector<Override>& overrides = {});

/// One of several experiments that are compared.
struct Arm {
  std::string name;  ///< 1..60 bytes
  Experiment experiment;
};

/// The arms of a file: one for each of its [[arm]] tables, whose keys replace or complete those of the file; else the
/// one experiment that it is, under its name. Names may be there twice.
/// @returns as read_experiment().
Result<std::vector<Arm>> read_arms(const std::string& path, const std::vector<Override>& overrides = {});

/// The network of `model`; the experiment was checked, so this cannot fail.
nn::Network make_network(const ModelConfig& model);

/// The initial meta-parameters phi_0, [P]: docs/arithmetic.md, section 9. A pure function of model and seed.
std::vector<float> initial_parameters(const ModelConfig& model, std::uint64_t seed);

/// The same, or those of the model that the experiment begins with.
/// @throws std::runtime_error when that has not been found.
std::vector<float> initial_parameters(const Experiment& experiment);

}  // namespace skink
