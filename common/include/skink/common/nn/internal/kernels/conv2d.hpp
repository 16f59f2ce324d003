#pragma once
/// @file
/// Convolutions. Orders and in-place rules: kernels.hpp.

#include "skink/common/nn/internal/kernels/activation.hpp"
#include "skink/common/nn/internal/kernels/window.hpp"

namespace skink::nn::internal {

/// y[oy][ox][f] = b[f] + sum over ky, kx, ci ascending of w[f][ky][kx][ci] * x[iy][ix][ci], taps outside skipped.
template <class Real>
void conv2d_forward(const LayerPlan& plan, const Real* w, const Real* b, const Real* x, Real* y) noexcept {
  const size_t channels = plan.in.channels;
  const size_t filter_size = size_t{plan.spec.kernel_height} * plan.spec.kernel_width * channels;
  for (size_t position = 0; position < size_t{plan.out.height} * plan.out.width; ++position) {
    const Window window = window_at(plan, position);
    // Taps of one row are neighbours in x as in w: one run of products.
    const size_t run = window.columns * channels;
    const Real* filter = w + window.tap * channels;
    for (size_t f = 0; f < plan.spec.units; ++f, filter += filter_size) {
      Real sum = b[f];
      const Real* pixels = x + window.pixel * channels;
      const Real* weights = filter;
      for (size_t row = 0; row < window.rows; ++row) {
        for (size_t k = 0; k < run; ++k) sum += weights[k] * pixels[k];
        pixels += plan.in.width * channels;
        weights += plan.spec.kernel_width * channels;
      }
      *y++ = sum;
    }
  }
}

/// Gradient of one weight: sum over output positions ascending of d[oy][ox][f] * x[iy][ix][ci].
template <class Real>
Real conv2d_weight_gradient(const LayerPlan& plan, const Real* x, const Real* d, size_t f, size_t ky, size_t kx,
                            size_t ci) noexcept {
  const LayerSpec& spec = plan.spec;
  Real sum = RealTraits<Real>::broadcast(0.0F);
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const size_t iy = oy * spec.stride_height + ky - plan.pad_top;  // before the image it wraps around
    if (iy >= plan.in.height) continue;
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const size_t ix = ox * spec.stride_width + kx - plan.pad_left;
      if (ix >= plan.in.width) continue;
      sum += d[(oy * plan.out.width + ox) * spec.units + f] * x[(iy * plan.in.width + ix) * plan.in.channels + ci];
    }
  }
  return sum;
}

/// Gradient of one input: sum over ky, kx, f ascending of w[f][ky][kx][ci] * d[oy][ox][f].
template <class Real>
Real conv2d_input_gradient(const LayerPlan& plan, const Real* w, const Real* d, size_t iy, size_t ix,
                           size_t ci) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t filter_size = size_t{spec.kernel_height} * spec.kernel_width * plan.in.channels;
  Real sum = RealTraits<Real>::broadcast(0.0F);
  for (size_t ky = 0; ky < spec.kernel_height; ++ky) {
    size_t oy = 0;
    if (!output_of(iy, plan.pad_top, ky, spec.stride_height, plan.out.height, oy)) continue;
    for (size_t kx = 0; kx < spec.kernel_width; ++kx) {
      size_t ox = 0;
      if (!output_of(ix, plan.pad_left, kx, spec.stride_width, plan.out.width, ox)) continue;
      const Real* weights = w + (ky * spec.kernel_width + kx) * plan.in.channels + ci;
      const Real* gradients = d + (oy * plan.out.width + ox) * spec.units;
      for (size_t f = 0; f < spec.units; ++f) sum += weights[f * filter_size] * gradients[f];
    }
  }
  return sum;
}

/// Input channel by input channel: the gradient of the channel's weights into `scratch` (filters * taps numbers), the
/// gradient of the channel over x, then the update. Without an input gradient no scratch is needed.
template <class Real>
void conv2d_backward(const LayerPlan& plan, const Real* w, Real* x, const Real* d, Real* scratch,
                     const Update<Real>& update) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  const size_t taps = size_t{spec.kernel_height} * spec.kernel_width;
  for (size_t ci = 0; ci < channels; ++ci) {
    for (size_t f = 0; update.weights != nullptr && f < spec.units; ++f) {
      for (size_t tap = 0; tap < taps; ++tap) {
        const Real gradient =
            conv2d_weight_gradient(plan, x, d, f, tap / spec.kernel_width, tap % spec.kernel_width, ci);
        if (update.propagates) {
          scratch[f * taps + tap] = gradient;
        } else {
          update.weights[(f * taps + tap) * channels + ci] += update.scale * gradient;
        }
      }
    }
    if (!update.propagates) continue;
    for (size_t iy = 0; iy < plan.in.height; ++iy) {
      for (size_t ix = 0; ix < plan.in.width; ++ix) {
        Real& cell = x[(iy * plan.in.width + ix) * channels + ci];
        cell = through_activation(update.in_activation, cell, conv2d_input_gradient(plan, w, d, iy, ix, ci));
      }
    }
    for (size_t k = 0; update.weights != nullptr && k < spec.units * taps; ++k) {
      update.weights[k * channels + ci] += update.scale * scratch[k];
    }
  }
  for (size_t f = 0; update.bias != nullptr && f < spec.units; ++f) {
    Real sum = RealTraits<Real>::broadcast(0.0F);
    for (size_t position = 0; position < size_t{plan.out.height} * plan.out.width; ++position) {
      sum += d[position * spec.units + f];
    }
    update.bias[f] += update.scale * sum;
  }
}

}  // namespace skink::nn::internal
