#pragma once
/// @file
/// Neuron lanes: one device at a time, the lanes being neighbouring neurons of a dense layer, or filters of a
/// convolution (neuron_convolutions.hpp). A sum still runs over its terms in its own order, one lane of it; so the bits
/// are those of a device. What has no neurons runs as on a device (neuron_plain.hpp). Included like pack.hpp.
///
/// A product with an input that is zero is skipped in the first layer where that pays. It would add a zero: that can
/// change the sign of a zero at most, which no result shows (docs/arithmetic.md, section 6), or, if a weight is
/// infinite, make a NaN; such a device has diverged with or without it.

#include "neuron_convolutions.hpp"
#include "neuron_layout.hpp"
#include "neuron_plain.hpp"
#include "pack_sums.hpp"
#include "skink/common/nn/kernels/all_kernels.hpp"
#include "skink/simulations/learning/lanes.hpp"

namespace skink::simulations::SKINK_ISA {

/// The inputs that a layer looks at, ascending; `places` null: all.
struct Inputs {
  const float* values;
  const uint32_t* places;
  size_t count;
};

#if defined(__AVX2__) && SKINK_LANES == 8
/// For each mask of 8 lanes the numbers of those that are set, a byte each.
struct SetLanes {
  uint64_t numbers[256];
  constexpr SetLanes() : numbers() {
    for (uint32_t mask = 0; mask < 256; ++mask) {
      uint32_t found = 0;
      for (uint64_t k = 0; k < 8; ++k) {
        if ((mask >> k & 1U) != 0) numbers[mask] |= k << 8 * found++;
      }
    }
  }
};
static constexpr SetLanes kSetLanes;
#endif

/// Writes first + k for each bit k. Up to kLanes words from `out` on may be overwritten. @returns how many.
static size_t list_bits(uint32_t bits, uint32_t first, uint32_t* out) noexcept {
#if defined(__AVX512F__)
  const __m512i numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i places = _mm512_add_epi32(numbers, _mm512_set1_epi32(static_cast<int>(first)));
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), places));
#elif defined(__AVX2__) && SKINK_LANES == 8
  const __m256i numbers = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(kSetLanes.numbers[bits])));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                      _mm256_add_epi32(numbers, _mm256_set1_epi32(static_cast<int>(first))));
#else
  for (uint32_t left = bits; left != 0; left &= left - 1) *out++ = first + static_cast<uint32_t>(__builtin_ctz(left));
#endif
  return static_cast<size_t>(__builtin_popcount(bits));
}

/// Writes where values are not zero; marks it in `touched` too, unless that is null. @returns how many.
static size_t find_nonzero(const float* values, size_t padded, uint32_t* places, uint32_t* touched) noexcept {
  size_t found = 0;
  for (size_t i = 0; i < padded; i += kLanes) {
    const uint32_t bits = bits_of(Traits::invert(Traits::equal(packs(values + i)[0], Traits::broadcast(0.0F))));
    if (touched != nullptr) touched[i / kLanes] |= bits;
    found += list_bits(bits, static_cast<uint32_t>(i), places + found);
  }
  return found;
}

/// kTile vectors of neurons: y = b + sum over inputs ascending of w[input] * x[input].
template <size_t kTile, bool kListed>
void columns_forward_tile(const Pack* w, size_t stride, const Pack* b, const Inputs& inputs, Pack* y) noexcept {
  Pack sums[kTile];
  SKINK_UNROLL
  for (size_t v = 0; v < kTile; ++v) sums[v] = b[v];
  for (size_t n = 0; n < inputs.count; ++n) {
    const size_t i = kListed ? inputs.places[n] : n;
    const Pack x = Traits::broadcast(inputs.values[i]);
    const Pack* row = w + i * stride;
    SKINK_UNROLL
    for (size_t v = 0; v < kTile; ++v) sums[v] += row[v] * x;
  }
  SKINK_UNROLL
  for (size_t v = 0; v < kTile; ++v) y[v] = sums[v];
}

