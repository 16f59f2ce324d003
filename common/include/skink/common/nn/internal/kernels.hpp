#pragma once
/// @file
/// The kernels, over the number type. Every sum has one written order (docs/arithmetic.md, section 6): it starts from
/// the bias or from 0 and takes its terms in ascending order; nothing here may split or reorder a sum.
///
/// Backward passes work in place: on entry `x` holds a layer's inputs and `d` the loss gradient of its outputs; on exit
/// `x` holds the gradient of the inputs. That is possible because the gradient of input i and the update of the weights
/// that touch input i need nothing of the other inputs; it gives the bits of "the whole input gradient first, then the
/// update", because column i of the weights enters both before it changes.
///
/// Updates are written as target += (scale * d) * x: online SGD passes the parameters themselves and scale = -alpha,
/// a mini-batch passes the gradient buffer and scale = 1. Include from .cpp files only.

#include <stddef.h>

#include "skink/common/arithmetic/internal/elementary_templates.hpp"
#include "skink/common/arithmetic/real.hpp"
#include "skink/common/nn/network.hpp"

namespace skink::nn::internal {

using arithmetic::RealTraits;

/// exp, log and tanh of a kernel. Tests specialise it to check gradients in double.
template <class Real>
struct Elementary {
  static Real exp(Real x) noexcept { return arithmetic::internal::exp(x); }
  static Real log(Real x) noexcept { return arithmetic::internal::log(x); }
  static Real tanh(Real x) noexcept { return arithmetic::internal::tanh(x); }
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

/// The gradient before the activation that produced `value`, given the gradient after it.
template <class Real>
Real through_activation(Activation activation, Real value, Real gradient) noexcept {
  using T = RealTraits<Real>;
  if (activation == Activation::kRelu) {
    return T::select(T::greater(value, T::broadcast(0.0F)), gradient, T::broadcast(0.0F));
  }
  if (activation == Activation::kTanh) return gradient * (T::broadcast(1.0F) - value * value);
  return gradient;
}

template <class Real>
void activate(Activation activation, Real* values, size_t count) noexcept {
  using T = RealTraits<Real>;
  for (size_t i = 0; i < count; ++i) {
    values[i] = activation == Activation::kTanh
                    ? Elementary<Real>::tanh(values[i])
                    : T::select(T::greater(values[i], T::broadcast(0.0F)), values[i], T::broadcast(0.0F));
  }
}

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

/// The input cells [begin, end) of one kernel axis that lie inside the image, for the output at `out`.
struct Taps {
  size_t begin;
  size_t end;
  size_t origin;  ///< input coordinate of tap t is origin + t - pad, never negative for t in [begin, end)
};

inline Taps taps_inside(size_t out, size_t stride, size_t kernel, size_t pad, size_t in) noexcept {
  const size_t origin = out * stride;
  const size_t begin = origin < pad ? pad - origin : 0;
  const size_t limit = in + pad - origin;  // the first tap beyond the image; origin < in + pad always
  return {begin, limit < kernel ? limit : kernel, origin};
}

/// y[oy][ox][f] = b[f] + sum over ky, kx, ci ascending of w[f][ky][kx][ci] * x[iy][ix][ci], taps outside skipped.
template <class Real>
void conv2d_forward(const LayerPlan& plan, const Real* w, const Real* b, const Real* x, Real* y) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  const size_t taps = size_t{spec.kernel_height} * spec.kernel_width;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      for (size_t f = 0; f < spec.units; ++f) {
        Real sum = b[f];
        for (size_t ky = rows.begin; ky < rows.end; ++ky) {
          const size_t iy = rows.origin + ky - plan.pad_top;
          // Taps of one row are neighbours in x as in w: one run of (end - begin) * channels products.
          const size_t ix = columns.origin + columns.begin - plan.pad_left;
          const Real* pixels = x + (iy * plan.in.width + ix) * channels;
          const Real* weights = w + (f * taps + ky * spec.kernel_width + columns.begin) * channels;
          const size_t run = (columns.end - columns.begin) * channels;
          for (size_t k = 0; k < run; ++k) sum += weights[k] * pixels[k];
        }
        *y++ = sum;
      }
    }
  }
}

/// The outputs [begin, end) along one axis for which input + pad - out * stride is the tap `tap`: at most one, `out`.
inline bool output_of(size_t input, size_t pad, size_t tap, size_t stride, size_t outputs, size_t& out) noexcept {
  if (input + pad < tap) return false;
  const size_t distance = input + pad - tap;
  out = distance / stride;
  return distance % stride == 0 && out < outputs;
}

