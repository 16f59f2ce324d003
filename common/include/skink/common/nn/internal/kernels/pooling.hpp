#pragma once
/// @file
/// Maximum and average pooling. Orders and in-place rules: kernels.hpp.

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

/// Visits the outputs of a pooling layer in their order in memory: visit(rows, columns, channel, output).
template <class Cell, class Visit>
void for_each_window(const LayerPlan& plan, Cell* y, const Visit& visit) noexcept {
  const LayerSpec& spec = plan.spec;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      for (size_t c = 0; c < plan.in.channels; ++c) visit(rows, columns, c, *y++);
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

/// 1 / (number of taps inside the image), rounded once.
inline float inverse_tap_count(const Taps& rows, const Taps& columns) noexcept {
  return 1.0F / static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin));
}

/// Sum over the taps inside the image (from 0, ky, kx ascending) times 1/count.
template <class Real>
void average_pool_forward(const LayerPlan& plan, const Real* x, Real* y) noexcept {
  using T = RealTraits<Real>;
  for_each_window(plan, y, [&](const Taps& rows, const Taps& columns, size_t c, Real& output) {
    Real sum = T::broadcast(0.0F);
    for_each_tap(plan, rows, columns, c, x, [&sum](const Real& cell, bool /*is_first*/) { sum += cell; });
    output = sum * T::broadcast(inverse_tap_count(rows, columns));
  });
}

/// Each input takes the sum over its windows (ky, kx ascending) of d * 1/count. Needs no x: any overlap works in place.
template <class Real>
void average_pool_backward(const LayerPlan& plan, Real* x, const Real* d, Activation in_activation) noexcept {
  using T = RealTraits<Real>;
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  for (size_t iy = 0; iy < plan.in.height; ++iy) {
    for (size_t ix = 0; ix < plan.in.width; ++ix) {
      for (size_t c = 0; c < channels; ++c) {
        Real sum = T::broadcast(0.0F);
        for (size_t ky = 0; ky < spec.kernel_height; ++ky) {
          size_t oy = 0;
          if (!output_of(iy, plan.pad_top, ky, spec.stride_height, plan.out.height, oy)) continue;
          const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
          for (size_t kx = 0; kx < spec.kernel_width; ++kx) {
            size_t ox = 0;
            if (!output_of(ix, plan.pad_left, kx, spec.stride_width, plan.out.width, ox)) continue;
            const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
            sum += d[(oy * plan.out.width + ox) * channels + c] * T::broadcast(inverse_tap_count(rows, columns));
          }
        }
        Real& cell = x[(iy * plan.in.width + ix) * channels + c];
        cell = through_activation(in_activation, cell, sum);
      }
    }
  }
}

}  // namespace skink::nn::internal
