#pragma once
/// @file
/// Windows over one channel at a time: depthwise convolution, and average pooling, which is the same with the weight
/// 1/(taps inside the image) and no bias. Orders and in-place rules: all_kernels.hpp. Source of the first: Howard et
/// al., "MobileNets", arXiv:1704.04861, section 3.1.

#include "skink/common/nn/kernels/activation.hpp"
#include "skink/common/nn/kernels/window.hpp"

namespace skink::nn::kernels {

/// 1 / (number of taps inside the image), rounded once.
inline float inverse_tap_count(size_t rows, size_t columns) noexcept {
  return 1.0F / static_cast<float>(rows * columns);
}

/// y[oy][ox][c] = b[c] + sum over ky, kx ascending of w[ky][kx][c] * x[iy][ix][c], taps outside skipped. Without
/// weights the sum of the taps, from 0, times 1/count.
template <class Real>
void channelwise_forward(const LayerPlan& plan, const Real* w, const Real* b, const Real* x, Real* y) noexcept {
  using T = RealTraits<Real>;
  const size_t channels = plan.in.channels;
  for (size_t position = 0; position < size_t{plan.out.height} * plan.out.width; ++position) {
    const Window window = window_at(plan, position);
    for (size_t c = 0; c < channels; ++c) {
      Real sum = w == nullptr ? T::broadcast(0.0F) : b[c];
      for (size_t row = 0; row < window.rows; ++row) {
        const Real* pixels = x + (window.pixel + row * plan.in.width) * channels + c;
        const size_t tap = (window.tap + row * plan.spec.kernel_width) * channels + c;
        for (size_t k = 0; k < window.columns * channels; k += channels) {
          sum += w == nullptr ? pixels[k] : w[tap + k] * pixels[k];
        }
      }
      *y++ = w == nullptr ? sum * T::broadcast(inverse_tap_count(window.rows, window.columns)) : sum;
    }
  }
}

/// Gradient of one input: sum over ky, kx ascending of w[ky][kx][c] * d[oy][ox][c], without weights of
/// d[oy][ox][c] * 1/count.
template <class Real>
Real channelwise_input_gradient(const LayerPlan& plan, const Real* w, const Real* d, size_t iy, size_t ix,
                                size_t c) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  Real sum = RealTraits<Real>::broadcast(0.0F);
  for (size_t ky = 0; ky < spec.kernel_height; ++ky) {
    size_t oy = 0;
    if (!output_of(iy, plan.pad_top, ky, spec.stride_height, plan.out.height, oy)) continue;
    for (size_t kx = 0; kx < spec.kernel_width; ++kx) {
      size_t ox = 0;
      if (!output_of(ix, plan.pad_left, kx, spec.stride_width, plan.out.width, ox)) continue;
      Real factor{};
      if (w != nullptr) {
        factor = w[(ky * spec.kernel_width + kx) * channels + c];
      } else {  // window_at() would do, but divides
        const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
        const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
        factor = RealTraits<Real>::broadcast(inverse_tap_count(rows.end - rows.begin, columns.end - columns.begin));
      }
      sum += factor * d[(oy * plan.out.width + ox) * channels + c];
    }
  }
  return sum;
}

/// Gradient of one weight: sum over output positions ascending of d[oy][ox][c] * x[iy][ix][c].
template <class Real>
Real depthwise_weight_gradient(const LayerPlan& plan, const Real* x, const Real* d, size_t ky, size_t kx,
                               size_t c) noexcept {
  const size_t channels = plan.in.channels;
  Real sum = RealTraits<Real>::broadcast(0.0F);
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const size_t iy = oy * plan.spec.stride_height + ky - plan.pad_top;  // above the image it wraps around
    for (size_t ox = 0; iy < plan.in.height && ox < plan.out.width; ++ox) {
      const size_t ix = ox * plan.spec.stride_width + kx - plan.pad_left;
      if (ix >= plan.in.width) continue;
      sum += d[(oy * plan.out.width + ox) * channels + c] * x[(iy * plan.in.width + ix) * channels + c];
    }
  }
  return sum;
}

/// Channel by channel: the gradient of the channel's weights into `scratch` (kernel_height * kernel_width numbers), the
/// gradient of the channel over x, then the update. Without an input gradient no scratch is needed, nor for average
/// pooling. `w` is null for it, and nothing is updated.
template <class Real>
void channelwise_backward(const LayerPlan& plan, const Real* w, Real* x, const Real* d, Real* scratch,
                          const Update<Real>& update) noexcept {
  const size_t channels = plan.in.channels;
  const size_t kernel_width = plan.spec.kernel_width;
  const size_t taps = w == nullptr || update.weights == nullptr ? 0 : plan.spec.kernel_height * kernel_width;
  for (size_t c = 0; c < channels; ++c) {
    for (size_t tap = 0; tap < taps; ++tap) {
      const Real gradient = depthwise_weight_gradient(plan, x, d, tap / kernel_width, tap % kernel_width, c);
      if (update.propagates) {
        scratch[tap] = gradient;
      } else {
        update.weights[tap * channels + c] += update.scale * gradient;
      }
    }
    if (update.propagates) {
      for (size_t iy = 0; iy < plan.in.height; ++iy) {
        for (size_t ix = 0; ix < plan.in.width; ++ix) {
          Real& cell = x[(iy * plan.in.width + ix) * channels + c];
          cell = through_activation(update.in_activation, cell, channelwise_input_gradient(plan, w, d, iy, ix, c));
        }
      }
      for (size_t tap = 0; tap < taps; ++tap) update.weights[tap * channels + c] += update.scale * scratch[tap];
    }
    if (w != nullptr && update.bias != nullptr)
      update.bias[c] += update.scale * channel_sum(d, plan.out.size(), channels, c);
  }
}

}  // namespace skink::nn::kernels
