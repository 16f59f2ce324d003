#pragma once
/// @file
/// Losses. Orders and in-place rules: all_kernels.hpp.

#include "skink/common/nn/kernels/activation.hpp"

namespace skink::nn::kernels {

/// Softmax cross-entropy over z[count], label in `label` (a whole number as Real). Replaces z by the gradient; returns
/// the loss log(sum) - (z[label] - max).
template <class Real>
Real softmax_cross_entropy(Real* z, size_t count, Real label) noexcept {
  using T = RealTraits<Real>;
  Real maximum = z[0];
  for (size_t o = 1; o < count; ++o) maximum = T::select(T::greater(z[o], maximum), z[o], maximum);
  Real sum = T::broadcast(0.0F);
  Real labelled = T::broadcast(0.0F);
  for (size_t o = 0; o < count; ++o) {
    const Real shifted = z[o] - maximum;
    labelled = T::select(T::equal(label, T::broadcast(static_cast<float>(o))), shifted, labelled);
    z[o] = Elementary<Real>::exp(shifted);
    sum += z[o];
  }
  for (size_t o = 0; o < count; ++o) {
    const auto is_label = T::equal(label, T::broadcast(static_cast<float>(o)));
    z[o] = z[o] / sum - T::select(is_label, T::broadcast(1.0F), T::broadcast(0.0F));
  }
  return Elementary<Real>::log(sum) - labelled;
}

/// Multi-class hinge of Crammer and Singer over z[count], label as above: 1 plus what the greatest of the other outputs
/// is above the label's, or 0. Replaces z by the gradient: -1 for the label, 1 for that output, 0 for the others.
template <class Real>
Real multiclass_hinge(Real* z, size_t count, Real label) noexcept {
  using T = RealTraits<Real>;
  const Real zero = T::broadcast(0.0F);
  const Real one = T::broadcast(1.0F);
  const auto is_first = T::equal(label, zero);
  Real rival = T::select(is_first, z[1], z[0]);
  Real rival_index = T::select(is_first, one, zero);
  Real labelled = T::select(is_first, z[0], zero);
  for (size_t o = 1; o < count; ++o) {
    const Real index = T::broadcast(static_cast<float>(o));
    const auto is_label = T::equal(label, index);
    const auto is_greater = T::both(T::invert(is_label), T::greater(z[o], rival));
    rival = T::select(is_greater, z[o], rival);
    rival_index = T::select(is_greater, index, rival_index);
    labelled = T::select(is_label, z[o], labelled);
  }
  const Real margin = one + (rival - labelled);
  const auto is_active = T::greater(margin, zero);
  for (size_t o = 0; o < count; ++o) {
    const Real index = T::broadcast(static_cast<float>(o));
    const Real of_label = T::select(T::equal(label, index), zero - one, zero);
    z[o] = T::select(is_active, T::select(T::equal(rival_index, index), one, of_label), zero);
  }
  return T::select(is_active, margin, zero * margin);
}

/// Mean over the outputs of (z - target)^2. Replaces z by the gradient before the output activation.
template <class Real, class Target>
Real mean_squared_error(Real* z, size_t count, const Target& target, Activation activation) noexcept {
  using T = RealTraits<Real>;
  const Real inverse = T::broadcast(1.0F / static_cast<float>(count));
  Real sum = T::broadcast(0.0F);
  for (size_t o = 0; o < count; ++o) {
    const Real residual = z[o] - target(o);
    sum += residual * residual;
    z[o] = through_activation(activation, z[o], (residual + residual) * inverse);
  }
  return sum * inverse;
}

}  // namespace skink::nn::kernels
