#pragma once
/// @file
/// Activations, and what every backward kernel is told. Orders and in-place rules: all_kernels.hpp.

#include <stddef.h>

#include "skink/common/arithmetic/elementary_templates.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/nn/kernels/unroll.hpp"
#include "skink/common/nn/network.hpp"

namespace skink::nn::kernels {

using arithmetic::RealTraits;

/// exp, log and tanh of a kernel: docs/arithmetic.md, section 3. Tests specialise it to check gradients in double.
template <class Real>
struct Elementary {
  /// Domains and errors: arithmetic/elementary_templates.hpp.
  static Real exp(Real x) noexcept { return arithmetic::generic::exp(x); }
  static Real log(Real x) noexcept { return arithmetic::generic::log(x); }
  static Real tanh(Real x) noexcept { return arithmetic::generic::tanh(x); }
};

/// What one backward kernel does. `scale` is the factor of every update.
template <class Real>
struct Update {
  Real* weights = nullptr;  ///< where weight updates go; null: frozen
  Real* bias = nullptr;     ///< where bias updates go; null: frozen
  Real scale{};
  bool propagates = false;  ///< write the input gradient over x
  Activation in_activation = Activation::kNone;
};

/// The gradient before the activation that produced `value`, given the gradient after it: relu `value > 0 ? g : 0`,
/// tanh g * (1 - value^2), none g.
template <class Real>
Real through_activation(Activation activation, Real value, Real gradient) noexcept {
  using T = RealTraits<Real>;
  if (activation == Activation::kRelu) {
    return T::select(T::greater(value, T::broadcast(0.0F)), gradient, T::broadcast(0.0F));
  }
  if (activation == Activation::kTanh) return gradient * (T::broadcast(1.0F) - value * value);
  return gradient;
}

/// values[i] = tanh(values[i]) for kTanh, else max(values[i], 0) as `v > 0 ? v : 0`; in place. kNone must not be
/// passed.
template <class Real>
void activate(Activation activation, Real* values, size_t count) noexcept {
  using T = RealTraits<Real>;
  if (activation == Activation::kTanh) {
    for (size_t i = 0; i < count; ++i) values[i] = Elementary<Real>::tanh(values[i]);
    return;
  }
  const Real zero = T::broadcast(0.0F);
  SKINK_UNROLL_BY_4
  for (size_t i = 0; i < count; ++i) values[i] = T::select(T::greater(values[i], zero), values[i], zero);
}

/// Sum of channel c of d[size / channels][channels] from 0, positions ascending: the gradient of a bias.
template <class Real>
Real channel_sum(const Real* d, size_t size, size_t channels, size_t c) noexcept {
  Real sum = RealTraits<Real>::broadcast(0.0F);
  for (size_t i = c; i < size; i += channels) sum += d[i];
  return sum;
}

/// target[i] += scale * d[i], the update of a bias.
template <class Real>
void add_scaled(Real* target, const Real* d, Real scale, size_t count) noexcept {
  SKINK_UNROLL_BY_4
  for (size_t i = 0; i < count; ++i) target[i] += scale * d[i];
}

}  // namespace skink::nn::kernels
