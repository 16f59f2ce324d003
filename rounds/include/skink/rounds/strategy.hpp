#pragma once
/// @file
/// What a strategy decides: how devices adapt, what each update weighs, and how the coordinator steps. One small class
/// per strategy, in rounds/strategies/. docs/strategies.md; docs/arithmetic.md, section 8.

#include <cstdint>
#include <memory>
#include <vector>

#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::rounds {

/// What a task asks of a device.
struct InnerLoop {
  float inner_learning_rate = 0.0F;
  std::uint32_t passes = 1;
  std::uint32_t batch_size = 1;                             ///< 1: online SGD, one sample at a time
  float proximal = 0.0F;                                    ///< pulls towards phi after every step; 0: does not
  wire::ChangeKind change = wire::ChangeKind::kParameters;  ///< what the device sends

  /// What a step is pulled by.
  float pull() const { return inner_learning_rate * proximal; }
};

/// What a round leaves for the outer step.
struct RoundSum {
  double meta_learning_rate = 0;
  Span<const std::int64_t> sums;   ///< [P], weighted sum of the changes in units of 2^-36
  std::uint32_t total_weight = 0;  ///< of these changes, 1..2^20 - 1
};

/// What a strategy keeps between rounds beside phi; what the numbers are is the strategy's. Empty for most.
using StrategyState = std::vector<double>;

/// One strategy, with the settings of an experiment. Immutable: what it keeps between rounds is a StrategyState, which
/// the caller holds. All functions are pure, so that the coordinator, the simulator and a replay decide alike.
class Strategy {
 public:
  /// @param[in] config  [meta] of an experiment that was checked
  explicit Strategy(const MetaConfig& config) : config_(config) {}
  virtual ~Strategy() = default;
  Strategy(const Strategy&) = delete;
  Strategy& operator=(const Strategy&) = delete;

  /// How a device adapts in a round. Default: the rate, passes and batch size of [meta], and a step along the gradient
  /// of its query set if that is learned from (LearnsFrom, skink/host/experiment/strategies.hpp).
  virtual InnerLoop inner_loop() const;
  /// Weight of an update from a device that adapted to `support_samples`; at least 1. Default: 1 where updates weigh
  /// evenly (skink/host/experiment/strategies.hpp), else the samples.
  virtual std::uint32_t aggregation_weight(std::uint32_t support_samples) const;
  /// epsilon of round 0..rounds-1: e0 + (e1 - e0) * (t / T), in double.
  virtual double meta_learning_rate(std::uint32_t round) const;

  /// Whether step() is the plain one, phi + epsilon * mean, and nothing is kept: then the simulator may step in its
  /// lanes (LaneFunctions::image_step).
  virtual bool steps_plainly() const { return true; }
  /// What is kept before the first round. Default: nothing.
  virtual StrategyState initial_state(const nn::Network& network) const;
  /// The outer step of a round that took an update; of a round that took none nothing moves, and it is not called.
  ///
  /// @param[in,out] state       as initial_state(), or as the last step left it
  /// @param[in,out] parameters  [P] float32; trainable ones move, no -0 is left. Default: the plain step.
  virtual void step(const nn::Network& network, const RoundSum& round, StrategyState& state,
                    Span<float> parameters) const;

  /// The state as bytes, for a checkpoint or a store: what it is, its version, then the numbers. Empty when nothing is
  /// kept.
  virtual std::vector<std::uint8_t> save(const StrategyState& state) const;
  /// @param[in,out] state  of initial_state()'s length; unchanged unless true is returned.
  /// @returns false: the bytes are not what save() of this strategy writes for a state of this length.
  virtual bool restore(Span<const std::uint8_t> bytes, StrategyState& state) const;

 protected:
  const MetaConfig& config() const { return config_; }

 private:
  MetaConfig config_;
};

/// The strategy of [meta], whose values were checked.
std::unique_ptr<Strategy> make_strategy(const MetaConfig& config);

}  // namespace skink::rounds
