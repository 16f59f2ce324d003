#pragma once
/// @file
/// Convolutions. Orders and in-place rules: all_kernels.hpp.

#include "skink/common/nn/kernels/activation.hpp"
#include "skink/common/nn/kernels/window.hpp"

namespace skink::nn::kernels {

/// kTile filters side by side at one position: y[f] = b[f] + sum over ky, kx, ci ascending of w[f][ky][kx][ci] *
/// x[iy][ix][ci], taps outside skipped.
template <size_t kTile, class Real>
void conv2d_forward_tile(const LayerPlan& plan, const Taps& rows, const Taps& columns, const Real* w, const Real* b,
                         const Real* x, Real* y) noexcept {
  const size_t channels = plan.in.channels;
  const size_t row_size = plan.spec.kernel_width * channels;
  const size_t filter_size = plan.spec.kernel_height * row_size;
  // Taps of one row are neighbours in x as in w: one run of (end - begin) * channels products.
  const size_t run = (columns.end - columns.begin) * channels;
  const size_t ix = columns.origin + columns.begin - plan.pad_left;
  Real sums[kTile];
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) sums[t] = b[t];
  for (size_t ky = rows.begin; ky < rows.end; ++ky) {
    const Real* pixels = x + ((rows.origin + ky - plan.pad_top) * plan.in.width + ix) * channels;
    const Real* weights = w + ky * row_size + columns.begin * channels;
    for (size_t k = 0; k < run; ++k) {
      const Real pixel = pixels[k];
      SKINK_UNROLL
      for (size_t t = 0; t < kTile; ++t) sums[t] += weights[t * filter_size + k] * pixel;
    }
  }
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) y[t] = sums[t];
}

/// Convolution (cross-correlation) of one sample: y[oy][ox][f] = b[f] + sum over ky, kx, ci ascending of
/// w[f][ky][kx][ci] * x[iy][ix][ci], taps outside the image skipped. x: plan.in; y: plan.out, must not overlap x.
template <class Real>
void conv2d_forward(const LayerPlan& plan, const Real* w, const Real* b, const Real* x, Real* y) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t filter_size = size_t{spec.kernel_height} * spec.kernel_width * plan.in.channels;
  constexpr size_t kTile = kConvolutionTile<Real>;
  for (size_t oy = 0; oy < plan.out.height; ++oy) {
    const Taps rows = taps_inside(oy, spec.stride_height, spec.kernel_height, plan.pad_top, plan.in.height);
    for (size_t ox = 0; ox < plan.out.width; ++ox, y += spec.units) {
      const Taps columns = taps_inside(ox, spec.stride_width, spec.kernel_width, plan.pad_left, plan.in.width);
      size_t f = 0;
      for (; f + kTile <= spec.units; f += kTile) {
        conv2d_forward_tile<kTile>(plan, rows, columns, w + f * filter_size, b + f, x, y + f);
      }
      for (; f < spec.units; ++f) conv2d_forward_tile<1>(plan, rows, columns, w + f * filter_size, b + f, x, y + f);
    }
  }
}

/// Where one weight of each filter is: tap (ky, kx) of channel ci.
struct FilterPlace {
  size_t ky;
  size_t kx;
  size_t ci;
};

/// Gradient of that weight of kTile filters: sum over output positions ascending of d[oy][ox][f] * x[iy][ix][ci].
template <size_t kTile, class Real>
void conv2d_weight_gradient(const LayerPlan& plan, const Real* x, const Real* d, const FilterPlace& place,
                            Real* gradients) noexcept {
  const LayerSpec& spec = plan.spec;
  const Outputs rows = outputs_with(place.ky, spec.stride_height, plan.pad_top, plan.in.height, plan.out.height);
  const Outputs columns = outputs_with(place.kx, spec.stride_width, plan.pad_left, plan.in.width, plan.out.width);
  const size_t step = spec.stride_width * size_t{plan.in.channels};
  Real sums[kTile];
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) sums[t] = RealTraits<Real>::broadcast(0.0F);
  for (size_t oy = rows.begin; oy < rows.end; ++oy) {
    const size_t iy = oy * spec.stride_height + place.ky - plan.pad_top;
    const size_t ix = columns.begin * spec.stride_width + place.kx - plan.pad_left;
    const Real* pixel = x + (iy * plan.in.width + ix) * plan.in.channels + place.ci;
    const Real* gradient = d + (oy * plan.out.width + columns.begin) * spec.units;
    for (size_t ox = columns.begin; ox < columns.end; ++ox, pixel += step, gradient += spec.units) {
      const Real input = *pixel;
      SKINK_UNROLL
      for (size_t t = 0; t < kTile; ++t) sums[t] += gradient[t] * input;
    }
  }
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) gradients[t] = sums[t];
}

