/// @file
/// `fedavgm`: FedAvg with momentum at the coordinator. Hsu, Qi, Brown, arXiv:1909.06335.

#include "elementwise.hpp"
#include "makers.hpp"
#include "server_optimizer.hpp"

namespace skink::rounds::internal {
namespace {

/// state: v.
class FedAvgM final : public ServerOptimizer {
 public:
  using ServerOptimizer::ServerOptimizer;

  StrategyState initial_state(const nn::Network& network) const override {
    return StrategyState(network.trainable_count(), 0.0);
  }

  void step(const nn::Network& network, const RoundSum& round, StrategyState& state,
            Span<float> parameters) const override {
    for_each_mean(network, round, [&](std::size_t place, std::size_t e, double mean) {
      double& v = state[place];
      v = config().server_momentum * v + mean;
      parameters[e] = arithmetic::outer_step(parameters[e], round.meta_learning_rate, v);
    });
  }
};

}  // namespace

StrategyPointer make_fedavgm(const MetaConfig& config) { return std::make_unique<FedAvgM>(config); }

}  // namespace skink::rounds::internal
