#include "skink/rounds/strategy.hpp"

#include <algorithm>

namespace skink::rounds {
namespace {

/// e0 + (e1 - e0) * (t / T), in double.
double annealed(const MetaConfig& config, std::uint32_t round) {
  const double part = static_cast<double>(round) / static_cast<double>(config.rounds);
  return config.meta_learning_rate + (config.meta_learning_rate_final - config.meta_learning_rate) * part;
}

class TinyReptile final : public Strategy {
 public:
  explicit TinyReptile(const MetaConfig& config) : config_(config) {}
  InnerLoop inner_loop() const override { return {config_.inner_learning_rate, config_.passes, 1}; }
  double meta_learning_rate(std::uint32_t round) const override { return annealed(config_, round); }
  std::uint32_t aggregation_weight(std::uint32_t /*support_samples*/) const override { return 1; }

 private:
  MetaConfig config_;
};

class Reptile final : public Strategy {
 public:
  explicit Reptile(const MetaConfig& config) : config_(config) {}
  InnerLoop inner_loop() const override { return {config_.inner_learning_rate, config_.passes, config_.batch_size}; }
  double meta_learning_rate(std::uint32_t round) const override { return annealed(config_, round); }
  std::uint32_t aggregation_weight(std::uint32_t /*support_samples*/) const override { return 1; }

 private:
  MetaConfig config_;
};

class FedAvg final : public Strategy {
 public:
  explicit FedAvg(const MetaConfig& config) : config_(config) {}
  InnerLoop inner_loop() const override { return {config_.inner_learning_rate, config_.passes, config_.batch_size}; }
  double meta_learning_rate(std::uint32_t round) const override { return annealed(config_, round); }
  std::uint32_t aggregation_weight(std::uint32_t support_samples) const override {
    return std::max<std::uint32_t>(1, support_samples);
  }

 private:
  MetaConfig config_;
};

}  // namespace

std::unique_ptr<Strategy> make_strategy(const MetaConfig& config) {
  switch (config.strategy) {
    case StrategyKind::kTinyReptile: return std::make_unique<TinyReptile>(config);
    case StrategyKind::kReptile: return std::make_unique<Reptile>(config);
    case StrategyKind::kFedAvg: return std::make_unique<FedAvg>(config);
  }
  return nullptr;
}

}  // namespace skink::rounds