/// w[input] += (scale * d) * x[input], kTile vectors of neurons.
template <size_t kTile, bool kListed>
void columns_update_tile(Pack* w, size_t stride, const Pack* d, Pack scale, const Inputs& inputs) noexcept {
  Pack g[kTile];
  SKINK_UNROLL
  for (size_t v = 0; v < kTile; ++v) g[v] = scale * d[v];
  for (size_t n = 0; n < inputs.count; ++n) {
    const size_t i = kListed ? inputs.places[n] : n;
    const Pack x = Traits::broadcast(inputs.values[i]);
    Pack* row = w + i * stride;
    SKINK_UNROLL
    for (size_t v = 0; v < kTile; ++v) row[v] += g[v] * x;
  }
}

template <bool kListed>
void columns_forward(const Pack* w, const Pack* b, const Inputs& inputs, Pack* y, size_t vectors) noexcept {
  size_t v = 0;
  for (; v + 8 <= vectors; v += 8) columns_forward_tile<8, kListed>(w + v, vectors, b + v, inputs, y + v);
  for (; v + 4 <= vectors; v += 4) columns_forward_tile<4, kListed>(w + v, vectors, b + v, inputs, y + v);
  for (; v + 2 <= vectors; v += 2) columns_forward_tile<2, kListed>(w + v, vectors, b + v, inputs, y + v);
  for (; v < vectors; ++v) columns_forward_tile<1, kListed>(w + v, vectors, b + v, inputs, y + v);
}

template <bool kListed>
void columns_update(Pack* w, const Pack* d, Pack scale, const Inputs& inputs, size_t vectors) noexcept {
  size_t v = 0;
  for (; v + 8 <= vectors; v += 8) columns_update_tile<8, kListed>(w + v, vectors, d + v, scale, inputs);
  for (; v + 4 <= vectors; v += 4) columns_update_tile<4, kListed>(w + v, vectors, d + v, scale, inputs);
  for (; v + 2 <= vectors; v += 2) columns_update_tile<2, kListed>(w + v, vectors, d + v, scale, inputs);
  for (; v < vectors; ++v) columns_update_tile<1, kListed>(w + v, vectors, d + v, scale, inputs);
}

/// One neuron: the products side by side, the sum in its order.
static void row_forward(const Pack* w, const float* b, const Pack* x, size_t inputs, float* y,
                        Pack* products) noexcept {
  for (size_t v = 0; v * kLanes < inputs; ++v) products[v] = w[v] * x[v];
  const float* product = reinterpret_cast<const float*>(products);
  float sum = b[0];
  for (size_t i = 0; i < inputs; ++i) sum += product[i];
  y[0] = sum;
}

/// A device's memory while it computes.
struct Device {
  const NeuronLayout& layout;
  float* image;
  float* target;  ///< where updates go: the image, or that of gradients
  float* workspace;
  Pack* scratch;
  uint32_t* places;
  const float* input = nullptr;  ///< of the current sample; nothing below it learns, so nothing overwrites it
  size_t nonzero = 0;            ///< numbers in it that are not zero; their places are listed

  const float* x(const NeuronLayer& layer) const noexcept { return layer.x == 0 ? input : workspace + layer.x; }
};

static Inputs inputs_of(const Device& device, const NeuronLayer& layer) noexcept {
  const size_t count = layer.plan.in.size();
  const bool is_sparse = layer.x == 0 && device.nonzero * 5 < count * 2;  // measured: at half, it costs
  return {device.x(layer), is_sparse ? device.places : nullptr, is_sparse ? device.nonzero : count};
}

static void forward_layer(const Device& device, const NeuronLayer& layer) noexcept {
  float* y = device.workspace + layer.y;
  const size_t vectors = layer.padded_outputs / kLanes;
  if (layer.plan.spec.kind == nn::LayerKind::kRelu) {
    nn::kernels::activate(nn::Activation::kRelu, packs(y), vectors);
  } else if (layer.plan.spec.kind == nn::LayerKind::kTanh) {
    nn::kernels::activate(nn::Activation::kTanh, packs(y), vectors);
  } else if (layer.form == NeuronLayer::Form::kRow) {
    row_forward(packs(device.image + layer.rows), device.image + layer.bias, packs(device.x(layer)),
                layer.plan.in.size(), y, device.scratch);
  } else if (layer.form == NeuronLayer::Form::kColumns) {
    const Inputs inputs = inputs_of(device, layer);
    const Pack* w = packs(device.image + layer.columns);
    const Pack* b = packs(device.image + layer.bias);
    if (inputs.places != nullptr) {
      columns_forward<true>(w, b, inputs, packs(y), vectors);
    } else {
      columns_forward<false>(w, b, inputs, packs(y), vectors);
    }
  } else if (layer.form == NeuronLayer::Form::kFilters) {
    convolve_forward(layer, device.image, device.x(layer), y, device.scratch);
  } else {
    plain_forward(layer, device.image, device.x(layer), y);
  }
}

