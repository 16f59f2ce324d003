#pragma once
/// @file
/// conv2d with neuron lanes: the lanes are neighbouring filters on the way forward and in the gradients of weights, and
/// neighbouring input channels in the gradient of inputs. Every sum keeps its order (docs/arithmetic.md, section 6);
/// what runs side by side are positions and taps, which hide the latency of its additions. Included like pack.hpp.
///
/// Inputs are copied into a frame of zeros, so that every window is whole. Products with the frame add zeros, as
/// skipped inputs do (neuron_lanes.hpp). Vectors of a row of numbers that does not fill whole ones overlap at its end;
/// a row that is shorter than a vector spills into the next one, which is written later.

#include "neuron_layout.hpp"
#include "pack_sums.hpp"
#include "skink/common/nn/kernels/activation.hpp"

namespace skink::simulations::SKINK_ISA {

static inline Pack load_pack(const float* from) noexcept {
  Pack pack;
  memcpy(&pack, from, sizeof pack);
  return pack;
}

static inline void store_pack(Pack pack, float* to) noexcept { memcpy(to, &pack, sizeof pack); }

/// A convolution, and its part of the scratch memory.
struct Convolution {
  explicit Convolution(const NeuronLayer& of, Pack* scratch) noexcept
      : layer(of),
        spec(of.plan.spec),
        channels(of.plan.in.channels),
        filters(of.plan.spec.units),
        row(of.frame_width * channels),
        run(spec.kernel_width * channels),
        input(reinterpret_cast<float*>(scratch)),
        gradients(packs(input + of.frame_size)),
        transposed(gradients + of.gradient_size() / kLanes),
        sums(transposed + of.transposed_size() / kLanes) {}

  const NeuronLayer& layer;
  const nn::LayerSpec& spec;
  size_t channels;
  size_t filters;
  size_t row;        ///< numbers of a row of the framed input
  size_t run;        ///< numbers of a row of a window, which are neighbours there
  float* input;      ///< [frame_height][frame_width][channels]
  Pack* gradients;   ///< of the weights: [taps][channels][padded_filters]
  Pack* transposed;  ///< weights: [taps][filters][padded_channels]
  Pack* sums;        ///< of the input gradient: [frame_height][frame_width][padded_channels]

  size_t filter_vectors() const noexcept { return layer.padded_filters / kLanes; }
  size_t channel_vectors() const noexcept { return layer.padded_channels / kLanes; }
  /// Where vector v of a row of `count` numbers begins.
  static size_t begin_of(size_t v, size_t count) noexcept {
    if (count < size_t{kLanes}) return 0;
    return (v + 1) * kLanes <= count ? v * kLanes : count - kLanes;
  }
};

/// Vectors that a kernel works on side by side, at most.
inline constexpr size_t kMostSums = 8;

template <size_t kTile>
struct Tile {
  static constexpr size_t kSize = kTile;
};

/// Calls work(Tile<size>{}). size: 1..kTile.
template <size_t kTile, class Work>
[[gnu::always_inline]] inline void with_tile(size_t size, const Work& work) noexcept {
  if constexpr (kTile > 1) {
    if (size < kTile) {
      with_tile<kTile - 1>(size, work);
      return;
    }
  }
  work(Tile<kTile>{});
}

/// Covers [0, count) with tiles of nearly the same size: work(tile, first).
template <class Work>
[[gnu::always_inline]] inline void for_each_tile(size_t count, const Work& work) noexcept {
  const size_t tiles = (count + kMostSums - 1) / kMostSums;
  for (size_t tile = 0, first = 0; tile < tiles; ++tile) {
    const size_t size = (count - first + tiles - tile - 1) / (tiles - tile);
    with_tile<kMostSums>(size, [&](auto sums) { work(sums, first); });
    first += size;
  }
}

static void frame_input(const Convolution& conv, const float* x) noexcept {
  const nn::LayerPlan& plan = conv.layer.plan;
  const size_t row = size_t{plan.in.width} * conv.channels;
  memset(conv.input, 0, conv.layer.frame_size * sizeof(float));
  float* to = conv.input + plan.pad_top * conv.row + plan.pad_left * conv.channels;
  for (size_t iy = 0; iy < plan.in.height; ++iy) memcpy(to + iy * conv.row, x + iy * row, row * sizeof(float));
}

/// Filters from f on at kTile positions of a row: y = b + sum over ky, kx, ci ascending of w * x.
template <size_t kTile>
void convolve_tile(const Convolution& conv, const float* w, const float* b, const float* window, size_t f,
                   float* y) noexcept {
  const size_t step = conv.spec.stride_width * conv.channels;
  Pack sums[kTile];
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) sums[t] = load_pack(b + f);
  const float* weights = w + f;
  for (size_t ky = 0; ky < conv.spec.kernel_height; ++ky, window += conv.row) {
    for (size_t k = 0; k < conv.run; ++k, weights += conv.layer.padded_filters) {
      const Pack weight = load_pack(weights);
      SKINK_UNROLL
      for (size_t t = 0; t < kTile; ++t) sums[t] += weight * Traits::broadcast(window[t * step + k]);
    }
  }
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) store_pack(sums[t], y + t * conv.filters + f);
}

