#pragma once
/// @file
/// One experiment: what is learned, from which tasks, how, and how it is judged. The simulator and the coordinator read
/// the same sections with the same code, so that what is simulated is what is deployed. Keys, defaults and allowed
/// values: docs/experiment.md.

#include <cstdint>
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

/// [model]: the network and its input, stored * input_scale + input_offset.
struct ModelConfig {
  nn::Shape input;
  float input_scale = 1.0F;
  float input_offset = 0.0F;
  nn::Loss loss = nn::Loss::kMeanSquaredError;
  std::vector<LayerConfig> layers;
};

/// Where tasks come from; classes from all records or from one client's; a new task every round or one for each device;
/// the split of a data set, numbers as in split.npy.
enum class TaskSource { kSine, kDataset };
enum class TaskGrouping { kClass, kClient };
enum class TaskFreshness { kRound, kDevice };
enum class Split : std::uint8_t { kTrain = 0, kValidation = 1, kTest = 2 };

/// [task]: what devices adapt to. Amplitude, phase (radians) and input are drawn from [min, max].
struct TaskConfig {
  TaskSource source = TaskSource::kSine;
  TaskFreshness fresh = TaskFreshness::kRound;
  std::uint32_t support_size = 0;  ///< samples; with a data set samples per class
  std::uint32_t query_size = 0;
  // sine
  float amplitude_min = 0.1F, amplitude_max = 5.0F;
  float phase_min = 0.0F, phase_max = 6.2831853F;
  float input_min = -5.0F, input_max = 5.0F;
  // data set
  std::string dataset;
  TaskGrouping group = TaskGrouping::kClass;
  std::uint32_t ways = 0;
  std::uint32_t rotations = 1;
  std::uint32_t validation_classes = 0;  ///< of the training split, moved to the validation split
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
  double clip_norm = 0.0;  ///< of a change; 0: not clipped
  // of some strategies (strategies.hpp)
  double proximal = 0.0;
  double server_momentum = 0.0;
  double beta1 = 0.0, beta2 = 0.0, tau = 0.0;
};

/// [evaluation]: when and on which tasks the meta-parameters are scored, by held-out devices.
struct EvaluationConfig {
  std::uint32_t every = 0;  ///< rounds; 0: only before the first round and after the last
  std::uint32_t tasks = 0;
  std::uint32_t final_tasks = 0;
  Split split = Split::kTest;
  std::uint32_t support_size = 0;
  std::uint32_t query_size = 0;
  std::uint32_t passes = 1;
  std::uint32_t batch_size = 1;
  float inner_learning_rate = 0;
  std::uint32_t rotations = 1;  ///< data set
};

/// [fleet]: how many devices there are, how many of these only evaluate, and how long one may take or be absent.
struct FleetConfig {
  std::uint32_t devices = 0;
  std::uint32_t held_out = 0;
  std::uint32_t deadline_ms = 30000;
  std::uint32_t offline_ms = 3000;
};

/// In place of a codec's name: models are sent as they are.
inline constexpr const char* kWholeModel = "whole";

/// A whole experiment file. What read_experiment() returns has been checked: its values are in range and fit together.
struct Experiment {
  std::string name;
  std::uint64_t seed = 1;
  ModelConfig model;
  TaskConfig task;
  MetaConfig meta;
  EvaluationConfig evaluation;
  FleetConfig fleet;
  std::string uplink = "float32";
  std::string downlink = kWholeModel;  ///< or a codec's name
};

/// Samples that a device adapts to in one round, and query samples of one evaluation task. At least 1.
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

/// The network of `model`; the experiment was checked, so this cannot fail.
nn::Network make_network(const ModelConfig& model);

/// The initial meta-parameters phi_0, [P]: docs/arithmetic.md, section 9. A pure function of model and seed.
std::vector<float> initial_parameters(const ModelConfig& model, std::uint64_t seed);

}  // namespace skink
