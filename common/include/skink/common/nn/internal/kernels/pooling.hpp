#pragma once
/// @file
/// Maximum and global average pooling; average pooling is in channelwise.hpp. Orders and in-place rules: kernels.hpp.

#include "skink/common/nn/internal/kernels/activation.hpp"
#include "skink/common/nn/internal/kernels/window.hpp"

namespace skink::nn::internal {

/// Visits the cells of x that one pooling window covers, channel `c`, rows then columns ascending: visit(cell,
/// is_first).
template <class Cell, class Visit>
void for_each_tap(const LayerPlan& plan, const Taps& rows, const Taps& columns, size_t c, Cell* x,
                  const Visit& visit) noexcept {
  for (size_t ky = rows.begin; ky < rows.end; ++ky) {
    for (size_t kx = columns.begin; kx < columns.end; ++kx) {
      const size_t iy = rows.origin + ky - plan.pad_top;
      const size_t ix = columns.origin + kx - plan.pad_left;
      visit(x[(iy * plan.in.width + ix) * plan.in.channels + c], ky == rows.begin && kx == columns.begin);
    }
  }
}

/// Maximum over the taps inside the image, ascending: m = a > m ? a : m.
template <class Real>
Real window_maximum(const LayerPlan& plan, const Taps& rows, const Taps& columns, size_t c, const Real* x) noexcept {
  using T = RealTraits<Real>;
  Real best{};
  for_each_tap(plan, rows, columns, c, x, [&best](const Real& cell, bool is_first) {
    best = is_first ? cell : T::select(T::greater(cell, best), cell, best);
  });
  return best;
}

template <class Real>
void max_pool_forward(const LayerPlan& plan, const Real* x, Real* y) noexcept {
  for_each_window(plan, y, [&](const Taps& rows, const Taps& columns, size_t c, Real& output) {
    output = window_maximum(plan, rows, columns, c, x);
  });
}

/// The first maximum of a window takes its gradient, every other cell 0. The gradient replaces the window in place;
/// cells outside every window become 0.
template <class Real>
void max_pool_backward(const LayerPlan& plan, Real* x, const Real* d, Activation in_activation) noexcept {
  using T = RealTraits<Real>;
  const Real zero = T::broadcast(0.0F);
  for_each_window(plan, d, [&](const Taps& rows, const Taps& columns, size_t c, const Real& gradient) {
    const Real best = window_maximum(plan, rows, columns, c, static_cast<const Real*>(x));
    auto open = T::equal(zero, zero);
    for_each_tap(plan, rows, columns, c, x, [&](Real& cell, bool /*is_first*/) {
      const auto takes = T::both(open, T::equal(cell, best));
      open = T::both(open, T::invert(takes));
      cell = through_activation(in_activation, cell, T::select(takes, gradient, zero));
    });
  });
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

}  // namespace skink::nn::internal
