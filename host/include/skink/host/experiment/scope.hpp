#pragma once
/// @file
/// The scope of an adaptation: which of a network's trainable tensors it moves (docs/arithmetic.md, section 7). Keys:
/// docs/experiment.md, [adapt].

#include <cstdint>
#include <string_view>

#include "skink/host/experiment/experiment.hpp"

namespace skink {

/// The tensors that a scope leaves as they are.
///
/// @param[in] text     as in an experiment file: "all", or one or more of "head", "bias", "last:2" and "0.weights",
///                     joined by '+'
/// @param[in] network  of at most 16 layers
/// @returns a mask as Network::freeze() takes it; kInvalidArgument, and which part is at fault, for anything else, and
///          for a scope of which nothing is trainable.
Result<std::uint32_t> frozen_by(std::string_view text, const nn::Network& network);

/// The network of an experiment, as its tasks see it.
struct ScopedNetworks {
  nn::Network adapting;    ///< of the steps on the support set in rounds
  nn::Network sent;        ///< of the change that a round brings: with a query gradient of everything trainable
  nn::Network evaluating;  ///< of the steps on the support set in evaluations
};
/// Of an experiment that was checked.
ScopedNetworks scoped_networks(const Experiment& experiment);

}  // namespace skink
