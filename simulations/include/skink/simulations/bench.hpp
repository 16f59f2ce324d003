#pragma once
/// @file
/// How fast this machine adapts devices: the kernels alone, on samples that lie ready, in every kind of lanes and
/// instruction set beside the scalar code that a device runs, all in one run. A device-round here is: start from phi,
/// K steps of online SGD, add the change to the round's sums; in strictly serial rounds the step of the coordinator
/// instead. Serial rounds are measured with mini-batches of 5 too. Drawing samples is not in it; `skink-sim run` has
/// it.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink::simulations {

/// A network to measure, with what its inputs look like.
struct BenchNet {
  std::string name;
  ModelConfig model;
  float density = 1.0F;      ///< share of the inputs that are not zero, at random places
  std::uint32_t cohort = 1;  ///< devices of a round
};

/// "sine" (1-32-32-1, 128 devices), "mlp" (784-64-32-5 at Omniglot's ink, 64) and "conv" (8-16 filters, 5,173
/// parameters, 32).
const std::vector<BenchNet>& bench_nets();

/// The network of an experiment file, all inputs non-zero, with its cohort. Errors: as read_experiment().
Result<BenchNet> bench_net_of(const std::string& experiment_file);

/// What is measured.
struct BenchOptions {
  std::vector<BenchNet> nets;
  std::vector<std::uint32_t> support_sizes{10};  ///< K
  std::vector<std::string> isas;                 ///< empty: all that this processor has
  std::uint32_t threads = 0;                     ///< the most; 0: one for each core. One thread is always measured
  double seconds = 1.0;                          ///< that each contender computes, about, in all repetitions
  std::uint32_t repetitions = 7;                 ///< contenders take turns; the median counts
  std::function<void(const std::string& text)> on_progress;
};

/// One contender's result.
struct BenchRow {
  std::string net;
  std::uint32_t support_size = 0;
  std::string lanes;  ///< "scalar", "device", "neuron"; "protocol": rounds of 16 devices with all their messages
  std::string isa;
  std::uint32_t threads = 1;
  bool is_serial = false;
  std::uint32_t batch_size = 1;  ///< of the inner loop
  double device_rounds_per_second = 0;
  double ratio_to_scalar = 0;   ///< median over repetitions of the ratio within one repetition; one scalar thread
                                ///< that computes the same rounds
  double fraction_of_peak = 0;  ///< of the measured multiply + add peak of this instruction set on as many cores
};

/// @returns a row for each net, K and contender. Errors: a contender's sums differ from the scalar ones by a bit.
Result<std::vector<BenchRow>> run_bench(const BenchOptions& options);

/// Multiplications and additions of one sample in a layer, each multiply-accumulate counted as two: of dense layers and
/// convolutions.
double forward_operations(const nn::LayerPlan& plan);
double backward_operations(const nn::LayerPlan& plan);

/// Multiplications and additions of one device-round: forward, input gradients where a layer below learns, updates,
/// each multiply-accumulate counted as two; and three for each parameter for start and sum.
double operations_per_device_round(const nn::Network& network, std::uint32_t support_size);

/// The JSON list that docs/experiment-output.md describes.
std::string to_json(const std::vector<BenchRow>& rows);
/// For people.
std::string to_table(const std::vector<BenchRow>& rows);

}  // namespace skink::simulations
