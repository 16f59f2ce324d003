#pragma once
/// @file
/// Maximum and global average pooling; average pooling is in channelwise.hpp. Orders and in-place rules:
/// all_kernels.hpp.

#include "skink/common/nn/kernels/activation.hpp"
#include "skink/common/nn/kernels/window.hpp"

namespace skink::nn::kernels {

/// Visits the cells of one window, rows then columns ascending; `x` is the channel's number on the first pixel.
template <class Cell, class Visit>
void for_each_cell(const LayerPlan& plan, const Window& window, Cell* x, const Visit& visit) noexcept {
  for (size_t row = 0; row < window.rows; ++row, x += size_t{plan.in.width} * plan.in.channels) {
    for (size_t k = 0; k < window.columns * plan.in.channels; k += plan.in.channels) visit(x[k]);
  }
}

/// Maximum over the taps inside the image, ascending: m = a > m ? a : m.
template <class Real>
Real window_maximum(const LayerPlan& plan, const Window& window, const Real* x) noexcept {
  using T = RealTraits<Real>;
  Real best = *x;
  for_each_cell(plan, window, x, [&best](const Real& cell) { best = T::select(T::greater(cell, best), cell, best); });
  return best;
}

/// y[oy][ox][c]: the maximum of the window of channel c, as window_maximum() computes it. x: plan.in; y: plan.out, must
/// not overlap x.
template <class Real>
void max_pool_forward(const LayerPlan& plan, const Real* x, Real* y) noexcept {
  for (size_t position = 0; position < size_t{plan.out.height} * plan.out.width; ++position) {
    const Window window = window_at(plan, position);
    const Real* first = x + window.pixel * plan.in.channels;
    for (size_t c = 0; c < plan.in.channels; ++c) *y++ = window_maximum(plan, window, first + c);
  }
}

/// The first maximum of a window takes its gradient, every other cell 0. The gradient replaces the window in place;
/// cells outside every window become 0.
template <class Real>
void max_pool_backward(const LayerPlan& plan, Real* x, const Real* d, Activation in_activation) noexcept {
  using T = RealTraits<Real>;
  const Real zero = T::broadcast(0.0F);
  for (size_t position = 0; position < size_t{plan.out.height} * plan.out.width; ++position) {
    const Window window = window_at(plan, position);
    Real* first = x + window.pixel * plan.in.channels;
    for (size_t c = 0; c < plan.in.channels; ++c) {
      const Real best = window_maximum(plan, window, static_cast<const Real*>(first) + c);
      const Real gradient = *d++;
      auto open = T::equal(zero, zero);
      for_each_cell(plan, window, first + c, [&](Real& cell) {
        const auto takes = T::both(open, T::equal(cell, best));
        open = T::both(open, T::invert(takes));
        cell = through_activation(in_activation, cell, T::select(takes, gradient, zero));
      });
    }
  }
  for (size_t iy = 0; iy < plan.in.height; ++iy) {
    for (size_t ix = 0; ix < plan.in.width; ++ix) {
      if (is_in_window(iy, plan.pad_top, plan.spec.stride_height, plan.spec.kernel_height, plan.out.height) &&
          is_in_window(ix, plan.pad_left, plan.spec.stride_width, plan.spec.kernel_width, plan.out.width)) {
        continue;
      }
      for (size_t c = 0; c < plan.in.channels; ++c) x[(iy * plan.in.width + ix) * plan.in.channels + c] = zero;
    }
  }
}

/// 1 / (positions of the image), rounded once.
inline float inverse_position_count(const LayerPlan& plan) noexcept {
  return 1.0F / static_cast<float>(size_t{plan.in.height} * plan.in.width);
}

/// y[c]: the sum over positions ascending (from 0) of x[position][c], times 1/positions. Source: Lin, Chen, Yan,
/// "Network In Network", arXiv:1312.4400, section 3.2.
template <class Real>
void global_average_pool_forward(const LayerPlan& plan, const Real* x, Real* y) noexcept {
  using T = RealTraits<Real>;
  const size_t channels = plan.in.channels;
  const Real inverse = T::broadcast(inverse_position_count(plan));
  for (size_t c = 0; c < channels; ++c) {
    y[c] = channel_sum(x, plan.in.size(), channels, c) * inverse;
  }
}

/// Each input takes d[c] * 1/positions.
template <class Real>
void global_average_pool_backward(const LayerPlan& plan, Real* x, const Real* d, Activation in_activation) noexcept {
  const size_t channels = plan.in.channels;
  const Real inverse = RealTraits<Real>::broadcast(inverse_position_count(plan));
  for (size_t c = 0; c < channels; ++c) {
    const Real gradient = d[c] * inverse;
    for (size_t i = c; i < plan.in.size(); i += channels) x[i] = through_activation(in_activation, x[i], gradient);
  }
}

}  // namespace skink::nn::kernels
