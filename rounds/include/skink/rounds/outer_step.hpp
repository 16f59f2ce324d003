#pragma once
/// @file
/// The outer step of Reptile: phi + epsilon * weighted mean of the changes. Nichol, Achiam, Schulman, arXiv:1803.02999,
/// Algorithm 2, in the fixed point of docs/arithmetic.md, section 8.

#include <cstdint>

#include "skink/common/nn/network.hpp"
#include "skink/common/span.hpp"

namespace skink::rounds {

/// Moves the trainable parameters; nothing when `total_weight` is 0.
///
/// @param[in]     epsilon       the meta learning rate of the round
/// @param[in]     sums          [P], weighted sum of the changes in units of 2^-36
/// @param[in]     total_weight  of these changes, below 2^20
/// @param[in,out] parameters    [P] float32
void outer_step(const nn::Network& network, double epsilon, Span<const std::int64_t> sums, std::uint32_t total_weight,
                Span<float> parameters);

}  // namespace skink::rounds