/// Gradient of one weight: sum over output positions ascending of d[oy][ox][f] * x[iy][ix][ci].
template <class Real>
Real conv2d_weight_gradient(const LayerPlan& plan, const Real* x, const Real* d, size_t f, size_t ky, size_t kx,
                            size_t ci) noexcept {
  const LayerSpec& spec = plan.spec;
  Real sum = RealTraits<Real>::broadcast(0.0F);
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const size_t y = oy * spec.stride_height + ky;
    if (y < plan.pad_top || y - plan.pad_top >= plan.in.height) continue;
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const size_t column = ox * spec.stride_width + kx;
      if (column < plan.pad_left || column - plan.pad_left >= plan.in.width) continue;
      const size_t pixel = (y - plan.pad_top) * plan.in.width + (column - plan.pad_left);
      sum += d[(oy * plan.out.width + ox) * spec.units + f] * x[pixel * plan.in.channels + ci];
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

/// Maximum over the taps inside the image, ascending: m = a > m ? a : m.
template <class Real>
void max_pool_forward(const LayerPlan& plan, const Real* x, Real* y) noexcept {
  using T = RealTraits<Real>;
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      for (size_t c = 0; c < channels; ++c) {
        Real best{};
        for (size_t ky = rows.begin; ky < rows.end; ++ky) {
          for (size_t kx = columns.begin; kx < columns.end; ++kx) {
            const size_t iy = rows.origin + ky - plan.pad_top;
            const size_t ix = columns.origin + kx - plan.pad_left;
            const Real value = x[(iy * plan.in.width + ix) * channels + c];
            const bool is_first = ky == rows.begin && kx == columns.begin;
            best = is_first ? value : T::select(T::greater(value, best), value, best);
          }
        }
        *y++ = best;
      }
    }
  }
}

/// The window that input coordinate `in` lies in, if any; windows do not overlap.
inline bool window_of(size_t in, size_t pad, size_t stride, size_t kernel, size_t outputs, size_t& out) noexcept {
  out = (in + pad) / stride;
  return out < outputs && (in + pad) % stride < kernel;
}

/// The first maximum of a window takes its gradient, every other cell 0. The gradient replaces the window in place;
/// cells outside every window become 0.
template <class Real>
void max_pool_backward(const LayerPlan& plan, Real* x, const Real* d, Activation in_activation) noexcept {
  using T = RealTraits<Real>;
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      for (size_t c = 0; c < channels; ++c) {
        const Real gradient = d[(oy * plan.out.width + ox) * channels + c];
        Real best{};
        for (int phase = 0; phase < 2; ++phase) {  // 0: find the maximum, 1: write the gradient
          auto open = T::equal(T::broadcast(0.0F), T::broadcast(0.0F));
          for (size_t ky = rows.begin; ky < rows.end; ++ky) {
            for (size_t kx = columns.begin; kx < columns.end; ++kx) {
              const size_t iy = rows.origin + ky - plan.pad_top;
              const size_t ix = columns.origin + kx - plan.pad_left;
              Real& cell = x[(iy * plan.in.width + ix) * channels + c];
              if (phase == 0) {
                const bool is_first = ky == rows.begin && kx == columns.begin;
                best = is_first ? cell : T::select(T::greater(cell, best), cell, best);
                continue;
              }
              const auto takes = T::both(open, T::equal(cell, best));
              open = T::both(open, T::invert(takes));
              const Real share = T::select(takes, gradient, T::broadcast(0.0F));
              cell = through_activation(in_activation, cell, share);
            }
          }
        }
      }
    }
  }
  for (size_t iy = 0; iy < plan.in.height; ++iy) {
    for (size_t ix = 0; ix < plan.in.width; ++ix) {
      size_t unused = 0;
      if (window_of(iy, plan.pad_top, spec.stride_height, spec.kernel_height, plan.out.height, unused) &&
          window_of(ix, plan.pad_left, spec.stride_width, spec.kernel_width, plan.out.width, unused)) {
        continue;
      }
      for (size_t c = 0; c < channels; ++c) x[(iy * plan.in.width + ix) * channels + c] = T::broadcast(0.0F);
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
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      const Real inverse = T::broadcast(inverse_tap_count(rows, columns));
      for (size_t c = 0; c < channels; ++c) {
        Real sum = T::broadcast(0.0F);
        for (size_t ky = rows.begin; ky < rows.end; ++ky) {
          for (size_t kx = columns.begin; kx < columns.end; ++kx) {
            const size_t iy = rows.origin + ky - plan.pad_top;
            const size_t ix = columns.origin + kx - plan.pad_left;
            sum += x[(iy * plan.in.width + ix) * channels + c];
          }
        }
        *y++ = sum * inverse;
      }
    }
  }
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

}  // namespace skink::nn::internal
