#pragma once
/// @file
/// What outer steps have in common: they go over the trainable parameters, one by one. Private to rounds.

#include <cstddef>

#include "skink/common/arithmetic/fixed_point.hpp"
#include "skink/rounds/strategy.hpp"

namespace skink::rounds::internal {

/// visit(place, e, mean) for every trainable parameter e, ascending: `place` counts them from 0, `mean` is the weighted
/// mean of the changes, in double.
template <class Visit>
void for_each_mean(const nn::Network& network, const RoundSum& round, const Visit& visit) {
  std::size_t place = 0;
  for (const nn::Tensor& tensor : network.tensors()) {
    if (!tensor.trainable) continue;
    for (std::size_t e = tensor.offset; e < tensor.offset + std::size_t{tensor.count}; ++e) {
      visit(place++, e, arithmetic::mean_of_fixed_point(round.sums[e], round.total_weight));
    }
  }
}

}  // namespace skink::rounds::internal
