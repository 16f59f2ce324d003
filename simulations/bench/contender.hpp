#pragma once
/// @file
/// What `skink-sim bench` measures against each other: ways to compute the same rounds.

#include <cstdint>
#include <memory>
#include <vector>

#include "skink/common/nn/network.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations {

/// The rounds that all contenders compute.
struct BenchCase {
  nn::Network network;
  std::vector<float> phi;
  std::uint32_t devices = 0;
  std::uint32_t support_size = 0;
  float inner_learning_rate = 0;
  std::vector<float> inputs;   ///< [devices][support_size][input_size]
  std::vector<float> targets;  ///< [devices][support_size][target_size]

  std::size_t target_size() const;
};

/// Contenders with the same rounds end with the same bits.
struct BenchRounds {
  bool is_serial = false;  ///< strictly serial rounds of one device each
  std::uint32_t batch_size = 1;

  bool operator==(const BenchRounds&) const = default;
};

class Contender {
 public:
  virtual ~Contender() = default;
  const char* lanes = "";
  const char* isa = "";
  std::uint32_t threads = 1;
  BenchRounds rounds;
  const LaneFunctions* functions = nullptr;  ///< whose peak counts; null: no figure

  /// A device-round of every device: all from the same phi, or one after the other with the step of the coordinator
  /// after each.
  virtual void compute_round() = 0;
  /// What came out: the changes of the last round, added up in fixed point; serial: the bits of phi. [P]
  virtual std::vector<std::int64_t> result() const = 0;
};

/// The code that a device runs, as the compiler makes it at -O2 without SIMD flags.
std::unique_ptr<Contender> make_scalar_contender(const BenchCase& bench, const BenchRounds& rounds);
/// A device per lane.
std::unique_ptr<Contender> make_device_contender(const BenchCase& bench, const LaneFunctions& functions,
                                                 std::uint32_t threads);

/// One device after another, its neurons in lanes. Serial rounds: one thread.
std::unique_ptr<Contender> make_neuron_contender(const BenchCase& bench, const LaneFunctions& functions,
                                                 std::uint32_t threads, const BenchRounds& rounds);

}  // namespace skink::simulations