/// Optimization: without a clock nothing is left of it; a step takes as little as 40 laps would.
struct NoClock {
  void lap(Stage /*stage*/) noexcept {}
};

template <class Clock>
void forward(Device& device, const float* input, uint32_t* touched, Clock& clock) noexcept {
  device.input = input;
  const size_t inputs = device.layout.input_stride();
  device.nonzero = device.layout.has_sparse_rows() ? find_nonzero(input, inputs, device.places, touched) : inputs;
  clock.lap(kSamples);
  const auto& layers = device.layout.layers();
  for (size_t l = 0; l < layers.size(); ++l) {
    forward_layer(device, layers[l]);
    clock.lap(forward_stage(l));
  }
}

static void update_columns(const Device& device, const NeuronLayer& layer, Pack scale) noexcept {
  const Inputs inputs = inputs_of(device, layer);
  Pack* w = packs(device.target + layer.columns);
  const Pack* d = packs(device.workspace + layer.y);
  const size_t vectors = layer.padded_outputs / kLanes;
  if (inputs.places != nullptr) {
    columns_update<true>(w, d, scale, inputs, vectors);
  } else {
    columns_update<false>(w, d, scale, inputs, vectors);
  }
}

static void backward_dense(const Device& device, const NeuronLayer& layer, Pack scale) noexcept {
  const nn::LayerPlan& plan = layer.plan;
  const bool is_columns = layer.form == NeuronLayer::Form::kColumns;
  if (is_columns && plan.moves_weights) update_columns(device, layer, scale);
  const float* d = device.workspace + layer.y;
  if (layer.rows != NeuronLayer::kNone) {
    const size_t outputs = plan.out.size();
    for (size_t o = 0; o < outputs; ++o) device.scratch[o] = Traits::broadcast(d[o]);
    nn::kernels::Update<Pack> update;
    update.weights = plan.moves_weights ? packs(device.target + layer.rows) : nullptr;
    update.scale = scale;
    update.propagates = plan.propagates;
    update.in_activation = plan.in_activation;
    nn::kernels::dense_backward(packs(device.image + layer.rows), packs(const_cast<float*>(device.x(layer))),
                                device.scratch, layer.padded_inputs / kLanes, outputs, update);
  }
  if (plan.moves_bias) {
    nn::kernels::add_scaled(packs(device.target + layer.bias), packs(d), scale, layer.padded_outputs / kLanes);
  }
}

template <class Clock>
void backward(const Device& device, float scale, Clock& clock) noexcept {
  const auto& layers = device.layout.layers();
  for (size_t l = layers.size(); l-- > 0;) {
    const NeuronLayer& layer = layers[l];
    if (layer.form == NeuronLayer::Form::kPlain) {
      plain_backward(layer, device.image, device.target, scale, const_cast<float*>(device.x(layer)),
                     device.workspace + layer.y, reinterpret_cast<float*>(device.scratch));
    } else if (layer.form == NeuronLayer::Form::kFilters) {
      convolve_backward(layer, device.image, device.target, Traits::broadcast(scale),
                        const_cast<float*>(device.x(layer)), device.workspace + layer.y, device.scratch);
    } else {
      backward_dense(device, layer, Traits::broadcast(scale));
    }
    clock.lap(backward_stage(l));
    if (ends_backward(layer)) break;
  }
}

