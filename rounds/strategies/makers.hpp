#pragma once
/// @file
/// The classes behind make_strategy(), each in a file of its own. Their names and keys are in
/// host/experiment/strategies.cpp. Private to rounds.

#include <memory>

#include "skink/rounds/strategy.hpp"

namespace skink::rounds::internal {

using StrategyPointer = std::unique_ptr<Strategy>;

StrategyPointer make_tinyreptile(const MetaConfig& config);
StrategyPointer make_reptile(const MetaConfig& config);
StrategyPointer make_fedavg(const MetaConfig& config);
StrategyPointer make_fedprox(const MetaConfig& config);
StrategyPointer make_fedavgm(const MetaConfig& config);
StrategyPointer make_fedadam(const MetaConfig& config);
StrategyPointer make_fedyogi(const MetaConfig& config);
StrategyPointer make_fomaml(const MetaConfig& config);
StrategyPointer make_none(const MetaConfig& config);
StrategyPointer make_central(const MetaConfig& config);

}  // namespace skink::rounds::internal
