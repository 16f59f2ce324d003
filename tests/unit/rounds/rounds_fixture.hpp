#pragma once
/// @file
/// The smallest network with a frozen parameter, and settings of an outer step.

#include <catch2/catch.hpp>

#include "skink/common/nn/network.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::test {

/// dense 2 -> 1 with a frozen bias: parameters 0, 1 trainable, 2 not.
inline nn::Network small_network() {
  nn::LayerSpec dense;
  dense.kind = nn::LayerKind::kDense;
  dense.units = 1;
  dense.train_bias = false;
  nn::Network network;
  nn::BuildError error;
  const Span<const nn::LayerSpec> layers(&dense, 1);
  REQUIRE(nn::Network::build({1, 1, 2}, layers, nn::Loss::kMeanSquaredError, network, error) == Status::kOk);
  return network;
}

/// Ten rounds; what only this strategy has is as its default.
/// @param[in] first, last  the meta learning rate of the first and of the last round
inline MetaConfig meta_config(StrategyKind kind, double first, double last) {
  MetaConfig meta;
  meta.strategy = kind;
  meta.rounds = 10;
  meta.inner_learning_rate = 0.02F;
  meta.passes = 3;
  meta.batch_size = 4;
  meta.meta_learning_rate = first;
  meta.meta_learning_rate_final = last;
  for (const StrategyKey& key : traits_of(kind).keys) meta.*key.value = key.fallback;
  return meta;
}

}  // namespace skink::test
