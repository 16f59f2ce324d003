#include "protocol_bench.hpp"

#include <algorithm>

#include "measure.hpp"
#include "skink/simulations/run.hpp"

namespace skink::simulations {
namespace {

constexpr std::uint32_t kDevices = 64;
constexpr std::uint32_t kCohort = 16;
constexpr std::uint32_t kFewRounds = 10;

Result<RunResult> run(const Experiment& experiment, Engine engine, std::uint32_t rounds, std::uint32_t threads) {
  RunOptions options;
  options.experiment = experiment;
  options.experiment.meta.rounds = rounds;
  options.engine = engine;
  options.threads = threads;
  return run_experiment(options);
}

}  // namespace

std::optional<Experiment> protocol_case(const BenchNet& net, std::uint32_t support_size) {
  const nn::Network network = make_network(net.model);
  if (network.input_size() != 1 || network.loss() != nn::Loss::kMeanSquaredError) return std::nullopt;
  Experiment experiment;
  experiment.name = net.name;
  experiment.seed = 1;
  experiment.model = net.model;
  experiment.task.support_size = support_size;
  experiment.evaluation.support_size = support_size;
  experiment.meta.cohort = kCohort;
  experiment.meta.inner_learning_rate = 0.002F;
  experiment.evaluation.inner_learning_rate = 0.002F;
  experiment.fleet.devices = kDevices;
  experiment.uplink = "float32";
  return experiment;
}

Result<BenchRow> measure_protocol(const Experiment& experiment, std::uint32_t threads, const BenchOptions& options) {
  const auto expected = run(experiment, Engine::kLearning, kFewRounds, threads);
  if (!expected) return expected.error();
  const auto first = run(experiment, Engine::kProtocol, kFewRounds, threads);
  if (!first) return first.error();
  if (first->summary.model_sha256 != expected->summary.model_sha256) {
    return make_error(Status::kDamaged, experiment.name + ": the engines give different models");
  }
  const auto measure = [&](std::uint32_t rounds) {
    return seconds_of(threads, [&] { (void)run(experiment, Engine::kProtocol, rounds, threads); }) / rounds / kCohort;
  };
  const double wanted = options.seconds / options.repetitions / std::max(measure(kFewRounds) * kCohort, 1e-7);
  const auto rounds = static_cast<std::uint32_t>(std::clamp(wanted, 1.0 * kFewRounds, 1e6));
  std::vector<double> seconds;
  for (std::uint32_t repetition = 0; repetition < options.repetitions; ++repetition) {
    seconds.push_back(measure(rounds));
  }
  BenchRow row;
  row.net = experiment.name;
  row.support_size = experiment.task.support_size.count;
  row.lanes = "protocol";
  row.isa = "scalar";
  row.threads = threads;
  row.device_rounds_per_second = 1 / median(seconds);
  return row;
}

}  // namespace skink::simulations
