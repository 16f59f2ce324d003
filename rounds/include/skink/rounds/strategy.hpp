#pragma once
/// @file
/// What a meta-learning algorithm decides: how devices adapt, how far the coordinator steps, and what each update
/// weighs. One small class per algorithm.

#include <cstdint>
#include <memory>

#include "skink/host/experiment/experiment.hpp"

namespace skink::rounds {

/// What a task asks of a device.
struct InnerLoop {
  float inner_learning_rate = 0.0F;
  std::uint32_t passes = 1;
  std::uint32_t batch_size = 1;  ///< 1: online SGD, one sample at a time
};

/// One algorithm, with the settings of an experiment. Immutable.
class Strategy {
 public:
  virtual ~Strategy() = default;
  Strategy(const Strategy&) = delete;
  Strategy& operator=(const Strategy&) = delete;

  /// How a device adapts in a round.
  virtual InnerLoop inner_loop() const = 0;
  /// epsilon of round 0..rounds-1 (docs/arithmetic.md, section 8).
  virtual double meta_learning_rate(std::uint32_t round) const = 0;
  /// Weight of an update from a device that adapted to `support_samples`; at least 1.
  virtual std::uint32_t aggregation_weight(std::uint32_t support_samples) const = 0;

 protected:
  Strategy() = default;
};

/// `tinyreptile`: online SGD on the device, annealed outer step; a cohort of 1 is the serial algorithm (Ren, Anicic,
/// Runkler, arXiv:2304.05201). `reptile`: mini-batches, annealed outer step (Nichol, Achiam, Schulman,
/// arXiv:1803.02999). `fedavg`: mini-batches, updates weighted by support samples (McMahan et al.,
/// arXiv:1602.05629); the baseline without meta-learning.
std::unique_ptr<Strategy> make_strategy(const MetaConfig& config);

}  // namespace skink::rounds