/// y: [positions][filters], and room for a vector.
static void convolve_forward(const NeuronLayer& layer, const float* image, const float* x, float* y,
                             Pack* scratch) noexcept {
  const Convolution conv(layer, scratch);
  frame_input(conv, x);
  const size_t step = conv.spec.stride_width * conv.channels;
  for (size_t oy = 0; oy < layer.plan.out.height; ++oy) {
    const float* window = conv.input + oy * conv.spec.stride_height * conv.row;
    for_each_tile(layer.plan.out.width, [&](auto tile, size_t ox) {
      for (size_t v = 0; v < conv.filter_vectors(); ++v) {
        convolve_tile<decltype(tile)::kSize>(conv, image + layer.columns, image + layer.bias, window + ox * step,
                                             Convolution::begin_of(v, conv.filters), y + ox * conv.filters);
      }
    });
    y += layer.plan.out.width * conv.filters;
  }
}

/// The lanes that `count` numbers fill.
static IntLanes lanes_below(size_t count) noexcept {
  return lanes_of(count < size_t{kLanes} ? (1U << count) - 1U : ~0U);
}

/// kTile weights, neighbours in a row of the window, of filters from f on: sum over positions ascending of d * x.
template <size_t kTile>
void weight_gradient_tile(const Convolution& conv, const float* x, const float* d, IntLanes filters,
                          float* out) noexcept {
  const nn::Shape& positions = conv.layer.plan.out;
  const size_t step = conv.spec.stride_width * conv.channels;
  Pack sums[kTile];
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) sums[t] = Traits::broadcast(0.0F);
  for (size_t oy = 0; oy < positions.height; ++oy, x += conv.spec.stride_height * conv.row) {
    const float* input = x;
    for (size_t ox = 0; ox < positions.width; ++ox, input += step, d += conv.filters) {
      const Pack gradient = load_pack(d);
      SKINK_UNROLL
      for (size_t t = 0; t < kTile; ++t) sums[t] += gradient * Traits::broadcast(input[t]);
    }
  }
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) store_pack(only(filters, sums[t]), out + t * conv.layer.padded_filters);
}

/// Into conv.gradients, whose padding becomes zero. d: [positions][filters], and room for a vector.
static void weight_gradients(const Convolution& conv, const float* d) noexcept {
  float* out = reinterpret_cast<float*>(conv.gradients);
  memset(out, 0, conv.layer.gradient_size() * sizeof(float));
  const IntLanes filters = lanes_below(conv.filters);
  for (size_t v = 0; v < conv.filter_vectors(); ++v) {
    const size_t f = Convolution::begin_of(v, conv.filters);
    for (size_t ky = 0; ky < conv.spec.kernel_height; ++ky) {
      for_each_tile(conv.run, [&](auto tile, size_t k) {
        weight_gradient_tile<decltype(tile)::kSize>(conv, conv.input + ky * conv.row + k, d + f, filters,
                                                    out + (ky * conv.run + k) * conv.layer.padded_filters + f);
      });
    }
  }
}

/// What kTile positions of a row give the inputs under one tap: sum over f ascending of w * d, from what `sums` holds.
template <size_t kTile>
void input_gradient_tile(const Convolution& conv, const Pack* weights, const float* d, Pack* sums) noexcept {
  const size_t stride = conv.channel_vectors();
  const size_t step = conv.spec.stride_width * stride;
  Pack parts[kTile];
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) parts[t] = sums[t * step];
  for (size_t f = 0; f < conv.filters; ++f) {
    const Pack weight = weights[f * stride];
    SKINK_UNROLL
    for (size_t t = 0; t < kTile; ++t) parts[t] += weight * Traits::broadcast(d[t * conv.filters + f]);
  }
  SKINK_UNROLL
  for (size_t t = 0; t < kTile; ++t) sums[t * step] = parts[t];
}

