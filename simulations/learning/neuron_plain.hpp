#pragma once
/// @file
/// What neuron lanes leave to the code of a device: layers without neurons side by side, and losses. Compiled without
/// SIMD flags, as on a device.

#include <cstddef>

#include "neuron_layout.hpp"

namespace skink::simulations {

void plain_forward(const NeuronLayer& layer, const float* image, const float* x, float* y) noexcept;

/// @param[in,out] target   an image to which scale * gradient is added; may be `image`
/// @param[in]     scratch  [network.scratch_count()]
void plain_backward(const NeuronLayer& layer, const float* image, float* target, float scale, float* x, const float* d,
                    float* scratch) noexcept;

/// No layer below this one is needed on the way back.
bool ends_backward(const NeuronLayer& layer) noexcept;

/// @param[in,out] outputs  [network.output_size()]; becomes the gradient.
/// @param[in]     input    what reconstruction wants
float plain_loss(const nn::Network& network, float* outputs, const float* input, const float* targets) noexcept;

}  // namespace skink::simulations
