#pragma once
/// @file
/// What a device must have before it starts: the exact bytes of the arena for a model, a way of adapting it and a
/// codec. A model that does not fit is refused with `total` and the arena's size.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/nn/network.hpp"
#include "skink/common/nn/training.hpp"

namespace skink::nn {

/// How a task is computed.
struct PlanRequest {
  uint32_t batch_size = 1;        ///< at least 1; 1: online SGD in place
  bool query_gradient = false;    ///< the mean gradient of a query set is sent: a gradient buffer online, too
  bool frozen_in_place = false;   ///< tensors that do not move are read where the model is: nn::Parameters
  uint32_t buffered_samples = 0;  ///< support samples kept in the arena; 0 when the source can be read again
  uint32_t latents = 0;           ///< support samples of which the latent is kept (Network::first_moving_layer())
  size_t codec_bytes = 0;         ///< codec::state_bytes()
  size_t residual_bytes = 0;      ///< codec::residual_bytes(), unless it is kept elsewhere
  size_t input_scales = 1;        ///< InputScale::count of the model; more than 1 are kept in the arena
};

/// Bytes, all multiples of 4, or SIZE_MAX: more than this machine can address. The parts lie in the arena in this
/// order.
struct MemoryPlan {
  size_t parameters = 0;     ///< all, or those that move
  size_t normalisation = 0;  ///< scales and offsets of the input, where there are several
  size_t inputs = 0;         ///< one sample, or as many of a mini-batch as are computed at a time
  size_t activations = 0;
  size_t scratch = 0;    ///< weight gradients of one input channel of the largest convolution
  size_t gradients = 0;  ///< mini-batch or query gradient only
  size_t support = 0;    ///< buffered samples: inputs and targets
  size_t codec = 0;
  size_t latents = 0;   ///< so that frozen layers compute once a sample, not in every pass
  size_t residual = 0;  ///< error feedback; at the very end of the arena, where it stays between tasks
  size_t total = 0;
};

/// Computes the parts of the arena and their total. Adapting takes all of them; evaluating too, without codec and
/// residual (leave them 0 in `request`). Pure; cannot fail: whether `total` fits is the caller's question.
///
/// @param[in] network  a built network.
/// @param[in] request  batch_size >= 1; more than kSliceSamples samples are computed in slices, so inputs and
///                     activations grow no further. codec_bytes and residual_bytes must be multiples of 4.
MemoryPlan plan_memory(const Network& network, const PlanRequest& request) noexcept;

}  // namespace skink::nn