static void transpose_weights(const Convolution& conv, const float* columns) noexcept {
  float* out = reinterpret_cast<float*>(conv.transposed);
  memset(out, 0, conv.layer.transposed_size() * sizeof(float));
  const size_t taps = size_t{conv.spec.kernel_height} * conv.spec.kernel_width;
  for (size_t tap = 0; tap < taps; ++tap, out += conv.filters * conv.layer.padded_channels) {
    for (size_t ci = 0; ci < conv.channels; ++ci, columns += conv.layer.padded_filters) {
      for (size_t f = 0; f < conv.filters; ++f) out[f * conv.layer.padded_channels + ci] = columns[f];
    }
  }
}

/// conv.sums become the gradients of inputs, tap after tap; those of cells of the frame are computed too.
static void sum_input_gradients(const Convolution& conv, const float* d) noexcept {
  const nn::Shape& positions = conv.layer.plan.out;
  const size_t vectors = conv.channel_vectors();
  const size_t row = conv.layer.frame_width * vectors;
  memset(conv.sums, 0, conv.layer.frame_height * row * sizeof(Pack));
  const Pack* weights = conv.transposed;
  for (size_t ky = 0; ky < conv.spec.kernel_height; ++ky) {
    for (size_t kx = 0; kx < conv.spec.kernel_width; ++kx, weights += conv.filters * vectors) {
      for (size_t oy = 0; oy < positions.height; ++oy) {
        Pack* sums = conv.sums + (oy * conv.spec.stride_height + ky) * row + kx * vectors;
        const float* gradients = d + oy * positions.width * conv.filters;
        for_each_tile(positions.width, [&](auto tile, size_t ox) {
          for (size_t v = 0; v < vectors; ++v) {
            input_gradient_tile<decltype(tile)::kSize>(conv, weights + v, gradients + ox * conv.filters,
                                                       sums + ox * conv.spec.stride_width * vectors + v);
          }
        });
      }
    }
  }
}

/// Leaves the frame and the padding of channels out: x[inputs] becomes the gradient, its padding zero.
static void take_input_gradients(const Convolution& conv, float* x) noexcept {
  const nn::LayerPlan& plan = conv.layer.plan;
  const size_t vectors = conv.channel_vectors();
  float* const gradients = reinterpret_cast<float*>(conv.sums);
  float* to = gradients;  // in place: never beyond what has been read
  for (size_t iy = 0; iy < plan.in.height; ++iy) {
    const Pack* cell = conv.sums + ((iy + plan.pad_top) * conv.layer.frame_width + plan.pad_left) * vectors;
    for (size_t ix = 0; ix < plan.in.width; ++ix, to += conv.channels) {
      for (size_t v = 0; v < vectors; ++v) store_pack(*cell++, to + v * kLanes);
    }
  }
  memset(to, 0, (conv.layer.padded_inputs - plan.in.size()) * sizeof(float));
  for (size_t i = 0; i < conv.layer.padded_inputs / kLanes; ++i) {
    packs(x)[i] = nn::kernels::through_activation(plan.in_activation, packs(x)[i], conv.sums[i]);
  }
}

/// Backward pass: x becomes the gradient of the inputs, if a layer below learns; then scale * gradient is added to the
/// parameters in `target`, which may be `image`. d: as in weight_gradients().
static void convolve_backward(const NeuronLayer& layer, const float* image, float* target, Pack scale, float* x,
                              const float* d, Pack* scratch) noexcept {
  const nn::LayerPlan& plan = layer.plan;
  const Convolution conv(layer, scratch);
  if (plan.moves_weights) {
    frame_input(conv, x);
    weight_gradients(conv, d);
  }
  if (plan.propagates) {
    transpose_weights(conv, image + layer.columns);
    sum_input_gradients(conv, d);
    take_input_gradients(conv, x);
  }
  if (plan.moves_weights) {
    nn::kernels::add_scaled(packs(target + layer.columns), conv.gradients, scale, layer.gradient_size() / kLanes);
  }
  for (size_t v = 0; plan.moves_bias && v < conv.filter_vectors(); ++v) {
    Pack sum = Traits::broadcast(0.0F);
    const float* gradient = d + v * kLanes;
    for (size_t position = 0; position < size_t{plan.out.height} * plan.out.width; ++position) {
      sum += load_pack(gradient + position * conv.filters);
    }
    packs(target + layer.bias)[v] += scale * only(lanes_below(conv.filters - v * kLanes), sum);
  }
}

}  // namespace skink::simulations::SKINK_ISA