/// visit(begin, count) for each part of the image that samples may have changed; the others are phi still.
template <class Visit>
void for_each_touched(const NeuronPass& pass, const Visit& visit) noexcept {
  const NeuronLayout& layout = *pass.layout;
  size_t rest = 0;
  if (layout.has_sparse_rows()) {
    for (size_t word = 0; word < layout.input_stride() / kLanes; ++word) {
      for (uint32_t bits = pass.touched[word]; bits != 0; bits &= bits - 1) {
        const size_t row = word * kLanes + static_cast<size_t>(__builtin_ctz(bits));
        visit(row * layout.row_size(), layout.row_size());
      }
    }
    rest = layout.row_size() * layout.network().input_size();
  }
  visit(rest, layout.image_size() - rest);
}

/// nn::pull_towards() for an image, which has all copies of a parameter.
static void pull_towards_phi(const NeuronPass& pass) noexcept {
  if (pass.pull == 0.0F) return;
  const Pack share = Traits::broadcast(pass.pull);
  for_each_touched(pass, [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; i += kLanes) {
      Pack& w = packs(pass.image + i)[0];
      w = w - share * (w - packs(pass.phi + i)[0]);
    }
  });
}

/// nn::apply_gradients() for an image; gradients become zero again. What does not move has a gradient of zero.
static void apply_gradients(const NeuronPass& pass, size_t batch) noexcept {
  const Pack step = Traits::broadcast(pass.inner_learning_rate / static_cast<float>(batch));
  for_each_touched(pass, [&](size_t begin, size_t count) {
    for (size_t i = begin; i < begin + count; i += kLanes) {
      Pack& w = packs(pass.image + i)[0];
      Pack& gradient = packs(pass.gradients + i)[0];
      w = w - step * gradient;
      gradient = Traits::broadcast(0.0F);
    }
  });
}

/// Forward, loss and backward of one sample.
template <class Clock>
void learn_sample(NeuronPass& pass, Device& device, size_t s, float scale, Clock& clock) noexcept {
  const nn::Network& network = device.layout.network();
  const float* input = pass.inputs + s * device.layout.input_stride();
  forward(device, input, pass.touched, clock);
  const float loss =
      plain_loss(network, device.layout.outputs(pass.workspace), input, pass.targets + s * network.target_size());
  pass.diverged |= !arithmetic::is_finite(loss);
  clock.lap(kLoss);
  backward(device, scale, clock);
}

template <class Clock>
void adapt_device(NeuronPass& pass, Clock& clock) noexcept {
  const bool is_online = pass.batch_size == 1;
  Device device{*pass.layout,   pass.image,          is_online ? pass.image : pass.gradients,
                pass.workspace, packs(pass.scratch), pass.places};
  for (size_t first = 0; first < pass.count; first += pass.batch_size) {
    const size_t batch = pass.count - first < pass.batch_size ? pass.count - first : pass.batch_size;
    const float scale = is_online ? -pass.inner_learning_rate : 1.0F;
    for (size_t s = first; s < first + batch; ++s) learn_sample(pass, device, s, scale, clock);
    if (!is_online) apply_gradients(pass, batch);
    pull_towards_phi(pass);
    if (!is_online) clock.lap(kOther);
  }
}

static void neuron_adapt(NeuronPass& pass) noexcept {
  if (pass.clock != nullptr) {
    adapt_device(pass, *pass.clock);
  } else {
    NoClock none;
    adapt_device(pass, none);
  }
}

static void neuron_query(NeuronQuery& query) noexcept {
  const NeuronLayout& layout = *query.layout;
  const nn::Network& network = layout.network();
  float* image = const_cast<float*>(query.image);
  Device device{layout, image, nullptr, query.workspace, packs(query.scratch), query.places};
  NoClock none;
  for (size_t s = 0; s < query.count; ++s) {
    forward(device, query.inputs + s * layout.input_stride(), nullptr, none);
    const float* target = query.targets + s * network.target_size();
    float* outputs = layout.outputs(query.workspace);
    memcpy(query.outputs + s * network.output_size(), outputs, network.output_size() * sizeof(float));
    query.losses[s] = plain_loss(network, outputs, query.inputs + s * layout.input_stride(), target);
  }
}

}  // namespace skink::simulations::SKINK_ISA