/// The gradients of one weight of all filters: to `scratch` [filters][taps], or, where nothing else needs them, into
/// the weights at once.
template <class Real>
void conv2d_weights(const LayerPlan& plan, const Real* x, const Real* d, const FilterPlace& place, Real* scratch,
                    const Update<Real>& update) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t taps = size_t{spec.kernel_height} * spec.kernel_width;
  const size_t tap = place.ky * spec.kernel_width + place.kx;
  constexpr size_t kTile = kConvolutionTile<Real>;
  Real gradients[kTile];
  for (size_t f = 0; f < spec.units;) {
    const size_t count = f + kTile <= spec.units ? kTile : 1;
    if (count == kTile) {
      conv2d_weight_gradient<kTile>(plan, x, d + f, place, gradients);
    } else {
      conv2d_weight_gradient<1>(plan, x, d + f, place, gradients);
    }
    for (size_t t = 0; t < count; ++t, ++f) {
      if (update.propagates) {
        scratch[f * taps + tap] = gradients[t];
      } else {
        update.weights[(f * taps + tap) * plan.in.channels + place.ci] += update.scale * gradients[t];
      }
    }
  }
}

/// Gradient of kTile inputs of one channel, `stride_width` apart, that have the same taps: sum over ky, kx, f ascending
/// of w[f][ky][kx][ci] * d[oy][ox][f]. `cell` is the first input, `columns` the taps of its column.
template <size_t kTile, class Real>
void conv2d_input_gradient(const LayerPlan& plan, const Real* w, const Real* d, const Taps& rows, const Taps& columns,
                           Real* cell, Activation activation) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  const size_t filter_size = size_t{spec.kernel_height} * spec.kernel_width * channels;
  Real sums[kTile];
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) sums[t] = RealTraits<Real>::broadcast(0.0F);
  for (size_t ky = rows.begin; ky < rows.end; ky += spec.stride_height) {
    const size_t oy = strides_in<Real>(rows.origin - ky, spec.stride_height);
    for (size_t kx = columns.begin; kx < columns.end; kx += spec.stride_width) {
      const size_t ox = strides_in<Real>(columns.origin - kx, spec.stride_width);
      const Real* weight = w + (ky * spec.kernel_width + kx) * channels;
      const Real* gradients = d + (oy * plan.out.width + ox) * spec.units;
      for (size_t f = 0; f < spec.units; ++f, weight += filter_size) {
        const Real factor = *weight;
        SKINK_UNROLL
        for (size_t t = 0; t < kTile; ++t) sums[t] += factor * gradients[t * spec.units + f];
      }
    }
  }
  const size_t step = spec.stride_width * channels;
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) cell[t * step] = through_activation(activation, cell[t * step], sums[t]);
}

/// The same of `count` inputs, 1..kTile.
template <size_t kTile, class Real>
void conv2d_input_gradients(size_t count, const LayerPlan& plan, const Real* w, const Real* d, const Taps& rows,
                            const Taps& columns, Real* cell, Activation activation) noexcept {
  if constexpr (kTile > 1) {
    if (count < kTile) {
      conv2d_input_gradients<kTile - 1>(count, plan, w, d, rows, columns, cell, activation);
      return;
    }
  }
  conv2d_input_gradient<kTile>(plan, w, d, rows, columns, cell, activation);
}

/// The gradient of input channel ci, over x.
template <class Real>
void conv2d_inputs(const LayerPlan& plan, const Real* w, Real* x, const Real* d, size_t ci,
                   Activation activation) noexcept {
  const LayerSpec& spec = plan.spec;
  const size_t channels = plan.in.channels;
  const size_t stride = spec.stride_width;
  constexpr size_t kTile = kPixelTile<Real>;
  const auto taps_of = [&](size_t ix) {
    return taps_to_outputs<Real>(ix, plan.pad_left, stride, spec.kernel_width, plan.out.width);
  };
  for (size_t iy = 0; iy < plan.in.height; ++iy) {
    const Taps rows = taps_to_outputs<Real>(iy, plan.pad_top, spec.stride_height, spec.kernel_height, plan.out.height);
    // Side by side are inputs that are `stride` apart; one at a time, their order does not matter.
    const size_t step = kTile > 1 ? stride : 1;
    for (size_t first = 0; first < step && first < plan.in.width; ++first) {
      for (size_t ix = first; ix < plan.in.width;) {
        const Taps columns = taps_of(ix);
        const size_t most = kTile > 1 ? inputs_with<Real>(columns, stride, spec.kernel_width, plan.out.width) : 1;
        size_t count = 0;
        size_t next = ix;
        do {
          ++count;
          next += step;
        } while (count < kTile && next < plan.in.width && count < most);
        Real* cell = x + (iy * plan.in.width + ix) * channels + ci;
        conv2d_input_gradients<kTile>(count, plan, w + ci, d, rows, columns, cell, activation);
        ix = next;
      }
    }
  }
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
    for (size_t tap = 0; update.weights != nullptr && tap < taps; ++tap) {
      conv2d_weights(plan, x, d, {tap / spec.kernel_width, tap % spec.kernel_width, ci}, scratch, update);
    }
    if (!update.propagates) continue;
    conv2d_inputs(plan, w, x, d, ci, update.in_activation);
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

}  // namespace skink::nn::kernels
