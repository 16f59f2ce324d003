#pragma once
/// @file
/// Instructions of a training step of which a part of the network moves.

#include "skink/common/nn/network.hpp"

namespace skink::firmware {

/// A net and what it is called.
struct NamedNet {
  const char* name;
  nn::Shape input;
  Span<const nn::LayerSpec> layers;
  nn::Loss loss = nn::Loss::kSoftmaxCrossEntropy;  ///< or the hinge
};

/// Prints a line a scope: net, scope, numbers that move, instructions of a step whose sample is new, and of one whose
/// latent is known ("-" where nothing below is frozen). Uses the arena.
void measure_scopes(const NamedNet& net) noexcept;

}  // namespace skink::firmware
