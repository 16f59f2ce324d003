#pragma once
/// @file
/// Layers and shapes as text for people.

#include <string>

#include "skink/common/nn/network.hpp"

namespace skink {

/// A shape as "5" or "28x28x1".
std::string shape_text(nn::Shape shape);

/// A layer as "dense 32", "conv2d 8, kernel 3x3, stride 2x2, same".
std::string layer_text(const nn::LayerSpec& spec);

/// "softmax_cross_entropy" and so on, as an experiment says it.
const char* loss_text(nn::Loss loss);

}  // namespace skink
