#include "skink/rounds/strategy.hpp"

#include <algorithm>

#include "elementwise.hpp"
#include "makers.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::rounds {

InnerLoop Strategy::inner_loop() const {
  InnerLoop loop{config_.inner_learning_rate, config_.passes, config_.batch_size};
  if (traits_of(config_.strategy).learns_from == LearnsFrom::kQuery) loop.change = wire::ChangeKind::kQueryGradient;
  return loop;
}

std::uint32_t Strategy::aggregation_weight(std::uint32_t support_samples) const {
  const bool is_even = traits_of(config_.strategy).weighing == Weighing::kEvenly;
  return is_even ? 1 : std::max<std::uint32_t>(1, support_samples);
}

double Strategy::meta_learning_rate(std::uint32_t round) const {
  const double part = static_cast<double>(round) / static_cast<double>(config_.rounds);
  return config_.meta_learning_rate + (config_.meta_learning_rate_final - config_.meta_learning_rate) * part;
}

StrategyState Strategy::initial_state(const nn::Network& /*network*/) const { return {}; }

/// Nichol, Achiam, Schulman, arXiv:1803.02999, Algorithm 2.
void Strategy::step(const nn::Network& network, const RoundSum& round, StrategyState& /*state*/,
                    Span<float> parameters) const {
  internal::for_each_mean(network, round, [&](std::size_t /*place*/, std::size_t e, double mean) {
    parameters[e] = arithmetic::outer_step(parameters[e], round.meta_learning_rate, mean);
  });
}

std::vector<std::uint8_t> Strategy::save(const StrategyState& /*state*/) const { return {}; }

bool Strategy::restore(Span<const std::uint8_t> bytes, StrategyState& /*state*/) const { return bytes.empty(); }

std::unique_ptr<Strategy> make_strategy(const MetaConfig& config) {
  switch (config.strategy) {
    case StrategyKind::kTinyReptile: return internal::make_tinyreptile(config);
    case StrategyKind::kReptile: return internal::make_reptile(config);
    case StrategyKind::kFedAvg: return internal::make_fedavg(config);
    case StrategyKind::kFedProx: return internal::make_fedprox(config);
    case StrategyKind::kFedAvgM: return internal::make_fedavgm(config);
    case StrategyKind::kFedAdam: return internal::make_fedadam(config);
    case StrategyKind::kFedYogi: return internal::make_fedyogi(config);
    case StrategyKind::kFomaml: return internal::make_fomaml(config);
    case StrategyKind::kNone: return internal::make_none(config);
    case StrategyKind::kCentral: return internal::make_central(config);
  }
  return nullptr;
}

}  // namespace skink::rounds
