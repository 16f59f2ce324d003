#pragma once
/// @file
/// Dense layers. Orders and in-place rules: kernels.hpp.

#include "skink/common/nn/internal/kernels/activation.hpp"

namespace skink::nn::internal {

/// y[o] = b[o] + sum over i ascending of w[o][i] * x[i].
template <class Real>
void dense_forward(const Real* w, const Real* b, const Real* x, Real* y, size_t inputs, size_t outputs) noexcept {
  size_t o = 0;
  // Optimization: four sums side by side share each x[i] and hide the adder's latency; each keeps its own order.
  for (; o + 4 <= outputs; o += 4) {
    const Real* row = w + o * inputs;
    Real s0 = b[o];
    Real s1 = b[o + 1];
    Real s2 = b[o + 2];
    Real s3 = b[o + 3];
    for (size_t i = 0; i < inputs; ++i) {
      const Real xi = x[i];
      s0 += row[i] * xi;
      s1 += row[inputs + i] * xi;
      s2 += row[2 * inputs + i] * xi;
      s3 += row[3 * inputs + i] * xi;
    }
    y[o] = s0;
    y[o + 1] = s1;
    y[o + 2] = s2;
    y[o + 3] = s3;
  }
  for (; o < outputs; ++o) {
    Real sum = b[o];
    for (size_t i = 0; i < inputs; ++i) sum += w[o * inputs + i] * x[i];
    y[o] = sum;
  }
}

/// One tile of dense_backward with an input gradient: columns [first, first + columns), columns <= kTile.
template <size_t kTile, class Real>
void dense_backward_tile(const Real* w, Real* x, const Real* d, size_t inputs, size_t outputs, size_t first,
                         const Update<Real>& update) noexcept {
  using T = RealTraits<Real>;
  Real sums[kTile];
  Real inputs_of_tile[kTile];
  for (size_t c = 0; c < kTile; ++c) {
    sums[c] = T::broadcast(0.0F);
    inputs_of_tile[c] = x[first + c];
  }
  for (size_t o = 0; o < outputs; ++o) {
    const Real* row = w + o * inputs + first;
    for (size_t c = 0; c < kTile; ++c) sums[c] += row[c] * d[o];
    if (update.weights == nullptr) continue;
    const Real g = update.scale * d[o];
    Real* target = update.weights + o * inputs + first;
    for (size_t c = 0; c < kTile; ++c) target[c] += g * inputs_of_tile[c];
  }
  for (size_t c = 0; c < kTile; ++c) {
    x[first + c] = through_activation(update.in_activation, inputs_of_tile[c], sums[c]);
  }
}

template <class Real>
void dense_backward(const Real* w, Real* x, const Real* d, size_t inputs, size_t outputs,
                    const Update<Real>& update) noexcept {
  if (update.propagates) {
    size_t i = 0;
    for (; i + 8 <= inputs; i += 8) dense_backward_tile<8>(w, x, d, inputs, outputs, i, update);
    for (; i < inputs; ++i) dense_backward_tile<1>(w, x, d, inputs, outputs, i, update);
  } else if (update.weights != nullptr) {
    for (size_t o = 0; o < outputs; ++o) {
      const Real g = update.scale * d[o];
      Real* target = update.weights + o * inputs;
      for (size_t i = 0; i < inputs; ++i) target[i] += g * x[i];
    }
  }
  if (update.bias == nullptr) return;
  for (size_t o = 0; o < outputs; ++o) update.bias[o] += update.scale * d[o];
}

}  // namespace skink::nn::internal
