#pragma once
/// @file
/// What fedadam and fedyogi have in common: Reddi et al., "Adaptive Federated Optimization", arXiv:2003.00295,
/// Algorithm 2. No bias correction. Private to rounds.

#include <algorithm>
#include <cmath>

#include "elementwise.hpp"
#include "server_optimizer.hpp"

namespace skink::rounds::internal {

/// state: m, then v. `Second` has a function next(v, square, beta2): the next v.
template <class Second>
class Adaptive final : public ServerOptimizer {
 public:
  using ServerOptimizer::ServerOptimizer;

  /// m = 0, v = tau^2: the least that the paper allows.
  StrategyState initial_state(const nn::Network& network) const override {
    StrategyState state(2 * network.trainable_count(), 0.0);
    const auto second = state.begin() + static_cast<std::ptrdiff_t>(network.trainable_count());
    std::fill(second, state.end(), config().tau * config().tau);
    return state;
  }

  void step(const nn::Network& network, const RoundSum& round, StrategyState& state,
            Span<float> parameters) const override {
    const MetaConfig& meta = config();
    const std::size_t count = network.trainable_count();
    for_each_mean(network, round, [&](std::size_t place, std::size_t e, double mean) {
      double& m = state[place];
      double& v = state[count + place];
      m = meta.beta1 * m + (1.0 - meta.beta1) * mean;
      v = Second::next(v, mean * mean, meta.beta2);
      const double step = (round.meta_learning_rate * m) / (std::sqrt(v) + meta.tau);
      parameters[e] = arithmetic::outer_step(parameters[e], 1.0, step);
    });
  }
};

}  // namespace skink::rounds::internal
