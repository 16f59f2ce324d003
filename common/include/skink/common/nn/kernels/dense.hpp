#pragma once
/// @file
/// Dense layers. Orders and in-place rules: all_kernels.hpp.
///
/// Optimization: tiles hold the sums of several neurons, or the numbers of several inputs, in registers, so that what
/// they share is loaded once; a sum keeps its own order, so the tiles change no bit. On a Cortex-M4 a training step of
/// 64-32-10 took 31,751 instructions without and 22,377 with them (today's figures: docs/cycle-report.md).

#include "skink/common/nn/kernels/activation.hpp"
#include "skink/common/nn/kernels/unroll.hpp"

namespace skink::nn::kernels {

/// kRows neurons side by side: y[r] = b[r] + sum over i ascending of w[r][i] * x[i].
template <size_t kRows, class Real>
void dense_forward_rows(const Real* w, const Real* b, const Real* x, Real* y, size_t inputs) noexcept {
  Real sums[kRows];
  const Real* rows[kRows];
  SKINK_UNROLL
  for (size_t r = 0; r < kRows; ++r) {
    sums[r] = b[r];
    rows[r] = w + r * inputs;
  }
  size_t i = 0;
  for (; i + 4 <= inputs; i += 4) {
    SKINK_UNROLL
    for (size_t k = 0; k < 4; ++k) {
      const Real xi = x[i + k];
      SKINK_UNROLL
      for (size_t r = 0; r < kRows; ++r) sums[r] += rows[r][k] * xi;
    }
    SKINK_UNROLL
    for (size_t r = 0; r < kRows; ++r) rows[r] += 4;
  }
  for (; i < inputs; ++i) {
    const Real xi = x[i];
    SKINK_UNROLL
    for (size_t r = 0; r < kRows; ++r) sums[r] += *rows[r]++ * xi;
  }
  SKINK_UNROLL
  for (size_t r = 0; r < kRows; ++r) y[r] = sums[r];
}

/// y[o] = b[o] + sum over i ascending of w[o][i] * x[i].
template <class Real>
void dense_forward(const Real* w, const Real* b, const Real* x, Real* y, size_t inputs, size_t outputs) noexcept {
  size_t o = 0;
  if (inputs == 1) {
    SKINK_UNROLL_BY_4
    for (; o < outputs; ++o) y[o] = b[o] + w[o] * x[0];
    return;
  }
  for (; o + 8 <= outputs; o += 8) dense_forward_rows<8>(w + o * inputs, b + o, x, y + o, inputs);
  for (; o + 2 <= outputs; o += 2) dense_forward_rows<2>(w + o * inputs, b + o, x, y + o, inputs);
  if (o < outputs) dense_forward_rows<1>(w + o * inputs, b + o, x, y + o, inputs);
}

/// Columns [first, first + kTile) of a layer whose input gradient is wanted: the gradient of the inputs over x, and the
/// update of these columns, each weight taken into the gradient before it changes.
template <size_t kTile, class Real>
void dense_backward_tile(const Real* w, Real* x, const Real* d, size_t inputs, size_t outputs, size_t first,
                         const Update<Real>& update) noexcept {
  using T = RealTraits<Real>;
  Real sums[kTile];
  Real values[kTile];
  SKINK_UNROLL
  for (size_t c = 0; c < kTile; ++c) {
    sums[c] = T::broadcast(0.0F);
    values[c] = x[first + c];
  }
  const Real* row = w + first;
  if (update.weights == nullptr) {
    for (size_t o = 0; o < outputs; ++o, row += inputs) {
      SKINK_UNROLL
      for (size_t c = 0; c < kTile; ++c) sums[c] += row[c] * d[o];
    }
  } else if (update.weights == w) {  // online: the weight that was read is the one that changes
    Real* target = update.weights + first;
    const Real scale = update.scale;
    for (size_t o = 0; o < outputs; ++o, target += inputs) {
      const Real gradient = d[o];
      const Real g = scale * gradient;
      SKINK_UNROLL
      for (size_t c = 0; c < kTile; ++c) {
        const Real weight = target[c];
        sums[c] += weight * gradient;
        target[c] = weight + g * values[c];
      }
    }
  } else {
    Real* target = update.weights + first;
    for (size_t o = 0; o < outputs; ++o, row += inputs, target += inputs) {
      const Real g = update.scale * d[o];
      SKINK_UNROLL
      for (size_t c = 0; c < kTile; ++c) {
        sums[c] += row[c] * d[o];
        target[c] += g * values[c];
      }
    }
  }
  SKINK_UNROLL
  for (size_t c = 0; c < kTile; ++c) x[first + c] = through_activation(update.in_activation, values[c], sums[c]);
}

/// Columns [first, first + kTile) of a layer without an input gradient: target[o][i] += (scale * d[o]) * x[i].
template <size_t kTile, class Real>
void dense_update_tile(Real* target, const Real* x, const Real* d, size_t inputs, size_t outputs, Real scale) noexcept {
  Real values[kTile];
  SKINK_UNROLL
  for (size_t c = 0; c < kTile; ++c) values[c] = x[c];
  for (size_t o = 0; o < outputs; ++o, target += inputs) {
    const Real g = scale * d[o];
    SKINK_UNROLL
    for (size_t c = 0; c < kTile; ++c) target[c] += g * values[c];
  }
}

/// As dense_backward(), where the gradients of all outputs but two are 0, or of all: the hinge's. What has a gradient
/// of 0 adds products that are 0, and is left out: the inputs are finite where the loss is, and a weight that is not
/// finite makes the task diverge at its end, whatever else was computed (docs/arithmetic.md, section 7).
template <class Real>
void dense_backward_of_two(const Real* w, Real* x, const Real* d, size_t inputs, size_t outputs,
                           const Update<Real>& update) noexcept {
  size_t rows[2] = {0, 0};
  size_t found = 0;
  for (size_t o = 0; o < outputs; ++o) {
    if (d[o] != Real{}) rows[found++ & 1U] = o;
  }
  if (found == 0) {
    for (size_t i = 0; update.propagates && i < inputs; ++i)
      x[i] = through_activation(update.in_activation, x[i], Real{});
    return;
  }
  const Real low = d[rows[0]];
  const Real high = d[rows[1]];
  const Real* const low_row = w + rows[0] * inputs;
  const Real* const high_row = w + rows[1] * inputs;
  Real* const low_target = update.weights == nullptr ? nullptr : update.weights + rows[0] * inputs;
  Real* const high_target = update.weights == nullptr ? nullptr : update.weights + rows[1] * inputs;
  const Real low_step = update.scale * low;
  const Real high_step = update.scale * high;
  for (size_t i = 0; i < inputs; ++i) {
    const Real value = x[i];
    if (update.propagates) {
      const Real sum = low_row[i] * low + high_row[i] * high;
      x[i] = through_activation(update.in_activation, value, sum);
    }
    if (low_target == nullptr) continue;
    low_target[i] += low_step * value;
    high_target[i] += high_step * value;
  }
  if (update.bias == nullptr) return;
  update.bias[rows[0]] += low_step;
  update.bias[rows[1]] += high_step;
}

/// Backward pass of one sample, docs/arithmetic.md, section 6: with update.propagates x[i] becomes the gradient of
/// input i (sum over o ascending of w[o][i] * d[o], through update.in_activation); then w[o][i] += (scale * d[o]) *
/// x[i] and b[o] += scale * d[o], into the targets of `update`, with x as it was on entry.
///
/// @param[in]     w  [outputs][inputs]; may be update.weights (online).
/// @param[in,out] x  [inputs]
/// @param[in]     d  [outputs], the gradient of the outputs.
template <class Real>
void dense_backward(const Real* w, Real* x, const Real* d, size_t inputs, size_t outputs,
                    const Update<Real>& update) noexcept {
  if (update.propagates) {
    size_t i = 0;
    constexpr size_t kTile = kBackwardTile<Real>;
    for (; i + kTile <= inputs; i += kTile) dense_backward_tile<kTile>(w, x, d, inputs, outputs, i, update);
    for (; i < inputs; ++i) dense_backward_tile<1>(w, x, d, inputs, outputs, i, update);
  } else if (update.weights != nullptr && inputs == 1) {
    const Real input = x[0];
    SKINK_UNROLL_BY_4
    for (size_t o = 0; o < outputs; ++o) update.weights[o] += (update.scale * d[o]) * input;
  } else if (update.weights != nullptr) {
    size_t i = 0;
    constexpr size_t kTile = kUpdateTile<Real>;
    for (; i + kTile <= inputs; i += kTile) {
      dense_update_tile<kTile>(update.weights + i, x + i, d, inputs, outputs, update.scale);
    }
    for (; i < inputs; ++i) dense_update_tile<1>(update.weights + i, x + i, d, inputs, outputs, update.scale);
  }
  if (update.bias == nullptr) return;
  add_scaled(update.bias, d, update.scale, outputs);
}

}  // namespace skink::nn::kernels
